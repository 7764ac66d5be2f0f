"""Jobs, as they are shown."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from domain.kinds import KINDS
from web.schemas import Shape
from web.shapes.basics import Count, JobId, NextCursor, Timestamp, absent
from web.shapes.coupons import IssuedCoupon
from web.shapes.orders import ORDER, Order
from web.shapes.problems import Problem
from web.shapes.wallet import Charge

Kind = Annotated[str, Field(json_schema_extra={"enum": list(KINDS.names())})]

_ID = "019abf3c-6f00-7a1c-8b1e-3f2a9c4d5e6f"
_QUEUED = {
    "jobId": _ID, "kind": "order.place", "status": "queued", "attempts": 0,
    "acceptedAt": "2026-11-24T09:00:00.000Z", "position": 0,
    "links": {"self": f"/api/jobs/{_ID}", "cancel": f"/api/jobs/{_ID}/cancel"},
}
_DONE = {
    "jobId": _ID, "kind": "order.place", "status": "succeeded", "attempts": 1,
    "acceptedAt": "2026-11-24T09:00:00.000Z", "startedAt": "2026-11-24T09:00:00.012Z",
    "finishedAt": "2026-11-24T09:00:00.031Z", "result": ORDER,
    "links": {"self": f"/api/jobs/{_ID}"},
}


class JobLinks(Shape):
    self: str = Field(json_schema_extra={"format": "uri-reference"})
    cancel: str = absent(
        json_schema_extra={"format": "uri-reference"}, description="While that is possible"
    )


class Job(Shape):
    """A command that was accepted: how far it is, and how it ended."""

    model_config = ConfigDict(json_schema_extra={"examples": [_DONE, _QUEUED]})

    job_id: JobId
    kind: Kind
    status: Literal["queued", "running", "succeeded", "failed", "cancelled"]
    position: Count = absent(
        description="How many jobs of the same key stand before it; while queued. Exact to 100; "
        "for coupons an upper bound"
    )
    attempts: Count
    accepted_at: Timestamp
    started_at: Timestamp = absent()
    finished_at: Timestamp = absent()
    result: Order | IssuedCoupon | Charge = absent(description="Of a job that succeeded")
    error: Problem = absent(description="Why a job failed")
    retry_of: JobId = absent(description="The failed job that an admin had done again by this one")
    links: JobLinks


class JobList(Shape):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"jobs": [_DONE], "nextCursor": None}]}
    )

    jobs: list[Job]
    next_cursor: NextCursor
