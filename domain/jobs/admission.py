"""One group commit: keys first, then gates, then the jobs of those who passed both."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.jobs import intake_store, retry_store
from domain.jobs.errors import JobNotRetryable, not_retryable
from domain.jobs.kinds import Admission, Claim, Command, Kinds
from domain.kernel.errors import DomainError, KeyReused
from infra.database import now


@dataclass(frozen=True, slots=True)
class Accepted:
    """A committed job. ``replayed``: it was there before, and this request repeats it."""

    uuid: UUID
    kind: str
    accepted_at: datetime
    replayed: bool


Result = Accepted | DomainError

TRANSACTION_TAKEN = "Another job has claimed the transactionId since this one failed."

_Request = tuple[UUID, Command]
_Answer = Admission | DomainError


class Batch:
    """Requests that are decided in one transaction. Made anew whenever that is begun again."""

    def __init__(self, kinds: Kinds, requests: Sequence[tuple[UUID, Command]]) -> None:
        self._kinds = kinds
        self._requests = dict(requests)
        self._repeats: dict[UUID, UUID] = {}
        self._repointed: list[tuple[Claim, UUID, UUID]] = []
        self._results: dict[UUID, Result] = {}
        self._admitted: list[tuple[UUID, Command, Admission]] = []
        self._at: datetime | None = None

    def write(self, before_commit: Callable[[], None] = lambda: None) -> dict[UUID, Result]:
        """Do it, in the transaction that this object was made in: a result for each request.

        The jobs are inserted and the transaction committed in one round trip, the last of all;
        ``before_commit`` is called just before it.
        """
        self._claim_keys()
        self._admit()
        for uuid, command, _ in self._admitted:
            if command.note is not None:
                command.note(uuid)
        before_commit()
        if self._admitted:
            intake_store.commit_jobs(self._admitted, self._now(), self._kinds)
        return {uuid: self._result(uuid) for uuid in self._requests}

    def _now(self) -> datetime:
        """The database's time, one for all that is decided here."""
        if self._at is None:
            self._at = now()
        return self._at

    def _claim_keys(self) -> None:
        """A request whose keys are all its own goes on; the others repeat a job or contradict one.

        A known key is found before any refusal, so a repeat gets its job even when the gate has
        closed meanwhile. Idempotency-Keys come before transactionIds: a request whose key is known
        is decided by that alone, and claims no transactionId that its job may have freed.
        """
        own = self._claim(self._claims(until_failure=False))
        self._find_retries()
        own += self._claim(self._claims(until_failure=True))
        repeated = [(claim, uuid) for claim, uuid in own if uuid in self._repeats]
        intake_store.drop_claims([
            *((claim, uuid) for claim, uuid in own if uuid in self._results),
            *((claim, uuid) for claim, uuid in repeated if claim.until_failure),
        ])
        self._repointed = [
            (claim, uuid, self._root(uuid)) for claim, uuid in repeated if not claim.until_failure
        ]
        intake_store.repoint_claims(self._repointed)

    def _find_retries(self) -> None:
        """A job that was done again is not done a third time, though the key of its retry may have
        expired."""
        asked = [(uuid, one.retry_of) for uuid, one in self._undecided() if one.retry_of]
        retries = retry_store.retries_of([failed for _, failed in asked])
        self._repeats.update(
            {uuid: retries[failed] for uuid, failed in asked if failed in retries}
        )

    def _claims(self, until_failure: bool) -> list[tuple[Claim, UUID]]:
        """The transactionIds, or else the Idempotency-Keys, of the requests still undecided."""
        return [
            (claim, uuid)
            for uuid, command in self._undecided()
            for claim in command.claims
            if claim.until_failure is until_failure
        ]

    def _claim(self, claims: Sequence[tuple[Claim, UUID]]) -> list[tuple[Claim, UUID]]:
        """Claim, and note which requests so repeat another one, or say something else; return what
        their requests have got."""
        owners = intake_store.claim_keys(claims)
        for claim, uuid in claims:
            owner, fingerprint = owners[claim.hash]
            if owner == uuid or uuid in self._results:
                continue
            if claim.until_failure and self._requests[uuid].retry_of:
                self._results[uuid] = JobNotRetryable(TRANSACTION_TAKEN)
            elif fingerprint != claim.fingerprint:
                self._results[uuid] = KeyReused()
                self._repeats.pop(uuid, None)
            else:
                self._repeats.setdefault(uuid, owner)
        return [(claim, uuid) for claim, uuid in claims if owners[claim.hash][0] == uuid]

    def _undecided(self) -> list[tuple[UUID, Command]]:
        """The requests that repeat no other one and are not refused."""
        return [
            (uuid, command)
            for uuid, command in self._requests.items()
            if uuid not in self._repeats and uuid not in self._results
        ]

    def _root(self, uuid: UUID) -> UUID:
        """The job that a request repeats in the end: repeats within the batch are followed."""
        while uuid in self._repeats:
            uuid = self._repeats[uuid]
        return uuid

    def _admit(self) -> None:
        """Ask each kind's gate who is let in."""
        waiting = self._undecided()
        admitted: dict[UUID, Admission] = {}
        refused: list[tuple[Claim, UUID]] = []
        for name in dict.fromkeys(command.kind for _, command in waiting):
            group = [(uuid, command) for uuid, command in waiting if command.kind == name]
            for (uuid, command), answer in self._ask(name, group):
                if isinstance(answer, DomainError):
                    self._results[uuid] = answer
                    refused += [(claim, uuid) for claim in command.claims]
                else:
                    admitted[uuid] = answer
                    self._results[uuid] = Accepted(uuid, name, self._now(), replayed=False)
        gone = {one for one, result in self._results.items() if isinstance(result, DomainError)}
        refused += [(claim, root) for claim, _, root in self._repointed if root in gone]
        intake_store.drop_claims(refused)
        self._admitted = [
            (uuid, command, admitted[uuid]) for uuid, command in waiting if uuid in admitted
        ]

    def _ask(self, name: str, group: Sequence[_Request]) -> Iterator[tuple[_Request, _Answer]]:
        """What the kind's gate says to each, and before it what is known to stand against a
        retry: that must not use up a place at the gate."""
        kind = self._kinds[name]
        asking: list[_Request] = []
        for request in group:
            against = kind.recheck(request[1], self._now()) if request[1].retry_of else None
            if against is None:
                asking.append(request)
            else:
                yield request, not_retryable(against)
        answers = kind.admit([command for _, command in asking], self._now) if asking else ()
        for request, answer in zip(asking, answers, strict=True):
            if request[1].retry_of and isinstance(answer, DomainError):
                answer = not_retryable(answer)
            yield request, answer

    def _result(self, uuid: UUID) -> Result:
        root = self._root(uuid)
        if root == uuid:
            return self._results[uuid]
        command = self._requests[uuid]
        first = self._results.get(root)
        if isinstance(first, DomainError):
            return first
        return Accepted(root, command.kind, self._now(), replayed=True)
