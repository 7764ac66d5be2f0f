"""What the figures of the operators' page look like."""

from typing import Literal

from pydantic import Field

from web.schemas import Shape
from web.shapes.basics import Count, JobId, Timestamp, absent


class OpsConcern(Shape):
    level: Literal["down", "warning"]
    text: str


class OpsDependency(Shape):
    state: str
    milliseconds: float = absent(description="What a short question took")
    since: Timestamp = absent()
    reason: str = absent()


class OpsLane(Shape):
    lane: str
    queued: Count
    running: Count
    oldest_seconds: float
    accepted_total: Count = Field(description="Since the fleet was started")
    ended_total: Count = Field(description="Since the fleet was started")


class OpsOutbox(Shape):
    pending: Count
    oldest_seconds: float
    dead: Count
    relay_seconds: float | None = Field(description="Since the relay's last sign of life")


class OpsExports(Shape):
    waiting: Count
    dead: Count


class OpsFailedJob(Shape):
    job_id: JobId
    kind: str
    code: str
    finished_at: Timestamp


class OpsFailedJobs(Shape):
    """Jobs that failed for a system reason and were not retried."""

    count: Count
    latest: list[OpsFailedJob]


class OpsHeartbeat(Shape):
    name: str
    seconds: float


class OpsControl(Shape):
    name: str
    value: bool


class OpsFigures(Shape):
    """How the whole stands. While the database is down, only that is told."""

    at: Timestamp
    status: Literal["well", "warning", "down"]
    concerns: list[OpsConcern]
    counted_to: Count = Field(description="Nothing is counted further than this")
    dependencies: dict[str, OpsDependency]
    lanes: list[OpsLane] = absent()
    outbox: OpsOutbox = absent()
    exports: OpsExports = absent()
    failed_jobs: OpsFailedJobs = absent()
    heartbeats: list[OpsHeartbeat] = absent()
    controls: list[OpsControl] = absent()
