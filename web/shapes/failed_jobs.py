"""Jobs that failed for a system reason, as operators are shown them."""

from typing import Literal

from pydantic import ConfigDict, Field

from web.schemas import Id, Shape
from web.shapes.basics import JobId, NextCursor, Timestamp, absent
from web.shapes.jobs import Job
from web.shapes.problems import Problem

_ID = "019abf3c-6f00-7a1c-8b1e-3f2a9c4d5e6f"
_FAILED = {
    "jobId": _ID, "kind": "order.place", "status": "failed", "attempts": 6,
    "acceptedAt": "2026-11-24T09:00:00.000Z", "startedAt": "2026-11-24T09:00:00.012Z",
    "finishedAt": "2026-11-24T09:00:30.031Z",
    "error": {
        "type": "/problems/COMMON004", "title": "Internal error", "status": 500,
        "detail": "The job kept failing and was given up.", "code": "COMMON004",
        "traceId": "4bf92f3577b34da6a3ce929d0e0e4736",
    },
    "links": {"self": f"/api/jobs/{_ID}"}, "userId": 7,
}


class FailedJob(Job):
    """A job that failed for a system reason: it may succeed if it is done again."""

    model_config = ConfigDict(json_schema_extra={"examples": [_FAILED]})

    status: Literal["failed"]
    finished_at: Timestamp
    error: Problem = Field(description="Why it failed")
    user_id: Id
    retried_by: JobId = absent(description="The job that did it again")


class FailedJobPage(Shape):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"jobs": [_FAILED], "nextCursor": None}]}
    )

    jobs: list[FailedJob]
    next_cursor: NextCursor
