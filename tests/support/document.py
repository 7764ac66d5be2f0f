"""Every answer is what the OpenAPI document says: status, media type, body and headers.

Answers are held more strictly than the document tells clients to be: its shapes are closed here, so
a member that nobody described fails the test that sees it.
"""

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import unquote

from flask import Flask
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import best_match
from jsonschema.protocols import Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012
from werkzeug.exceptions import HTTPException
from werkzeug.routing import MapAdapter

PROBLEM = "#/components/schemas/Problem"
TOLD = {
    "allow", "content-location", "etag", "idempotent-replayed", "link", "location",
    "preference-applied", "retry-after", "www-authenticate", "x-request-id",
}
"""Headers that mean something here: an answer that bears one must be told to."""

_BASE = "urn:document"
_VARIABLE = re.compile(r"<(?:[^:<>]*:)?([^<>]+)>")


class Document:
    """The document of an application, and whether answers keep to it."""

    def __init__(self, app: Flask) -> None:
        self.told: dict[str, Any] = json.loads(app.document_bytes)  # type: ignore[attr-defined]
        self._urls: MapAdapter = app.url_map.bind("")
        closed = _closed(self.told)
        resource = DRAFT202012.create_resource(closed)
        self._registry: Registry[Any] = Registry().with_resource(_BASE, resource)
        self._validators: dict[str, Validator] = {}

    def check(
        self, method: str, path: str, status: int, headers: Mapping[str, str], body: bytes
    ) -> None:
        """Fail unless the answer to ``method path`` is one that the document tells."""
        operation = self._operation(method, path)
        where = f"{method} {path} → {status}"
        borne = {name.lower(): value for name, value in headers.items()}
        media_type = borne.get("content-type", "").partition(";")[0]
        if operation == {}:  # served, but no part of the API
            return
        if operation is None:  # nothing is there, or not by this method
            assert status in (401, 404, 405, 429) or method == "OPTIONS", where
            if method != "OPTIONS":
                assert media_type == "application/problem+json", where
                self.check_problem(body, where)
            return
        assert str(status) in operation["responses"], f"{where}: undocumented\n{body[:2000]!r}"
        response = operation["responses"][str(status)]
        self._check_headers(response, borne, where)
        if "content" not in response or method == "HEAD":
            assert body == b"", where
            return
        assert media_type in response["content"], f"{where}: {media_type}"
        if media_type.endswith("json"):
            value = json.loads(body)
            content = response["content"][media_type]["schema"]
            self._require(json.dumps(content), value, where)
            if media_type == "application/problem+json":
                assert value["status"] == status, where

    def check_problem(self, body: bytes, where: str) -> None:
        """Fail unless ``body`` is a problem, whatever it answers."""
        self._require(PROBLEM, json.loads(body), where)

    def schema_errors(self, schema: dict[str, Any], value: Any) -> str | None:
        """Why ``value`` does not keep to a schema of the document; None if it does."""
        error = best_match(self._validator(json.dumps(schema)).iter_errors(value))
        return None if error is None else f"{error.json_path}: {error.message}"

    def _operation(self, method: str, path: str) -> dict[str, Any] | None:
        """None where nothing is; empty for what is served and no operation of the API."""
        try:
            rule, _ = self._urls.match(
                unquote(path.partition("?")[0]), "GET" if method == "HEAD" else method,
                return_rule=True,
            )
        except HTTPException:
            return None
        template = _VARIABLE.sub(r"{\1}", rule.rule)
        verb = "get" if method == "HEAD" else method.lower()
        found: dict[str, Any] = self.told["paths"].get(template, {}).get(verb, {})
        return found

    def _check_headers(
        self, response: dict[str, Any], borne: Mapping[str, str], where: str
    ) -> None:
        told = {name.lower(): one for name, one in response.get("headers", {}).items()}
        for name in borne.keys() & TOLD:
            assert name in told, f"{where}: the header {name} is not told"
        for name, one in told.items():
            header = self._header(one)
            if name not in borne:
                assert not header["required"], f"{where}: {name} is promised"
                continue
            value: Any = borne[name]
            if header["schema"].get("type") == "integer":
                value = int(value)
            self._require(json.dumps(header["schema"]), value, f"{where}: {name}")

    def _header(self, one: dict[str, Any]) -> dict[str, Any]:
        if "$ref" in one:
            name = one["$ref"].rpartition("/")[2]
            one = self.told["components"]["headers"][name]
        return one

    def _require(self, schema: str, value: Any, where: str) -> None:
        error = best_match(self._validator(schema).iter_errors(value))
        if error is not None:
            context = "\n".join(f"  {one.json_path}: {one.message}" for one in error.context or ())
            shown = json.dumps(value)[:2000]
            raise AssertionError(f"{where}: {error.json_path}: {error.message}\n{context}\n{shown}")

    def _validator(self, schema: str) -> Validator:
        """The validator of a schema, or of what a ``#/…`` names; compiled once."""
        if schema not in self._validators:
            asked = {"$ref": schema} if schema.startswith("#") else json.loads(schema)
            self._validators[schema] = Draft202012Validator(
                _absolute(_closed(asked)), registry=self._registry, format_checker=FormatChecker()
            )
        return self._validators[schema]


def _closed(schema: Any) -> Any:
    """``schema`` with no member allowed that it does not name."""
    if isinstance(schema, list):
        return [_closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(value) for name, value in schema.items() if name != "examples"}
    if closed.get("type") == "object" and isinstance(closed.get("properties"), dict):
        closed.setdefault("additionalProperties", False)
    return closed


def _absolute(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_absolute(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: _BASE + value if name == "$ref" and isinstance(value, str) else _absolute(value)
        for name, value in schema.items()
    }


@cache
def document() -> Document:
    """The document of this release, for answers of a process elsewhere."""
    from web.app import create_app

    return document_of(create_app())


@cache
def document_of(app: Flask) -> Document:
    """The document of ``app``, read once."""
    return Document(app)
