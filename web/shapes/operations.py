"""What operators are shown."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from web.schemas import Id, Shape
from web.shapes.basics import Count, NextCursor, Timestamp, absent, example

_EVENT = {
    "id": 31, "eventId": "019abf3c-6f00-7a1c-8b1e-3f2a9c4d5e6f", "aggregateType": "order",
    "aggregateId": 3, "type": "order.completed", "status": "dead", "attempts": 5,
    "createdAt": "2026-11-24T09:00:00.000Z", "deadAt": "2026-11-24T09:04:00.000Z",
    "lastError": "MSG_SIZE_TOO_LARGE",
}


class Alive(Shape):
    model_config = example(status="alive")

    status: Literal["alive"]


class DependencyState(Shape):
    state: Annotated[str, Field(description="up, down, away, unset or unknown; or a stand-in")]
    needed_to_accept: bool


class Readiness(Shape):
    model_config = example(
        status="ready",
        dependencies={
            "database": {"state": "up", "neededToAccept": True},
            "redis": {"state": "up", "neededToAccept": False},
            "kafka": {"state": "up", "neededToAccept": False},
            "mail": {"state": "unset", "neededToAccept": False},
        },
        readOnly=False,
        pausedLanes=[],
    )

    status: Literal["ready", "unavailable"]
    dependencies: dict[str, DependencyState]
    read_only: bool
    paused_lanes: list[str]


class SyncStatus(Shape):
    model_config = example(
        orderId=3, synced=True, syncAttempts=1, syncedAt="2026-11-24T09:00:02.000Z"
    )

    order_id: Id
    synced: Annotated[
        bool, Field(description="The data platform has acknowledged all that the order owes by now")
    ]
    synced_at: Timestamp = absent()
    sync_attempts: Count
    last_sync_error: str = absent(description="The last there was, even if a later call succeeded")


class OutboxEvent(Shape):
    model_config = example(**_EVENT)

    id: Id
    event_id: Annotated[str, Field(json_schema_extra={"format": "uuid"})]
    aggregate_type: str
    aggregate_id: Id
    type: str
    status: Literal["pending", "published", "dead"]
    attempts: Count
    created_at: Timestamp
    next_attempt_at: Timestamp = absent()
    published_at: Timestamp = absent()
    dead_at: Timestamp = absent()
    last_error: str = absent()


class OutboxEventList(Shape):
    model_config = example(events=[_EVENT], nextCursor=None)

    events: list[OutboxEvent]
    next_cursor: NextCursor


class Redriven(Shape):
    model_config = example(redriven=3)

    redriven: Annotated[int, Field(ge=0, description="How many dead events are sent again")]


class OpenApiDocument(Shape):
    """An OpenAPI 3.1 document."""

    model_config = ConfigDict(extra="allow")

    openapi: Annotated[str, Field(pattern=r"^3\.1\.[0-9]+$")]
    info: dict[str, Any]
    paths: dict[str, Any]
    components: dict[str, Any]
