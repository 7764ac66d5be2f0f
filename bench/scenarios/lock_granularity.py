"""How finely jobs are locked: all by one lock, a user's by the user's, many users' in a batch."""

from dataclasses import dataclass, field

from bench.bench import Bench
from bench.record import Recorder
from bench.scenarios.commands import WAIT
from bench.scenarios.registry import scenario

CLIENTS = 100
WORKERS = "--processes 2 --threads 4 --worker-fork-timeout 5000"
"""Eight at once, so that there is somebody to wait for a lock. The shop's own has one."""


@dataclass(frozen=True, slots=True)
class Granularity:
    """program: of the users' lane, by Dramatiq's command line; empty: the shop's own."""

    about: str
    program: str
    settings: dict[str, str] = field(default_factory=dict)


_ONE_BY_ONE = {"DRAIN_BATCH": "1"}
GRANULARITIES = {
    "global": Granularity(
        "one lock for all jobs, one job a transaction", f"bench.one_lock {WORKERS}", _ONE_BY_ONE
    ),
    "user": Granularity(
        "a lock a user, one job a transaction", f"workers.main {WORKERS}", _ONE_BY_ONE
    ),
    "batches": Granularity(
        "a lock a user, many users in a transaction", f"workers.main {WORKERS}"
    ),
    "shop": Granularity("the same, by the one worker of the shop's Procfile", ""),
}
_HEADINGS = ("granularity", "orders/s", "p50 ms", "p99 ms", "jobs a transaction", "row lock waits")


@scenario("lock-granularity", "users with carts of 3 of 10 products, 100 clients: one lock for "
          "all, one a user, batches over users", by_name=True)
def lock_granularity(bench: Bench, record: Recorder) -> None:
    rows = []
    users = bench.options.enough(100_000)
    with bench.stage.other_fleets() as start:
        for name, one in GRANULARITIES.items():
            commands = {"users": f"dramatiq {one.program} --queues users"} if one.program else {}
            start(commands, **one.settings)
            made = bench.carts(users)
            loaded = record.load(
                name, "order", first_user=made["users"]["first"], users=users, total=users,
                clients=CLIENTS, seconds=bench.options.seconds, warm_up=bench.options.warm_up,
                follow=True, arguments=WAIT,
            )
            bench.stage.audit()  # waits until what this one left is done
            grown = record.record.counters[name]
            rows.append((
                one.about, f"{loaded.ended_per_second:,.0f}", f"{loaded.latency['p50']:,.0f}",
                f"{loaded.latency['p99']:,.0f}", f"{grown.get('drain users mean batch', 0):.1f}",
                f"{grown.get('row lock waits', 0):,.0f}",
            ))
    record.listing("How finely jobs are locked", _HEADINGS, rows)
