"""Request shapes: one source for validation and for the OpenAPI document.

Bodies are strict (a number is a number) and closed (an unknown field is an error); queries are
closed, and their words are read as what they spell.
"""

from functools import lru_cache
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

from domain.kernel.money import MAX_AMOUNT

MAX_ID = 2**63 - 1

Id = Annotated[int, Field(ge=1, le=MAX_ID)]
Amount = Annotated[int, Field(ge=1, le=MAX_AMOUNT)]
Limit = Annotated[int, Field(ge=1, le=100)]
PrintableKey = Annotated[
    str, StringConstraints(min_length=1, max_length=255, pattern=r"^[\x20-\x7e]+$")
]
Name = Annotated[
    str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")
]


class Schema(BaseModel):
    """Base of all shapes. Its JSON Schema is made once, not at each request."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, populate_by_name=False)

    @classmethod
    @lru_cache(maxsize=None)  # noqa: B019 - one entry a class
    def _schema(cls, by_alias: bool, mode: str) -> dict[str, Any]:
        return super().model_json_schema(by_alias=by_alias, mode=mode)  # type: ignore[arg-type]


class Body(Schema):
    """A JSON object in a request."""

    model_config = ConfigDict(strict=True)


class Query(Schema):
    """The words after the question mark."""


class Path(Schema):
    """The variable parts of a URL."""
