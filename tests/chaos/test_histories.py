"""What clients saw of wallets and a coupon, while something broke, is linearizable.

Six histories, or as many as CHAOS_HISTORIES says, one of each strike in turn; CHAOS_SEED repeats
what the clients did.
"""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import pytest

from tests.support.chaos.crowd import assert_audit_holds, crowded, extent
from tests.support.chaos.histories import OPENING, TOTAL, Shop, played
from tests.support.chaos.linearizability import Operation, violations
from tests.support.chaos.models import Coupon, Wallet
from tests.support.chaos.stage import Stage
from tests.support.chaos.strikes import STRIKES
from tests.support.services import TestServices
from tests.support.waiting import eventually

HISTORIES = extent("CHAOS_HISTORIES", 6)
SEED = extent("CHAOS_SEED", 1)
SLOW = (0.003, 0.012)

pytestmark = pytest.mark.timeout(120 + 40 * HISTORIES)


@pytest.fixture(scope="module")
def stage(
    services: TestServices, _schema: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    """Leases are short, so that a worker that is gone or stands still costs little time."""
    with crowded(services, tmp_path_factory.mktemp("fleet"), {"LEASE_SECONDS": "2"}) as running:
        yield running


def judged(shop: Shop, history: Sequence[Operation]) -> list[str]:
    """What is wrong with each object of a history, in words."""
    users = {("user", user): OPENING for user in shop.users}
    coupons = {("coupon", shop.coupon): TOTAL}
    parts: dict[bool, list[Operation]] = {True: [], False: []}
    for operation in history:
        parts[operation.key in users].append(operation)
    found = violations(parts[True], Wallet(users)) + violations(parts[False], Coupon(coupons))
    return [str(violation) for violation in found]


def kind(operation: Operation) -> tuple[str, Any]:
    """What was asked, and how it was answered, without the numbers."""
    if not operation.answered:
        return "without an answer", None
    told = operation.answer if isinstance(operation.answer, str | bool) else ""
    return type(operation.asked).__name__, told


def test_every_history_is_linearizable(stage: Stage) -> None:
    seen: Counter[tuple[str, Any]] = Counter()
    for number, strike in zip(range(HISTORIES), [*STRIKES] * HISTORIES, strict=False):
        # Given clients of two users and a coupon
        chance = random.Random(f"{SEED}/{number}")
        shop = Shop.opened(stage.api)
        # When something breaks while they are at it
        with stage.slow_database(*SLOW):
            history = played(shop, SEED + number, partial(STRIKES[strike], stage, chance))
        # Then what they saw could have happened one at a time
        assert judged(shop, history) == [], f"history {number}, {strike}"
        seen.update(map(kind, history))
        eventually(stage.healthy, 30, f"the fleet is whole again after: {strike}")
    print(f"seen in {HISTORIES} histories:", dict(seen))
    # And they saw everything that there is to be seen
    assert {
        ("Charge", ""), ("Pay", True), ("Pay", ""), ("Refund", True), ("Read", ""),
        ("Issue", True), ("Issue", "C001"), ("Issue", "C006"), ("SetTotal", True),
        ("without an answer", None),
    } <= set(seen)
    assert_audit_holds()
