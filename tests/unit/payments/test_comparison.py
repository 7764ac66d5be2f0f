"""Where the provider's list and the ledger contradict each other."""

from datetime import UTC, datetime
from uuid import UUID

import orjson
import pytest

from domain.payments import comparison
from domain.payments.comparison import Held, Kind, Listed, WrongAnswer, compare
from domain.payments.rules import Status
from infra.outgoing import Reply

KEY = UUID(int=7)
AT = datetime(2026, 1, 1, tzinfo=UTC)


def held(status: Status, amount: int = 500, old: bool = True) -> Held:
    return Held(KEY, amount, status, old)


def listed(status: str, amount: int = 500) -> Listed:
    return Listed(str(KEY), amount, status, AT)


@pytest.mark.parametrize(
    ("here", "there", "kind"),
    [
        (None, listed("approved"), Kind.UNKNOWN_HERE),
        (None, listed("pending"), Kind.UNKNOWN_HERE),
        (None, listed("declined"), None),
        (None, listed("voided"), None),
        (held(Status.BOOKED), listed("approved"), None),
        (held(Status.BOOKED), listed("approved", 501), Kind.AMOUNT),
        (held(Status.BOOKED), listed("declined"), Kind.NOT_TAKEN),
        (held(Status.BOOKED), listed("voided"), Kind.NOT_TAKEN),
        (held(Status.BOOKED), listed("pending"), Kind.NOT_TAKEN),
        (held(Status.BOOKED), None, Kind.NOT_TAKEN),
        (held(Status.DECLINED), listed("declined"), None),
        (held(Status.DECLINED), listed("approved"), Kind.NOT_BOOKED),
        (held(Status.DECLINED, old=False), listed("approved"), Kind.NOT_BOOKED),
        (held(Status.VOIDED), listed("voided"), None),
        (held(Status.VOIDED), listed("approved"), Kind.NOT_BOOKED),
        *((held(status), listed("approved"), Kind.NOT_BOOKED)
          for status in (Status.ASKING, Status.APPROVED, Status.VOIDING)),
        *((held(status, old=False), listed("approved"), None)
          for status in (Status.ASKING, Status.APPROVED, Status.VOIDING)),
        (held(Status.ASKING), None, None),
        (held(Status.ASKING), listed("declined"), None),
    ],
)
def test_each_pair_of_states(here: Held | None, there: Listed | None, kind: Kind | None) -> None:
    found = compare(str(KEY), here, there)
    assert (found.kind if found else None) == kind


def a_payment(**other: object) -> dict[str, object]:
    return {
        "key": str(KEY), "amount": 500, "status": "approved",
        "createdAt": "2026-01-01T00:00:00.000Z", **other,
    }


def test_a_page_is_read() -> None:
    body = orjson.dumps({"payments": [a_payment()], "nextCursor": "c"})
    page = comparison.read_page(Reply(200, body))
    assert (page.payments, page.following) == ([listed("approved")], "c")


def test_a_payment_that_is_not_there_is_none_only_if_the_provider_says_so() -> None:
    assert comparison.read_one(Reply(404, b'{"error":"no such payment"}')) is None
    assert comparison.read_one(Reply(200, orjson.dumps(a_payment()))) == listed("approved")
    with pytest.raises(WrongAnswer):
        comparison.read_one(Reply(404, b"<html>not found</html>"))


@pytest.mark.parametrize(
    "one",
    [
        a_payment(key=7), a_payment(amount="500"), a_payment(amount=True), a_payment(status="ok"),
        a_payment(createdAt="yesterday"), a_payment(createdAt="2026-01-01T00:00:00"), {}, None, 7,
    ],
    ids=str,
)
def test_what_is_no_payment_is_no_list(one: object) -> None:
    with pytest.raises(WrongAnswer):
        comparison.read_page(Reply(200, orjson.dumps({"payments": [one], "nextCursor": None})))


@pytest.mark.parametrize(
    "reply",
    [Reply(error="timed out"), Reply(500), Reply(200, b"<html>"), Reply(200, b"[]"),
     Reply(200, b"{}"), Reply(200, b'{"payments":[],"nextCursor":7}')],
    ids=str,
)
def test_what_is_no_list_is_none(reply: Reply) -> None:
    with pytest.raises(WrongAnswer):
        comparison.read_page(reply)


def test_foreign_keys_fit_their_column() -> None:
    body = orjson.dumps({"payments": [a_payment(key="ключ" * 99)], "nextCursor": None})
    [found] = comparison.read_page(Reply(200, body)).payments
    assert found.key.isascii()
    assert len(found.key) == 255


def test_only_the_spelling_of_our_ids_is_ours() -> None:
    assert comparison.uuid_of(str(KEY)) == KEY
    assert comparison.uuid_of(str(KEY).upper().replace("-", "")) is None
    assert comparison.uuid_of("pay_1") is None
