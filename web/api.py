"""How a slice's routes are declared."""

from flask_openapi import APIBlueprint, Tag


def slice_api(name: str, prefix: str = "/api") -> APIBlueprint:
    """A blueprint for one slice's routes. Who may call each, the route itself says
    (:mod:`web.auth`), and what it answers (:mod:`web.describing`)."""
    return APIBlueprint(name, f"web.routes.{name}", url_prefix=prefix, abp_tags=[Tag(name=name)])


public_api = slice_api
"""A slice's routes that need no token."""
