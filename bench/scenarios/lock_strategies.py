"""Ways to guard a row that everybody wants: what each lets through, and what it loses."""

from bench.bench import Bench
from bench.locks.contest import PAUSE_EVERY, PAUSE_SECONDS, Arena, Contest, arena
from bench.locks.ways import LEASE_SECONDS, RESOURCES, SHOWN, WAYS
from bench.record import Recorder
from bench.scenarios.registry import scenario

DATABASE = "shop_locks"
CONTENDERS = (1, 4, 16)
PAUSING = 4
_HEADINGS = ("row", "way", "contenders", "changes/s", "p99 ms", "tries a change", "given up",
             "locks expired", "changes lost")


@scenario("lock-strategies", "one balance, stock and coupon count, changed by 1 to 16 connections: "
          "row lock, version, condition, a lock in Redis alone", by_name=True)
def lock_strategies(bench: Bench, record: Recorder) -> None:
    stage = bench.stage
    stage.make_database(DATABASE)
    try:
        contests = _Contests(record, _rows(bench), max(0.5, bench.options.seconds / 10))
        with arena(stage, DATABASE, max(CONTENDERS)) as held:
            for resource in range(len(RESOURCES)):
                for way in WAYS:
                    for contenders in CONTENDERS:
                        contests.hold(held, way, resource, contenders)
            for way in WAYS:
                contests.hold(held, way, 0, PAUSING, pauses=True)
    finally:
        stage.drop_database(DATABASE)
    record.listing(
        f"One row, everybody's (the lock in Redis is leased for {1_000 * LEASE_SECONDS:.0f} ms; "
        f"with pauses, each contender pauses {1_000 * PAUSE_SECONDS:.0f} ms before every "
        f"{PAUSE_EVERY}th write)", _HEADINGS, contests.rows,
    )


def _rows(bench: Bench) -> list[int]:
    """The id of each resource's row, in tables that have a version."""
    made = bench.stage.seed(
        "--users", "10", "--products", "10", "--coupon-quantity", "1000000000", database=DATABASE
    )
    connection = bench.stage.connect(DATABASE)
    try:
        with connection.cursor() as cursor:
            for resource in RESOURCES:
                cursor.execute(
                    f"ALTER TABLE {resource.table} ADD COLUMN version BIGINT NOT NULL DEFAULT 0"
                )
    finally:
        connection.close()
    return [made["users"]["first"], made["products"]["first"], made["couponIds"][0]]


class _Contests:
    def __init__(self, record: Recorder, ids: list[int], seconds: float) -> None:
        self._record, self._ids, self._seconds = record, ids, seconds
        self.rows: list[tuple[str, ...]] = []

    def hold(
        self, held: Arena, way: str, resource: int, contenders: int, pauses: bool = False
    ) -> None:
        contest = Contest(way, resource, self._ids[resource], self._seconds, pauses)
        outcome, rate, lost = held.hold(contest, contenders)
        name = RESOURCES[resource].name + (", pauses" if pauses else "")
        part = f"{name}.{way}@{contenders}"
        tries = (outcome.done + outcome.again + outcome.failed) / max(1, outcome.done)
        figures = {"per_second": rate, "p99_ms": outcome.p99_ms(), "tries": tries,
                   "given_up": outcome.failed, "expired": outcome.expired, "lost": lost}
        for figure, value in figures.items():
            self._record.figure(f"{part}.{figure}", value)
        if lost and way != "redis_alone":
            self._record.wrong(f"{part}: {lost} changes lost, which it must not")
        self.rows.append((
            name, SHOWN[way], str(contenders), f"{rate:,.0f}", f"{figures['p99_ms']:,.1f}",
            f"{tries:.2f}", f"{outcome.failed:,}", f"{outcome.expired:,}", f"{lost:,}",
        ))
