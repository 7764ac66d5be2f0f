"""What the shapes of answers are made of."""

from typing import Annotated, Any

from pydantic import Field

from web.schemas import MAX_ID, example

__all__ = ["Count", "JobId", "NextCursor", "Timestamp", "Won", "absent", "example"]

Timestamp = Annotated[
    str,
    Field(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$",
        json_schema_extra={"format": "date-time"},
    ),
]
Won = Annotated[int, Field(ge=0, le=MAX_ID, description="Won")]
Count = Annotated[int, Field(ge=0, le=MAX_ID)]
JobId = Annotated[
    str,
    Field(
        pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$",
        json_schema_extra={"format": "uuid"},
    ),
]
NextCursor = Annotated[
    str | None, Field(description="Sent back as `cursor`, it gives the next page; null: no more")
]


def absent(**options: Any) -> Any:
    """A member that an answer may lack: it is never null, and has no default."""
    return Field(default_factory=object, **options)
