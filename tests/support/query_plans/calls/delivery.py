"""Calls of the stores of what goes out: the outbox and the exports."""

from uuid import UUID

from domain.exports.store import Arrival, Failure
from domain.outbox.events import SHARDS
from domain.outbox.rules import Pending
from tests.support.query_plans.big_shop import (
    FIRST_DEAD,
    FIRST_PENDING,
    FIRST_PENDING_EXPORT,
    FIRST_SENDING,
    TOKEN,
    uuid_bytes,
)
from tests.support.query_plans.stores import Calls, calls_of, given, ids

RELAYED = 2_000
"""Events in one batch of the relay."""
AT_ONCE = 320
"""Calls to the data platform under way."""
TAKEN_OVER = 1_000
COUNTED = 100_000
_COUNTED = "counts in an index alone, and no further than a limit"

_EVENT = Pending(
    FIRST_PENDING + 1, uuid_bytes(1), "order", 1, "order.completed", b"{}", None, "", 0
)
_PENDING = ids(FIRST_PENDING, FIRST_PENDING + RELAYED)
_PENDING_EXPORTS = [uuid_bytes(FIRST_PENDING_EXPORT + n) for n in range(AT_ONCE)]
_SENDING = [UUID(int=FIRST_SENDING + n) for n in range(AT_ONCE)]

OUTBOX: Calls = calls_of(
    "domain.outbox.store",
    pending=[given(ids(0, SHARDS), RELAYED), given([3, 5], RELAYED, ["product", "wallet"])],
    all_pending=[given(ids(0, SHARDS), RELAYED), given([3, 5], RELAYED, ["product", "wallet"])],
    mark_published=[given([_EVENT.id]), given(_PENDING)],
    postpone=[given(_EVENT, 5.0, "too large")],
    bury=[given(_EVENT, "too large")],
    revive=[given(FIRST_DEAD)],
    revive_some=[given(500)],
    count_pending=[given(COUNTED, reads=_COUNTED)],
    count_dead=[given(COUNTED)],
    oldest_pending_seconds=[given()],
    one=[given(FIRST_DEAD)],
    page=[
        given(status, 21, before)
        for status, last in (
            (None, 12_000), ("pending", FIRST_PENDING + 500), ("dead", FIRST_DEAD + 50),
            ("published", 12_000),
        )
        for before in (None, last)
    ],
    event_ids=[given(0, 5_000), given(12_000, 5_000)],
    add_shards=[given()],
    take_shards=[given("relay", 10.0)],
    shards_of=[given("relay")],
    free_shards=[given("relay")],
    beat=[given("relay", "{}")],
)

EXPORTS: Calls = calls_of(
    "domain.exports.store",
    arrive=[given([Arrival(UUID(int=1_000_000 + n), n, "t", "{}") for n in range(AT_ONCE)])],
    unheard_of=[given(16_001, 21_000, 30)],
    due=[given(AT_ONCE)],
    claim=[given(TOKEN, _PENDING_EXPORTS, 30.0)],
    synced=[given(TOKEN, _SENDING)],
    failed=[given(TOKEN, [Failure(one, "503", False, 5.0) for one in _SENDING])],
    release=[given(TOKEN, _SENDING)],
    take_over=[given(TAKEN_OVER)],
    waiting=[given(COUNTED, reads=_COUNTED)],
    beat=[given("{}")],
    dead=[given(COUNTED)],
    of_order=[given(7)],
    order_status=[given(7)],
    rearm=[given(7)],
)
