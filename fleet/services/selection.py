"""Which services are used, and the set of them that is ours to start and stop.

Those given by URL are used as they are. The others come from Docker Compose where that works, and
run as private instances of this machine's own programs where it does not. A MySQL server program
that FLEET_MYSQLD names is the database in either case.
"""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from fleet import packages
from fleet.console import StartError, say
from fleet.services import compose, kafka_jars, kafka_stand_in, mysql
from fleet.services.base import DeathSignal, LocalService, Role, Service
from fleet.services.checks import database_answers, kafka_cluster, redis_process
from fleet.services.kafka_broker import KafkaBroker
from fleet.services.mariadb import MariaDb
from fleet.services.redis_server import RedisServer

VARIABLES: dict[Role, str] = {
    "database": "DATABASE_URL",
    "redis": "REDIS_URL",
    "kafka": "KAFKA_BOOTSTRAP_SERVERS",
}
CHOICE_VARIABLE = "FLEET_SERVICES"
# How those of our own are run.
MANNER = frozenset({CHOICE_VARIABLE, mysql.VARIABLE})
# What decides which services are used.
DECIDING = MANNER | {*VARIABLES.values(), kafka_stand_in.VARIABLE}
ROLES: tuple[Role, ...] = get_args(Role)

_LOCAL: dict[Role, type[LocalService]] = {
    "database": MariaDb,
    "redis": RedisServer,
    "kafka": KafkaBroker,
}
_PROGRAMS: dict[type[Service], tuple[str, ...]] = {
    MariaDb: ("mariadbd", "mariadb-install-db"),
    RedisServer: ("redis-server",),
    KafkaBroker: ("java",),
}
_ANSWERS: dict[Role, Callable[[str], object]] = {
    "database": database_answers,
    "redis": redis_process,
    "kafka": kafka_cluster,
}


@dataclass(frozen=True)
class ServiceUrls:
    """Where the three services are."""

    database: str
    redis: str
    kafka: str

    def environment(self) -> dict[str, str]:
        """As the application's settings take them."""
        return {VARIABLES[role]: url for role, url in self.by_role().items()}

    def by_role(self) -> dict[Role, str]:
        return {role: getattr(self, role) for role in ROLES}


class ServiceSet:
    """The three services of one base directory."""

    def __init__(self, given: Mapping[Role, str], own: Iterable[Service]) -> None:
        self._given = dict(given)
        self.own = list(own)
        self._prepared = False

    @property
    def urls(self) -> ServiceUrls:
        return ServiceUrls(**self._given, **{service.role: service.url for service in self.own})

    @property
    def given(self) -> dict[Role, str]:
        return dict(self._given)

    def prepare(self) -> None:
        """See that those given answer, and that those of our own could be started.

        May install programs, saying so. Raises StartError.
        """
        if not self._prepared:
            self._check_given()
            _make_startable(self.own)
            self._prepared = True

    def start(self) -> list[Service]:
        """Start what does not run, all at once, and wait until all three answer.

        Returns those started here. Raises StartError, after stopping them again.
        """
        self.prepare()
        absent = [one for one in self.own if not one.running() or one.abandoned()]
        try:
            _at_once(lambda service: service.start(), self.own)
        except BaseException:
            stop_all(absent)
            raise
        return absent

    def _check_given(self) -> None:
        for role, url in self._given.items():
            if not answers(role, url):
                raise StartError(f"{VARIABLES[role]} is set, but nothing answers there")


def answers(role: Role, url: str) -> bool:
    """Whether a service of this kind answers there."""
    return bool(_ANSWERS[role](url))


def stop_all(services: Iterable[Service]) -> None:
    _at_once(lambda service: service.stop(), services)


def given_urls(environment: Mapping[str, str]) -> dict[Role, str]:
    return {role: url for role, name in VARIABLES.items() if (url := environment.get(name))}


def select(
    directory: Path,
    environment: Mapping[str, str],
    *,
    death_signal: DeathSignal | None = None,
) -> ServiceSet:
    """The services for this base directory: given by the environment's URLs, or our own."""
    given = given_urls(environment)
    own: list[Service] = []
    missing = [role for role in ROLES if role not in given]
    if "kafka" in missing and environment.get(kafka_stand_in.VARIABLE) == "1":
        missing.remove("kafka")
        own.append(kafka_stand_in.KafkaStandIn(directory, death_signal=death_signal))
    if "database" in missing and (program := _mysqld(environment)):
        missing.remove("database")
        own.append(mysql.MySql(directory, death_signal=death_signal, program=program))
    if missing and _uses_docker(directory, environment):
        own += [compose.ComposeService(role, directory) for role in missing]
    elif missing:
        own += [_LOCAL[role](directory, death_signal=death_signal) for role in missing]
    return ServiceSet(given, own)


def left_running(directory: Path, chosen: ServiceSet) -> list[Service]:
    """Our own that run here: those in use, and those of an earlier choice nobody uses any more."""
    kinds: list[type[LocalService]] = [
        *_LOCAL.values(),
        mysql.MySql,
        kafka_stand_in.KafkaStandIn,
    ]
    in_use = {type(service) for service in chosen.own}
    others: list[Service] = [kind(directory) for kind in kinds if kind not in in_use]
    return [service for service in [*chosen.own, *others] if service.running()]


def prepare(directory: Path, environment: Mapping[str, str]) -> None:
    """Install what services of our own need, as a first start would. Raises StartError."""
    if not _uses_docker(directory, environment):
        _make_startable([kind(directory) for kind in _LOCAL.values()])


def forget_choice(directory: Path) -> None:
    """Let the next start choose anew; for when the data are gone anyway."""
    _choice_file(directory).unlink(missing_ok=True)


def _uses_docker(directory: Path, environment: Mapping[str, str]) -> bool:
    """Docker where it works, unless FLEET_SERVICES=local (or =docker) decides it.

    A choice once made holds for the directory: the data lie where it was made for.
    """
    choice = environment.get(CHOICE_VARIABLE) or "auto"
    if choice not in {"auto", "docker", "local"}:
        raise StartError(f"{CHOICE_VARIABLE} is {choice!r}; it may be auto, docker or local")
    kept = _choice_file(directory)
    if choice == "auto" and kept.exists():
        choice = kept.read_text()
    if choice == "auto":
        choice = "docker" if compose.works() else "local"
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(choice)
    return choice == "docker"


def _mysqld(environment: Mapping[str, str]) -> str | None:
    """The MySQL server program that is asked for. Raises StartError if there is no such one."""
    program = environment.get(mysql.VARIABLE)
    if program and packages.find(program) is None:
        raise StartError(f"{mysql.VARIABLE} is {program!r}, which is no program")
    return program


def _choice_file(directory: Path) -> Path:
    return directory / "services-by"


def _make_startable(services: Iterable[Service]) -> None:
    """See to the programs and jars that they are made of."""
    kinds = {type(service) for service in services}
    if kafka_stand_in.KafkaStandIn in kinds:
        say(kafka_stand_in.WARNING)
    programs = [program for kind in kinds for program in _PROGRAMS.get(kind, ())]
    if KafkaBroker in kinds and not kafka_jars.present():
        programs.append("mvn")
    packages.ensure(programs)
    if KafkaBroker in kinds:
        kafka_jars.ensure()


def _at_once(act: Callable[[Service], None], services: Iterable[Service]) -> None:
    """All in parallel; the first failure is raised once every one of them has ended."""
    services = list(services)
    if services:
        with ThreadPoolExecutor(max_workers=len(services)) as pool:
            outcomes = [pool.submit(act, service) for service in services]
        for outcome in outcomes:
            outcome.result()
