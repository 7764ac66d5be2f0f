"""What a job is, how it ends, and what a slice declares to have one done."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from domain.kernel.errors import DomainError


class Lane(StrEnum):
    """The keys that share a queue, worker processes and limits: one lane never starves another."""

    USERS = "users"
    COUPONS = "coupons"


class Status(StrEnum):
    """Where a job stands. Moves only by compare-and-set: queued → running → one of the ends."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED = frozenset({Status.SUCCEEDED, Status.FAILED, Status.CANCELLED})


@dataclass(frozen=True, slots=True)
class Job:
    """A claimed job, as its handler sees it. ``seq`` is its place at the gate (coupons only).

    ``concurrency_key`` is what it queues in: once parked for too long, a key of its own.
    """

    id: int
    uuid: UUID
    kind: str
    user_id: int
    concurrency_key: str
    seq: int
    payload: dict[str, Any]
    accepted_at: datetime
    attempts: int
    traceparent: str | None = None
    claim_hash: bytes | None = None
    failing_for: float = 0.0
    """Seconds since its first attempt that had to be put back."""


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The job is done; ``result`` is JSON-ready, in camelCase, as the contract says."""

    result: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Refused:
    """A rule says no. The job ends as failed, with the problem as its error, and is not retried."""

    problem: DomainError


@dataclass(frozen=True, slots=True)
class PutBack:
    """Not now: the job waits for its retry and holds back the later ones of its key.

    ``dependency_away`` says that something outside was not there, which uses up no attempt.
    """

    reason: str
    dependency_away: bool = False


@dataclass(frozen=True, slots=True)
class Parked:
    """Begun, and waits for an answer from outside: it stays ``running`` in no worker's hands.

    It holds back the later ones of its key until whoever asks, who must learn of it in this very
    transaction, has it go on (:func:`domain.jobs.parking.resume`) or ends its hold
    (:func:`domain.jobs.parking.let_go`). Several of one key may be parked at once.
    """


Outcome = Succeeded | Refused | PutBack | Parked

Handler = Callable[[Sequence[Job]], Sequence[Outcome]]
"""A batch of jobs of one kind in, one outcome a job out, in the same order.

Runs inside the drain's open transaction: it locks rows in the global order (users → carts →
orders → user_coupons → coupons → coupon_gates → products, each by id), lets its slice's rules
decide job by job in memory, writes effects and outbox events in a few multi-row statements, and
returns. Jobs of one key come in the order accepted and see each other's effects. An exception
rolls the whole batch back; the drain then splits it, so a handler never has to save the others
from one of them.
"""


@dataclass(frozen=True, slots=True)
class Command:
    """What a request asks for, before it is a job."""

    kind: str
    user_id: int
    caller_id: int
    concurrency_key: str
    payload: dict[str, Any]
    claims: tuple["Claim", ...] = ()
    traceparent: str | None = None
    retry_of: UUID | None = None
    """The failed job that an admin has done again by this command."""
    note: Callable[[UUID], None] | None = None
    """Called with the job once it is inserted, in the same transaction: what is to be written down
    of the command, and of no other that only repeats it."""


@dataclass(frozen=True, slots=True)
class Claim:
    """An Idempotency-Key or transactionId: ``hash`` names it, ``fingerprint`` says what it means.

    ``until_failure`` claims (transactionIds) live for ever, and are freed when their job fails or
    is cancelled; the others expire.
    """

    hash: bytes
    fingerprint: bytes
    until_failure: bool = False


@dataclass(frozen=True, slots=True)
class Admission:
    """A command let in: its place at the gate, if it has one, and what its payload gains."""

    seq: int = 0
    payload: dict[str, Any] = field(default_factory=dict)


Admit = Callable[
    [Sequence[Command], Callable[[], datetime]], Sequence[Admission | DomainError]
]
"""Decides in the intake's transaction, just before the jobs are inserted, who is let in at all.

The clock tells the time of acceptance, by the database; whoever does not ask before reading
something saves a round trip. Rows it locks stay locked until the commit.
"""


def tell_nobody() -> None:
    """Nobody waits to hear of parked jobs."""


def admit_all(
    commands: Sequence[Command], _: Callable[[], datetime]
) -> Sequence[Admission | DomainError]:
    """No gate: every command becomes a job."""
    return [Admission()] * len(commands)


Recheck = Callable[[Command, datetime], DomainError | None]
"""What is already known to stand against doing a failed command again, in the same place and at the
same time as :data:`Admit`. Locks nothing: the handler decides."""


def nothing_against(_: Command, __: datetime) -> DomainError | None:
    """Whatever there is to say, the handler says."""
    return None


Reclaim = Callable[[int, Mapping[str, Any]], tuple[Claim, ...]]
"""What a command of this user with this payload claims besides its Idempotency-Key."""


def nothing_claimed(_: int, __: Mapping[str, Any]) -> tuple[Claim, ...]:
    """Nothing."""
    return ()


@dataclass(frozen=True, slots=True)
class JobKind:
    """One kind of job: everything that the machinery and the web need to know of it.

    ``creates`` says that success made something new (201 instead of 200); ``location`` gives the
    Content-Location of a result, from the job's user and the result. ``parked`` is called after a
    commit that parked jobs.
    """

    name: str
    lane: Lane
    handler: Handler
    location: Callable[[int, dict[str, Any]], str]
    creates: bool = False
    admit: Admit = admit_all
    recheck: Recheck = nothing_against
    reclaim: Reclaim = nothing_claimed
    parked: Callable[[], None] = tell_nobody


class Kinds:
    """The registered kinds, by name."""

    def __init__(self, kinds: Sequence[JobKind]) -> None:
        self._by_name = {kind.name: kind for kind in kinds}
        if len(self._by_name) != len(kinds):
            raise ValueError("two job kinds share a name")

    def __getitem__(self, name: str) -> JobKind:
        """Raises KeyError for a kind that this release does not know."""
        return self._by_name[name]

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def names(self) -> list[str]:
        return sorted(self._by_name)

    def lane(self, lane: Lane) -> list[str]:
        """The names of the kinds that wait in ``lane``."""
        return [name for name, kind in self._by_name.items() if kind.lane == lane]
