"""How a slice's routes are declared: with their tag, their security and their problems."""

from typing import Any

from flask_openapi import APIBlueprint, Tag
from pydantic import BaseModel, ConfigDict

BEARER = [{"bearer": []}]


class Problem(BaseModel):
    """application/problem+json (RFC 9457)."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    code: str
    traceId: str | None  # noqa: N815 - the wire's name


PROBLEMS: dict[Any, Any] = {
    "default": {
        "description": "A problem; its code says which",
        "content": {"application/problem+json": {"schema": Problem.model_json_schema()}},
    }
}


def slice_api(name: str, prefix: str = "/api") -> APIBlueprint:
    """A blueprint for one slice's routes, all of which ask for a bearer token."""
    return APIBlueprint(
        name, f"web.routes.{name}", url_prefix=prefix, abp_tags=[Tag(name=name)],
        abp_security=BEARER, abp_responses=PROBLEMS,
    )


def public_api(name: str, prefix: str = "/api") -> APIBlueprint:
    """A blueprint for routes that need no token."""
    return APIBlueprint(
        name, f"web.routes.{name}", url_prefix=prefix, abp_tags=[Tag(name=name)],
        abp_responses=PROBLEMS,
    )
