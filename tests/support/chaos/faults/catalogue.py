"""All faults, by the stage they are played on."""

from tests.support.chaos.faults.base import Fault
from tests.support.chaos.faults.kafka import KAFKA
from tests.support.chaos.faults.leases import LEASES
from tests.support.chaos.faults.platform import PLATFORM
from tests.support.chaos.faults.poison import POISON_FAULTS
from tests.support.chaos.faults.processes import KILLS, ROLLING
from tests.support.chaos.faults.stores import DATABASE, REDIS
from tests.support.chaos.faults.surroundings import CLOCKS, DISKS

WHOLE: dict[str, list[Fault]] = {
    "kills": KILLS, "rolling": ROLLING, "redis": REDIS, "database": DATABASE, "kafka": KAFKA,
    "platform": PLATFORM,
}
"""On the fleet as everybody runs it."""
APART: dict[str, list[Fault]] = {
    "leases": LEASES, "poison": POISON_FAULTS, "clocks": CLOCKS, "disks": DISKS,
}
"""On :mod:`tests.support.chaos.apart`."""
