"""The report: verdicts, exit codes, and the shape of its JSON."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from audit.report import EXAMPLES, Finding, Report, Verdict, plain
from audit.rules import collect

AT = datetime(2026, 11, 23, 22, 1, 58, 123456, tzinfo=UTC)


def finding(violations: int = 0, unchecked: int = 0) -> Finding:
    one = Finding(2, "Stock", examined={"products": 3}, under_way={"jobsQueued": 1})
    broken = [{"productId": number, "stock": Decimal(5)} for number in range(violations)]
    collect(one, "stock-sum", "product {productId} has {stock}", broken)
    one.unchecked += ["Kafka: away"] * unchecked
    return one


@pytest.mark.parametrize(
    ("findings", "code"),
    [
        ([finding()], 0),
        ([finding(), finding(violations=1)], 1),
        ([finding(), finding(unchecked=1)], 2),
        ([finding(violations=1), finding(unchecked=1)], 1),
        ([finding(violations=1, unchecked=1)], 1),
    ],
)
def test_broken_outweighs_unchecked_outweighs_holding(findings: list[Finding], code: int) -> None:
    report = Report(AT, findings)
    assert report.exit_code == code
    assert report.ok == (code == 0)


def test_all_violations_are_counted_and_the_first_ten_shown() -> None:
    [violation] = finding(violations=EXAMPLES + 15).violations
    assert violation.count == EXAMPLES + 15
    assert [example.values["productId"] for example in violation.examples] == list(range(EXAMPLES))
    assert violation.examples[3].detail == "product 3 has 5"


def test_nothing_is_added_for_a_rule_that_holds() -> None:
    assert finding().violations == []
    assert finding().status is Verdict.HOLDS


def test_the_json_has_its_stable_shape() -> None:
    assert Report(AT, [finding(violations=1, unchecked=1)]).as_json() == {
        "ok": False,
        "checkedAt": "2026-11-23T22:01:58.123Z",
        "invariants": [
            {
                "number": 2,
                "name": "Stock",
                "status": "broken",
                "examined": {"products": 3},
                "violations": [
                    {
                        "rule": "stock-sum",
                        "count": 1,
                        "examples": [
                            {
                                "detail": "product 0 has 5",
                                "values": {"productId": 0, "stock": 5},
                            }
                        ],
                    }
                ],
                "underWay": {"jobsQueued": 1},
                "unchecked": ["Kafka: away"],
            }
        ],
    }


def test_nothing_checked_needs_one_reason_for_all() -> None:
    away = Finding(1, "Jobs", unchecked=["database: away"])
    assert Report(AT, [away, Finding(2, "Stock", unchecked=["database: away"])]).nothing_checked
    assert Report(AT, [away, finding()]).nothing_checked is None
    assert Report(AT, [finding(unchecked=1)]).nothing_checked is None


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, None), (7, 7), ("x", "x"), (True, True), (Decimal("12"), 12),
        (UUID(int=5).bytes, "00000000-0000-0000-0000-000000000005"), (b"\x01\xff", "01ff"),
        (datetime(2026, 1, 2, 3, 4, 5), "2026-01-02T03:04:05.000Z"),  # noqa: DTZ001 - as stored
    ],
)
def test_values_become_what_json_and_people_read(value: object, shown: object) -> None:
    assert plain(value) == shown
