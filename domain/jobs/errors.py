"""What the job machinery refuses, and what happens inside it."""

from domain.kernel.errors import DomainError


class JobNotQueued(DomainError):
    """J001: the job has started or ended, so it can no longer be cancelled."""

    code, status, title = "J001", 409, "Job no longer queued"


class OutOfTime(Exception):
    """The lease is about to end, so what is under way is given up while it is still ours."""


class LeaseLost(Exception):
    """Another worker has taken these jobs over; whatever this one did must not be committed."""
