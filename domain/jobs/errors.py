"""What the job machinery refuses, and what happens inside it."""

from domain.kernel.errors import DomainError


class JobNotQueued(DomainError):
    """J001: the job has started or ended, so it can no longer be cancelled."""

    code, status, title = "J001", 409, "Job no longer queued"


class JobNotRetryable(DomainError):
    """J001: the job did not fail for a system reason, or what it needs is gone."""

    code, status, title = "J001", 409, "Job cannot be retried"


def not_retryable(refusal: DomainError) -> DomainError:
    """What a retry is told of ``refusal``: the failed job is there, so what is missing is no 404
    but a conflict with what has become of it."""
    return JobNotRetryable(refusal.detail) if refusal.status == 404 else refusal


class OutOfTime(Exception):
    """The lease is about to end, so what is under way is given up while it is still ours."""


class LeaseLost(Exception):
    """Another worker has taken these jobs over; whatever this one did must not be committed."""
