"""What operators have to look after. Pure: figures in, concerns out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

STALE_SECONDS = 10.0
"""A relay that has not shown itself for so long leads no more."""
LONG_SECONDS = 60.0
"""Work that has waited for so long is late, whatever holds it up."""
COUNT_LIMIT = 10_000
"""Nothing is counted further: beyond it only "very many" matters."""


class Level(StrEnum):
    """How much a concern matters: work stands still, or somebody has to look after it."""

    DOWN = "down"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Concern:
    level: Level
    text: str


@dataclass(frozen=True, slots=True)
class LaneFigures:
    """What waits in a lane and what is under way; the age of the oldest in seconds."""

    lane: str
    queued: int
    running: int
    oldest_seconds: float


@dataclass(frozen=True, slots=True)
class FailedJob:
    """A job that failed for a system reason and was not retried; whose it is does not matter."""

    job_id: str
    kind: str
    code: str
    finished_at: str


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A process's sign of life, so many seconds ago."""

    name: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Relay:
    """What the leading relay last said of itself."""

    seconds: float
    kafka: str
    since: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """How the whole stands, as the database tells it; counts go to ``COUNT_LIMIT``."""

    round_trip_seconds: float = 0.0
    """What the shortest of questions to the database took."""
    lanes: Sequence[LaneFigures] = ()
    outbox_pending: int = 0
    outbox_oldest_seconds: float = 0.0
    outbox_dead: int = 0
    exports_waiting: int = 0
    exports_dead: int = 0
    failed: int = 0
    latest_failed: Sequence[FailedJob] = ()
    relay: Relay | None = None
    heartbeats: Sequence[Heartbeat] = field(default_factory=tuple)
    controls: Sequence[tuple[str, str]] = ()

    @property
    def kafka(self) -> str:
        """Kafka's state, as the relay says; unknown while no relay says anything."""
        if self.relay is None or self.relay.seconds > STALE_SECONDS:
            return "unknown"
        return self.relay.kafka


def concerns(figures: Figures | None, redis_up: bool) -> list[Concern]:
    """What somebody has to look after, the worst first; no figures: the database is down."""
    found = [] if redis_up else [
        Concern(Level.WARNING, "Redis is down: work is picked up by the sweeper, within seconds.")
    ]
    if figures is None:
        return [Concern(Level.DOWN, "The database is down: nothing is accepted or done."), *found]
    found += _late(figures)
    found += _left_over(figures)
    return sorted(found, key=lambda one: one.level != Level.DOWN)


def _late(figures: Figures) -> Iterator[Concern]:
    if figures.relay is None:
        yield Concern(Level.DOWN, "No relay has ever run: events do not reach Kafka.")
    elif figures.relay.seconds > STALE_SECONDS:
        seconds = int(figures.relay.seconds)
        yield Concern(Level.DOWN, f"The relay has shown no sign of life for {seconds:,} s.")
    elif figures.kafka != "up":
        yield Concern(Level.DOWN, f"Kafka is {figures.kafka}: events wait, and lose no attempt.")
    for one in figures.lanes:
        if one.oldest_seconds > LONG_SECONDS:
            text = f"The oldest job of lane {one.lane} is {int(one.oldest_seconds):,} s old."
            yield Concern(Level.WARNING, text)
    if figures.outbox_oldest_seconds > LONG_SECONDS:
        text = f"The oldest event has waited for {int(figures.outbox_oldest_seconds):,} s."
        yield Concern(Level.WARNING, text)


def _left_over(figures: Figures) -> Iterator[Concern]:
    for count, one, many in (
        (figures.failed, "job failed for a system reason", "jobs failed for a system reason"),
        (figures.outbox_dead, "event is dead", "events are dead"),
        (figures.exports_dead, "export was given up", "exports were given up"),
    ):
        if count:
            yield Concern(Level.WARNING, f"{counted(count)} {one if count == 1 else many}.")


def counted(number: int) -> str:
    """A count as people read it: 1,234, or 10,000+ where it was not counted further."""
    return f"{number:,}+" if number >= COUNT_LIMIT else f"{number:,}"
