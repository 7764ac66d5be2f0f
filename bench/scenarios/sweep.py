"""Charges over the numbers that one may turn: connections, worker threads, web processes."""

from itertools import product

from bench.bench import Bench
from bench.record import Recorder
from bench.scenarios.commands import WAIT
from bench.scenarios.registry import scenario

CONNECTIONS = (2, 10, 40)
"""Database connections that a process may have (``DATABASE_CONNECTIONS``)."""
THREADS = (1, 2, 4)
"""Of the users' worker. The shop's Procfile has one."""
WEB = (1, 2, 4)
"""Web processes (``WEB_WORKERS``)."""

CLIENTS = 100
_KINDS = ("web", "users", "mariadb")
_HEADINGS = ("connections a process", "worker threads", "web processes", "charges/s", "p50 ms",
             "p95 ms", "errors", "jobs a transaction", *(f"{kind} CPU %" for kind in _KINDS))


@scenario("sweep", "100 clients charge 10,000 users, for each of so many database connections, "
          "worker threads and web processes", by_name=True)
def sweep(bench: Bench, record: Recorder) -> None:
    users = bench.options.sized(10_000)
    first = bench.users(users)
    rows = []
    with bench.stage.other_fleets() as start:
        for connections, threads, web in product(CONNECTIONS, THREADS, WEB):
            start(
                {"users": _worker(threads)}, DATABASE_CONNECTIONS=str(connections),
                WEB_WORKERS=str(web),
            )
            part = f"{connections} connections, {threads} threads, {web} web"
            row = _charges(bench, record, part, first, users)
            rows.append((str(connections), str(threads), str(web), *row))
    record.listing("Connections, worker threads and web processes", _HEADINGS, rows)


def _worker(threads: int) -> str:
    """The command of the users' worker, as in the Procfile but for its threads."""
    return (
        f"dramatiq workers.main --queues users --processes 1 --threads {threads} "
        "--worker-fork-timeout 5000"
    )


def _charges(
    bench: Bench, record: Recorder, part: str, first: int, users: int
) -> tuple[str, ...]:
    """What this fleet does, as cells; the CPU tells which of its parts is at its end."""
    seconds = max(2.0, bench.options.seconds / 4)
    loaded = record.load(
        part, "charge", jobs=False, first_user=first, users=users, clients=CLIENTS,
        seconds=seconds, warm_up=min(1.0, seconds / 4), follow=True, arguments=WAIT,
    )
    usage, grown = record.record.usage[part], record.record.counters[part]
    return (
        f"{loaded.ended_per_second:,.0f}", f"{loaded.latency['p50']:,.0f}",
        f"{loaded.latency['p95']:,.0f}", f"{loaded.error_count:,}",
        f"{grown.get('drain users mean batch', 0):.1f}",
        *(f"{usage[kind]['cpuMean']:.0f}" if kind in usage else "-" for kind in _KINDS),
    )
