"""One group commit: keys first, then gates, then the jobs of those who passed both."""

from collections.abc import Iterator, Mapping, Sequence
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

Owners = Mapping[bytes, tuple[UUID, bytes]]
"""Whose each claimed hash is, and its fingerprint."""
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
        self._now = now()

    def write(self) -> dict[UUID, Result]:
        """Do it, in the transaction that this object was made in: a result for each request."""
        self._claim_keys()
        self._admit()
        return {uuid: self._result(uuid) for uuid in self._requests}

    def _claim_keys(self) -> None:
        """A request whose keys are all its own goes on; the others repeat a job or contradict one.

        A known key is found before any refusal, so a repeat gets its job even when the gate has
        closed meanwhile.
        """
        claims = [
            (claim, uuid) for uuid, command in self._requests.items() for claim in command.claims
        ]
        owners = intake_store.claim_keys(claims)
        retried = retry_store.retries_of(
            [command.retry_of for command in self._requests.values() if command.retry_of]
        )
        dropped: list[tuple[Claim, UUID]] = []
        for uuid, command in self._requests.items():
            earlier = retried.get(command.retry_of) if command.retry_of else None
            dropped += [(claim, uuid) for claim in self._compare(uuid, owners, earlier)]
        intake_store.drop_claims(dropped)
        intake_store.repoint_claims(self._repointed)

    def _compare(self, uuid: UUID, owners: Owners, earlier: UUID | None) -> Sequence[Claim]:
        """Whether a request repeats a job (``earlier``: the retry that it asks for), or may not be;
        of what it has claimed, what it does not need."""
        command = self._requests[uuid]
        own = [claim for claim in command.claims if owners[claim.hash][0] == uuid]
        others = [claim for claim in command.claims if claim not in own]
        # Whoever holds a retry's transactionId is no repeat of it: a retry has a key of its own.
        named = [one for one in others if not (command.retry_of and one.until_failure)]
        repeated = owners[named[0].hash][0] if named else earlier
        if any(owners[claim.hash][1] != claim.fingerprint for claim in named):
            self._results[uuid] = KeyReused()
        elif repeated is not None:
            self._repeats[uuid] = repeated
            root = self._root(uuid)
            self._repointed += [(claim, uuid, root) for claim in own if not claim.until_failure]
            # Its key is known and its transactionId was free: the job has failed and freed it.
            return [claim for claim in own if claim.until_failure]
        elif others:
            self._results[uuid] = JobNotRetryable(TRANSACTION_TAKEN)
        else:
            return ()
        return own

    def _root(self, uuid: UUID) -> UUID:
        """The job that a request repeats in the end: repeats within the batch are followed."""
        while uuid in self._repeats:
            uuid = self._repeats[uuid]
        return uuid

    def _admit(self) -> None:
        """Ask each kind's gate, then insert the jobs of those who were let in."""
        waiting = [
            (uuid, command)
            for uuid, command in self._requests.items()
            if uuid not in self._repeats and uuid not in self._results
        ]
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
                    self._results[uuid] = Accepted(uuid, name, self._now, replayed=False)
        gone = {uuid for _, uuid in refused}
        refused += [(claim, root) for claim, _, root in self._repointed if root in gone]
        intake_store.drop_claims(refused)
        jobs = [(uuid, command, admitted[uuid]) for uuid, command in waiting if uuid in admitted]
        if jobs:
            intake_store.insert_jobs(jobs, self._now, self._kinds)
        for uuid, command, _ in jobs:
            if command.note is not None:
                command.note(uuid)

    def _ask(self, name: str, group: Sequence[_Request]) -> Iterator[tuple[_Request, _Answer]]:
        """What the kind's gate says to each, and before it what is known to stand against a
        retry: that must not use up a place at the gate."""
        kind = self._kinds[name]
        asking: list[_Request] = []
        for request in group:
            against = kind.recheck(request[1], self._now) if request[1].retry_of else None
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
        return Accepted(root, command.kind, self._now, replayed=True)
