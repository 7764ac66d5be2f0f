"""The intake: commands in, committed jobs out. Each process has one committer a lane."""

from collections.abc import Callable
from uuid import UUID

from domain.jobs import intake_store
from domain.jobs.admission import Accepted
from domain.jobs.backlog import Backlog
from domain.jobs.committer import Committer, Pending
from domain.jobs.kinds import Command, Kinds, Lane
from domain.jobs.lanes import LaneStates, always_running
from domain.jobs.shedding import UNLIMITED, Limits
from domain.kernel.errors import DomainError
from infra.database import session
from infra.metrics import intake_refused, requests_shed


class Intake:
    """Accepts commands of all lanes. One object a process; safe to call from any thread."""

    def __init__(
        self,
        kinds: Kinds,
        wake: Callable[[Lane], None],
        limits: Limits = UNLIMITED,
        lane_state: LaneStates = always_running,
    ) -> None:
        self._kinds = kinds
        self._backlogs = {lane: Backlog(lane, limits, lane_state) for lane in Lane}
        self._committers = {
            lane: Committer(lane, kinds, wake, self._backlogs[lane].accepted) for lane in Lane
        }

    def submit(self, command: Command, uuid: UUID) -> Accepted:
        """Make ``command`` a committed job named ``uuid``, or find the job that it repeats.

        Raises the gate's refusal, KeyReused for a key that stands for something else, and
        Unavailable when the database cannot commit now or the lane has too much work: then no
        job was made. What repeats a job is answered with it even then.
        """
        lane = self._kinds[command.kind].lane
        refusal = self._backlogs[lane].refusal()
        if refusal is not None and not self._repeats(command):
            requests_shed.labels(lane).inc()
            raise refusal
        result = self._committers[lane].submit(Pending(command, uuid))
        if isinstance(result, DomainError):
            intake_refused.labels(lane, result.code).inc()
            raise result.again()  # a batch may share it
        return result

    def _repeats(self, command: Command) -> bool:
        """Whether a key of ``command`` is known, so that it asks for no new work."""
        if not command.claims:
            return False
        with session():
            return intake_store.any_known([claim.hash for claim in command.claims])
