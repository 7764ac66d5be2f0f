"""Request shapes: one source for validation and for the OpenAPI document.

Bodies are strict (a number is a number) and closed (an unknown field is an error); queries are
closed, and their words are read as what they spell.
"""

from collections.abc import Mapping
from functools import cache
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


def example(*, rules: Mapping[str, Any] | None = None, **members: Any) -> ConfigDict:
    """A shape's or a body's example, as a client sees it, and what else its schema says.

    ``rules`` are JSON Schema for what fields alone cannot say.
    """
    return ConfigDict(json_schema_extra={**(rules or {}), "examples": [members]})


class Schema(BaseModel):
    """Base of all shapes."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, populate_by_name=False)

    @classmethod
    def model_json_schema(cls, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """The JSON Schema. Asked for without options it is made once: the library that reads
        queries asks at each request."""
        return super().model_json_schema(*args, **kwargs) if args or kwargs else _plain_schema(cls)


@cache
def _plain_schema(shape: type[BaseModel]) -> dict[str, Any]:
    return BaseModel.model_json_schema.__func__(shape)  # type: ignore[attr-defined,no-any-return]


class Body(Schema):
    """A JSON object in a request."""

    model_config = ConfigDict(strict=True)


class NoBody(Body):
    """Nothing is asked for in the body: none, or an empty object."""


class Shape(Schema):
    """What an answer looks like. Told in the document and held by the tests; nothing is checked
    against it while serving. Open, since answers may gain members; the tests hold it closed."""

    model_config = ConfigDict(extra="ignore")


class Query(Schema):
    """The words after the question mark."""


class Path(Schema):
    """The variable parts of a URL."""
