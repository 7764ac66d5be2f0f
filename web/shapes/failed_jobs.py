"""What the answers about failed jobs look like."""

from typing import Literal

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
