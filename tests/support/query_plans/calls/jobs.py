"""Calls of the stores of the job machinery, and of what shares its keys."""

from collections.abc import Iterable
from uuid import UUID

from domain.jobs.kinds import Admission, Claim, Command, Lane
from domain.jobs.status_store import JobRecord
from domain.kinds import KINDS
from tests.support.query_plans.big_shop import (
    FIRST_FOR_COUPON,
    FIRST_PARKED,
    FIRST_QUEUED,
    FIRST_RUNNING,
    HOT_COUPON,
    MANY,
    NOW,
    REGULAR,
    RUNNING,
    TOKEN,
    hash_bytes,
)
from tests.support.query_plans.stores import Calls, calls_of, given, ids

GATHERED = 256
"""Requests in one group commit."""
DRAINED = 128

_COUNTED = "reads what waits in a lane, and no further than a limit; once a second at most"
_USER = 7
_NEW = ids(1_000_000, 1_000_000 + GATHERED)
_HELD = ids(FIRST_RUNNING + DRAINED, FIRST_RUNNING + RUNNING)
_EXPIRED = ids(FIRST_RUNNING, FIRST_RUNNING + DRAINED)
_QUEUED = ids(FIRST_QUEUED + 100, FIRST_QUEUED + 100 + DRAINED)
_PARKED = ids(FIRST_PARKED, FIRST_RUNNING)
_KEYS = [f"user:{n}" for n in range(FIRST_QUEUED // 2 + 10, FIRST_QUEUED // 2 + 74)]
_HOT_KEY = f"coupon:{HOT_COUPON}"
_FAILED = 1_001
"""A job that failed for a system reason, and was not retried."""
_WITH_CLAIM = FIRST_QUEUED - FIRST_QUEUED % 5 + 5


def _uuids(numbers: Iterable[int]) -> list[UUID]:
    return [UUID(int=number) for number in numbers]


def _claims(numbers: Iterable[int]) -> list[tuple[Claim, UUID]]:
    return [(Claim(hash_bytes(one), hash_bytes(one)), UUID(int=one)) for one in numbers]


def _command(user_id: int) -> Command:
    return Command("order.place", user_id, user_id, f"user:{user_id}", {})


def _waiting(id_: int, key: str, seq: int) -> JobRecord:
    return JobRecord(
        id_, UUID(int=id_), "order.place", REGULAR, REGULAR, key, seq, "queued", None, None, 0,
        NOW, None, None, None,
    )


JOBS: Calls = {
    **calls_of(
        "domain.jobs.intake_store",
        claim_keys=[given(_claims([*_NEW, 100, 200]))],
        any_known=[given([hash_bytes(100), hash_bytes(200)])],
        drop_claims=[given(_claims([100]))],
        repoint_claims=[given([(*_claims([100])[0], UUID(int=200))])],
        commit_jobs=[
            given([(UUID(int=n), _command(n), Admission()) for n in _NEW], NOW, KINDS)
        ],
        committed=[given(_uuids(range(1_000, 1_000 + GATHERED)))],
    ),
    **calls_of(
        "domain.jobs.backlog_store",
        count_unended=[
            given(lane, 1_000, reads="counts, in an index alone, up to a bound, once a second")
            for lane in Lane
        ],
        oldest_seconds=[
            given(lane, reads="looks at the oldest thousand jobs at most, once a second")
            for lane in Lane
        ],
    ),
    **calls_of(
        "domain.jobs.status_store",
        by_uuids=[given(_uuids([100])), given(_uuids(range(1_000, 1_000 + GATHERED)))],
        ended_among=[given(_uuids(range(1_000, 1_000 + GATHERED)))],
        of_user=[
            *(
                given(user_id, status, kind, before, 21)
                for user_id, status, kind in (
                    (_USER, None, None), (REGULAR, None, None),
                    (REGULAR, "succeeded", "order.place"),
                )
                for before in (None, 12_000)
            ),
        ],
        of_all=[
            given(None, None, 12_000, 1, 21),
            given(
                "cancelled", None, 12_000, 1, 21,
                reads="an admin's search goes on until its page is full, or a hundred thousand",
            ),
        ],
        queued=[
            *(given(lane, None, None, 21) for lane in Lane),
            given(Lane.USERS, "order.place", None, 21),
            given(Lane.COUPONS, "coupon.issue", None, 21),
        ],
        newest=[given()],
        in_lane=[given(lane, 10_000, reads=_COUNTED) for lane in Lane],
        key_has_work=[given(_HOT_KEY)],
        position=[
            given(_waiting(FIRST_FOR_COUPON + 500, _HOT_KEY, FIRST_FOR_COUPON + 500)),
            given(_waiting(FIRST_QUEUED + 100, f"user:{(FIRST_QUEUED + 100) // 2}", 0)),
        ],
        cancel=[given(UUID(int=FIRST_QUEUED))],
        free_claim_of=[given(UUID(int=_WITH_CLAIM))],
    ),
    **calls_of(
        "domain.jobs.retry_store",
        find=[given(UUID(int=_FAILED))],
        retries_of=[given(_uuids(range(501, FIRST_RUNNING, 500)))],
        failed_by_system=[
            given(user_id, kind, before, 21)
            for user_id, kind in ((None, None), (1 + _FAILED % MANY, "order.place"))
            for before in (None, FIRST_RUNNING - 5_000)
        ],
        unretried=[given(5)],
        count_unretried=[given(10_000)],
    ),
    **calls_of(
        "domain.jobs.parking_store",
        park=[given(_HELD, TOKEN)],
        resume=[given(_PARKED, Lane.USERS)],
        let_go=[given(_PARKED)],
    ),
    **calls_of(
        "domain.jobs.window_store",
        window=[
            given(lane, 2 * DRAINED, left_out)
            for lane, left_out in (
                (Lane.USERS, []), (Lane.USERS, _KEYS), (Lane.COUPONS, []),
                (Lane.COUPONS, ["coupon:1"]),
            )
        ],
    ),
    **calls_of(
        "domain.jobs.claim_store",
        lock_earliest=[given(dict.fromkeys(_KEYS, 2)), given({_HOT_KEY: DRAINED})],
        lease=[given(_QUEUED, TOKEN, 10.0)],
        requeue_expired=[given(_EXPIRED)],
        seize=[given(_EXPIRED[0], bytes(16))],
        count_held=[given(_HELD, TOKEN)],
        end_succeeded=[given([(id_, "{}") for id_ in _HELD], TOKEN)],
        end_failed=[given([(id_, "{}") for id_ in _HELD], TOKEN, True)],
        put_back=[given(_HELD[0], TOKEN, 2.0, True)],
        give_back=[given(_HELD, TOKEN)],
        free_claims=[
            given([(hash_bytes(100), UUID(int=100).bytes)]),
            given([(hash_bytes(n), UUID(int=n).bytes) for n in range(5, 645, 5)]),
        ],
        lane_has_work=[given(lane) for lane in Lane],
    ),
}

ANSWERS: Calls = calls_of(
    "domain.answers.store",
    answer_of=[given(hash_bytes(101))],
    keep=[given(hash_bytes(101), "{}")],
)
