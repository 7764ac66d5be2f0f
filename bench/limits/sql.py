"""L-sql: how many jobs a second the effects' SQL alone lets through."""

import multiprocessing
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench.limits import effects, order_effects, queue
from bench.stage import LIMITS_DATABASE, Stage, connect
from fleet.console import say

BATCHES = (1, 8, 64)
PROCESSES = (1, 2)
KINDS = {
    "coupons": ("coupon.issue", effects.coupons),
    "charges": ("balance.charge", effects.charges),
    "orders": ("order.place", order_effects.orders),
}
# So many jobs at each batch size, which are some seconds of work.
_JOBS = {1: 1_600, 8: 8_000, 64: 24_000}


@dataclass(frozen=True, slots=True)
class SqlLimit:
    """Jobs a second, for each kind by (batch, processes)."""

    kind: str
    rates: dict[tuple[int, int], float]

    def best(self, batch: int) -> float:
        """With as many processes as do best."""
        return max(rate for (size, _), rate in self.rates.items() if size == batch)

    def as_json(self) -> dict[str, float]:
        return {f"batch {batch}, {processes} processes": rate
                for (batch, processes), rate in sorted(self.rates.items())}


def measure(stage: Stage, scale: float) -> list[SqlLimit]:
    """All three kinds, in a database of their own.

    scale: of how many jobs each figure is made; 1 takes some two minutes.
    """
    stage.make_database(LIMITS_DATABASE)
    counts = {batch: max(2 * batch, int(jobs * scale)) for batch, jobs in _JOBS.items()}
    users = len(PROCESSES) * sum(counts.values())
    made = stage.seed(
        "--users", str(users), "--products", "10", "--carts", "--coupon-quantity", str(users),
        database=LIMITS_DATABASE,
    )
    ids = range(made["users"]["first"], made["users"]["last"] + 1)
    return [_kind(stage, name, ids, counts, made["couponIds"][0]) for name in KINDS]


def _kind(
    stage: Stage, name: str, users: Sequence[int], counts: dict[int, int], coupon_id: int
) -> SqlLimit:
    kind = KINDS[name][0]
    connection = stage.connect(LIMITS_DATABASE)
    try:
        jobs = queue.lay_out(
            connection, kind, users, coupon_id if kind == "coupon.issue" else 0
        )
    finally:
        connection.close()
    rates, at = {}, 0
    for batch, count in counts.items():
        for processes in PROCESSES:
            rates[batch, processes] = run(
                stage, name, jobs[at : at + count], batch, processes, LIMITS_DATABASE
            )
            at += count
    limit = SqlLimit(name, rates)
    say("    " + ", ".join(f"{name} {how} {rate:.0f}/s" for how, rate in limit.as_json().items()))
    return limit


def run(
    stage: Stage, name: str, jobs: Sequence[int], batch: int, processes: int, database: str | None
) -> float:
    """Do these jobs, shared by so many processes; jobs a second."""
    url = stage.checkout.services().urls.database
    shares = [list(jobs[share::processes]) for share in range(processes)]
    if processes == 1:
        began, ended = _work(url, database, name, shares[0], batch)
        return len(jobs) / (ended - began)
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        pool.map(_nothing, range(processes))  # all have started
        spans = pool.starmap(
            _work, [(url, database, name, share, batch) for share in shares], chunksize=1
        )
    return len(jobs) / (max(end for _, end in spans) - min(begin for begin, _ in spans))


def _nothing(_: int) -> None:
    time.sleep(0.2)


def _work(
    url: str, database: str | None, name: str, jobs: Sequence[int], batch: int
) -> tuple[float, float]:
    """When it began and ended, by the clock that all processes share."""
    connection = connect(url, database)
    do = KINDS[name][1]
    try:
        began = time.monotonic()
        with connection.cursor() as cursor:
            for start in range(0, len(jobs), batch):
                connection.begin()
                do(cursor, jobs[start : start + batch])
                connection.commit()
        return began, time.monotonic()
    finally:
        connection.close()
