"""What little is done costs: an idle fleet, and clients that wait for what does not come."""

import time

from bench.bench import Bench
from bench.record import Recorder
from bench.sampling import PYTHON_KINDS
from bench.scenarios.registry import scenario

WAITERS = 2_000
_HELD = 20


@scenario("idle", "nobody asks for anything")
def idle(bench: Bench, record: Recorder) -> None:
    time.sleep(2)
    with record.observed("idle") as sampler:
        time.sleep(bench.options.seconds)
    figure = sum(
        usage.as_json()["cpuMean"] for kind, usage in sampler.usage.items() if kind in PYTHON_KINDS
    )
    record.figure("idle.fleet_cpu_percent", figure)


@scenario("poll", "100 clients ask for the status of jobs", "front")
def poll(bench: Bench, record: Recorder) -> None:
    users = 1_000
    first = bench.users(users)
    paths = _jobs(bench, first, users)
    bench.stage.audit()  # waits until the jobs have ended
    record.load(
        "poll", "read", jobs=False, first_user=first, users=users, clients=100,
        seconds=bench.options.seconds, warm_up=bench.options.warm_up, arguments={"paths": paths},
    )


def _jobs(bench: Bench, first: int, users: int) -> list[str]:
    """A charge of each user; where their jobs are, in the users' order."""
    bench.loads.run("charge", first_user=first, users=users, total=users, clients=50, seconds=60)
    found = bench.stage.rows(
        "SELECT user_id, LOWER(HEX(uuid)) FROM jobs WHERE id IN (SELECT MAX(id) FROM jobs "
        "WHERE user_id BETWEEN %s AND %s GROUP BY user_id) ORDER BY user_id",
        (first, first + users - 1),
    )
    return [f"/api/jobs/{_hyphened(uuid)}" for _, uuid in found]


def _hyphened(uuid: str) -> str:
    return "-".join((uuid[:8], uuid[8:12], uuid[12:16], uuid[16:20], uuid[20:]))


@scenario("waiters", "2,000 clients wait for jobs that nobody works (Prefer: wait=20)")
def waiters(bench: Bench, record: Recorder) -> None:
    """Sampled while nothing happens: after all have asked, and before the first answer."""
    count = bench.options.sized(WAITERS, 100)
    first = bench.users(count)
    bench.stage.set_working(False)
    try:
        paths = _jobs(bench, first, count)
        with record.observed("before"):
            time.sleep(5)

        def quiet() -> None:
            time.sleep(7)
            with record.observed("waiting"):
                time.sleep(10)

        loaded = bench.loads.run(
            "read", first_user=first, users=count, total=count, clients=count, seconds=60,
            during=quiet, arguments={"paths": paths, "wait": _HELD},
        )
    finally:
        bench.stage.set_working(True)
    record.take("waiters", loaded)
    web = {part: usage["web"] for part, usage in record.record.usage.items()}
    record.figure("waiters.memory_mb", web["waiting"]["memoryMost"] - web["before"]["memoryMost"])
    record.figure("waiters.cpu_percent", web["waiting"]["cpuMean"])
