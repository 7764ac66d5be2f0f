"""What a slice declares of an event that it tells, so that consumers can be told in turn."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from domain.kernel.money import MAX_BALANCE, MAX_PRICE
from domain.outbox.events import Event

MAX_ID = 2**63 - 1

Id = Annotated[int, Field(ge=1, le=MAX_ID)]
Won = Annotated[int, Field(ge=0, le=MAX_BALANCE, description="Won (KRW)")]
Price = Annotated[int, Field(ge=0, le=MAX_PRICE, description="Won (KRW), for one")]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Instant = Annotated[
    str,
    Field(
        pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
        description="RFC 3339, UTC, with milliseconds",
        json_schema_extra={"format": "date-time"},
    ),
]


class EventShape(BaseModel):
    """Base of all that a payload is made of. Told in the document and held by the tests; nothing is
    checked against it while events are written or sent."""

    model_config = ConfigDict(alias_generator=to_camel)


class EventData(EventShape):
    """Base of all payloads."""

    schema_version: Literal[1] = Field(
        description="Fields may be added to a version; another version may change or drop some"
    )


@dataclass(frozen=True, slots=True)
class EventType:
    """One type of event. ``key`` says in words what its aggregate, and so its message key, is.

    ``example`` is made by the function that makes the real ones.
    """

    summary: str
    key: str
    data: type[EventData]
    example: Event

    @property
    def name(self) -> str:
        return self.example.type

    @property
    def aggregate_type(self) -> str:
        return self.example.aggregate_type
