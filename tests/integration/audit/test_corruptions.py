"""Audit holds on a healthy shop, and names each thing that is wrong with a corrupted one.

The table of corruptions is in tests/support/corruptions.py.
"""

import pytest

from audit import audit
from audit.run import INVARIANTS
from infra.settings import settings
from tests.integration.audit.shop import broken, corrupt, restore
from tests.support.corruptions import CORRUPTIONS, Corruption


def test_a_healthy_shop_holds(shop: None) -> None:
    # When a shop with every kind of row is audited
    report = audit(settings())
    # Then everything was looked at, and nothing is wrong
    assert broken(report) == {}
    assert report.exit_code == 0, report.as_json()
    found = {finding.name: finding for finding in report.findings}
    assert found["Outbox"].examined["eventsInKafka"] == found["Outbox"].examined["events"] == 10
    assert found["Ranking"].examined["rankedProducts"] > 3
    assert found["Jobs"].under_way["jobsQueued"] == 2
    assert all(count > 0 for one in report.findings for count in one.examined.values())


@pytest.mark.parametrize("corruption", CORRUPTIONS, ids=str)
def test_each_corruption_is_named(shop: None, corruption: Corruption) -> None:
    # Given one thing that is wrong
    for drop, _ in corruption.guards:
        corrupt(drop)
    try:
        corrupt(corruption.sql)
        # When the shop is audited
        report = audit(settings())
    finally:
        restore(*corruption.tables)
        for _, add_again in corruption.guards:
            corrupt(add_again)
    # Then exactly the rules that it breaks say so, and the exit code does
    assert broken(report) == corruption.breaks
    assert report.exit_code == 1


def test_every_rule_has_a_corruption_that_it_finds() -> None:
    rules = {(one.number, rule.name) for one in INVARIANTS for rule in one.rules}
    rules |= {(6, name) for name in ("event-not-in-kafka", "event-late-in-kafka",
                                     "event-misplaced", "event-unknown")}
    rules |= {(7, "ranking-differs")}
    found = {
        (number, name) for one in CORRUPTIONS for number, names in one.breaks.items()
        for name in names
    }
    assert found == rules
