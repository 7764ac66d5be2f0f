"""What the answers about failed jobs look like."""

from typing import Any, Literal

from pydantic import ConfigDict

from web.schemas import Shape


class FailedJobLinks(Shape):
    self: str
    cancel: str | None = None


class FailedJobProblem(Shape):
    """The problem that ended a job (RFC 9457), with members of its own code."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    code: str
    trace_id: str | None = None


class FailedJob(Shape):
    """A job that failed for a system reason."""

    job_id: str
    kind: str
    status: Literal["failed"]
    attempts: int
    accepted_at: str
    started_at: str | None = None
    finished_at: str
    error: FailedJobProblem
    retry_of: str | None = None
    links: FailedJobLinks
    user_id: int
    retried_by: str | None = None


class FailedJobPage(Shape):
    jobs: list[FailedJob]
    next_cursor: str | None


class RetryJob(Shape):
    """The job that does a failed one again: as accepted, or where it stands when asked again."""

    job_id: str
    kind: str
    status: Literal["queued", "running", "succeeded", "failed", "cancelled"]
    attempts: int
    position: int | None = None
    accepted_at: str
    started_at: str | None = None
    finished_at: str | None = None
    result: dict[str, Any] | None = None
    error: FailedJobProblem | None = None
    retry_of: str
    links: FailedJobLinks
