"""L-front: the empty route, under the same generator as everything else."""

from bench.generator.plan import Loaded
from bench.loads import LoadMaker

CLIENTS = 100
USERS = 1_000


def measure(loads: LoadMaker, first_user: int, seconds: float, users: int = USERS) -> Loaded:
    """Closed loop, as many clients as the commands that are compared with it."""
    return loads.run(
        "front", first_user=first_user, users=users, clients=CLIENTS, seconds=seconds,
        warm_up=min(2.0, seconds / 4),
    )
