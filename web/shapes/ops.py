"""What the figures of the operators' page look like."""

from typing import Literal

from pydantic import Field

from web.schemas import Shape


class OpsConcern(Shape):
    level: Literal["down", "warning"]
    text: str


class OpsDependency(Shape):
    state: str
    milliseconds: float | None = None
    since: str | None = None
    reason: str | None = None


class OpsLane(Shape):
    lane: str
    queued: int
    running: int
    oldest_seconds: float
    accepted_total: int = Field(description="Since the fleet was started")
    ended_total: int = Field(description="Since the fleet was started")


class OpsOutbox(Shape):
    pending: int
    oldest_seconds: float
    dead: int
    relay_seconds: float | None = Field(description="Since the relay's last sign of life")


class OpsExports(Shape):
    waiting: int
    dead: int


class OpsFailedJob(Shape):
    job_id: str
    kind: str
    code: str
    finished_at: str


class OpsFailedJobs(Shape):
    """Jobs that failed for a system reason and were not retried."""

    count: int
    latest: list[OpsFailedJob]


class OpsHeartbeat(Shape):
    name: str
    seconds: float


class OpsControl(Shape):
    name: str
    value: str


class OpsFigures(Shape):
    """How the whole stands. While the database is down, only that is told."""

    at: str
    status: Literal["well", "warning", "down"]
    concerns: list[OpsConcern]
    counted_to: int = Field(description="Nothing is counted further than this")
    dependencies: dict[str, OpsDependency]
    lanes: list[OpsLane] = Field(default_factory=list)
    outbox: OpsOutbox | None = None
    exports: OpsExports | None = None
    failed_jobs: OpsFailedJobs | None = None
    heartbeats: list[OpsHeartbeat] = Field(default_factory=list)
    controls: list[OpsControl] = Field(default_factory=list)
