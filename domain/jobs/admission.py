"""One group commit: keys first, then gates, then the jobs of those who passed both."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.jobs import intake_store
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
        dropped: list[tuple[Claim, UUID]] = []
        for uuid, command in self._requests.items():
            own = [claim for claim in command.claims if owners[claim.hash][0] == uuid]
            others = [claim for claim in command.claims if claim not in own]
            if not others:
                continue
            if any(owners[claim.hash][1] != claim.fingerprint for claim in others):
                self._results[uuid] = KeyReused()
                dropped += [(claim, uuid) for claim in own]
            else:
                self._repeats[uuid] = owners[others[0].hash][0]
                # A transactionId that its repeated job does not hold was freed by that job's end.
                dropped += [(claim, uuid) for claim in own if claim.until_failure]
                self._repointed += [
                    (claim, uuid, self._root(uuid)) for claim in own if not claim.until_failure
                ]
        intake_store.drop_claims(dropped)
        intake_store.repoint_claims(self._repointed)

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
            answers = self._kinds[name].admit([command for _, command in group], self._now)
            for (uuid, command), answer in zip(group, answers, strict=True):
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

    def _result(self, uuid: UUID) -> Result:
        root = self._root(uuid)
        if root == uuid:
            return self._results[uuid]
        command = self._requests[uuid]
        first = self._results.get(root)
        if isinstance(first, DomainError):
            return first
        return Accepted(root, command.kind, self._now, replayed=True)
