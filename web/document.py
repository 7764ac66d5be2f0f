"""The OpenAPI 3.1 document: the library's skeleton, with all that the routes say of themselves."""

import inspect
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, get_type_hints

from flask import Flask
from pydantic import BaseModel
from pydantic.alias_generators import to_camel

from domain.kernel.errors import (
    DomainError,
    InternalError,
    InvalidRequest,
    NoSuchThing,
    NotAllowed,
    NotAuthenticated,
    TooManyRequests,
    Unavailable,
)
from web import auth, rate_limits
from web.auth import ADMIN, PUBLIC, access_of
from web.describing import Answer, Description, described
from web.headers import ASKED_EVERYWHERE, CHALLENGE, EVERYWHERE, IF_MATCH, RETRY_AFTER, Header
from web.problems import MEDIA_TYPE
from web.schema_making import Schemas, may_be_left_out
from web.shapes.problems import Problem, problem_shape, sample

ABOUT = """Work is accepted durably and answered with a job; poll the job, or send `Prefer: wait=N`.
Money is a whole number of won (KRW); times are RFC 3339 UTC with milliseconds. Every failure is a
problem (RFC 9457) whose `code` says what it is. Whole numbers have no fraction: 1.0 is refused.
Unknown fields and unknown words in a query are refused too. Answers may gain members: ignore those
that you do not know. `Idempotency-Key` is honoured by the operations that tell of it: the commands,
their retries, and what creates or restocks; by others it is ignored."""

_VARIABLE = re.compile(r"<(?:[^:<>]*:)?([^<>]+)>")


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path: its place in the document, its view and what that takes."""

    path: str
    method: str
    skeleton: dict[str, Any]
    view: Callable[..., Any]
    access: str
    limited: bool
    takes: dict[str, Any]

    @property
    def said(self) -> Description:
        return described(self.view)

    def model(self, name: str) -> type[BaseModel] | None:
        """The model of its ``body``, ``query`` or ``path``."""
        return self.takes.get(name)


def whole(skeleton: dict[str, Any], app: Flask) -> dict[str, Any]:
    """The document of ``app``, from what the library made of it."""
    operations = list(_operations(skeleton, app))
    schemas = Schemas(
        [Problem, *_shapes(operations)],
        [body for one in operations if (body := one.model("body")) is not None],
    )
    paths: dict[str, Any] = {}
    for one in operations:
        paths.setdefault(one.path, {})[one.method] = _told(one, schemas)
    _require_different([told["operationId"] for item in paths.values() for told in item.values()])
    own = skeleton["components"].get("schemas", {})
    by_library = {name: own[name] for name in own if not name.startswith("ValidationError")}
    return {
        **skeleton,
        "info": {**skeleton["info"], "description": ABOUT},
        "paths": dict(sorted(paths.items())),
        "components": {
            **skeleton["components"],
            "headers": _told_headers(operations),
            "schemas": dict(sorted({**by_library, **schemas.components}.items())),
        },
    }


def _operations(skeleton: dict[str, Any], app: Flask) -> Iterator[Operation]:
    views = {}
    with app.app_context():
        for endpoint, view in app.view_functions.items():
            views[endpoint] = (view, access_of(endpoint) or auth.USER)
    for rule in app.url_map.iter_rules():
        view, access = views[rule.endpoint]
        path = _VARIABLE.sub(r"{\1}", rule.rule)
        limited = rate_limits.limited(rule.endpoint.partition(".")[0])
        for method, told in skeleton["paths"].get(path, {}).items():
            if method.upper() in (rule.methods or ()):
                yield Operation(path, method, told, view, access, limited, get_type_hints(view))


def _shapes(operations: list[Operation]) -> Iterator[type[BaseModel]]:
    for one in operations:
        for answer in one.said.answers:
            yield from answer.shapes
        for error in _errors(one):
            yield problem_shape(error)


def _errors(one: Operation) -> list[type[DomainError]]:
    """The problems that it can answer: its own, and those that follow from what it is."""
    found: list[type[DomainError]] = []
    if one.access != PUBLIC:
        found += [NotAuthenticated, NotAllowed]  # a token may lack the scope
    if one.model("path") is not None:
        found.append(NoSuchThing)  # an id out of bounds names nothing
    if _unreadable(one):
        found.append(InvalidRequest)
    if one.limited:
        found.append(TooManyRequests)
    if one.path.startswith("/api/"):
        found.append(Unavailable)
    return list(dict.fromkeys([*found, *one.said.problems, InternalError]))


def _unreadable(one: Operation) -> list[int]:
    """The statuses of an invalid request, by what it may consist of."""
    found = []
    if one.model("body") is not None or one.model("query") is not None:
        found.append(422)
    if one.model("body") is not None:
        found += [400, 408, 413, 415]
    if one.model("query") is not None:
        found.append(414)
    if one.said.reads:
        found.append(431)
    if IF_MATCH in one.said.reads:
        found.append(412)
    return found


def _told(one: Operation, schemas: Schemas) -> dict[str, Any]:
    """The Operation Object."""
    doc = (inspect.getdoc(one.view) or "").replace("``", "`")
    note = "For admins." if one.access == ADMIN else ""
    told = {
        "tags": one.skeleton["tags"],
        "summary": one.skeleton["summary"],
        "description": "\n\n".join(part for part in (doc, note) if part),
        "operationId": to_camel(one.view.__name__),
        "parameters": [
            parameter
            for place in ("path", "query")
            if (model := one.model(place)) is not None
            for parameter in schemas.parameters(model, place)
        ]
        + [header.asked() for header in dict.fromkeys((*one.said.reads, *ASKED_EVERYWHERE))],
        "requestBody": _request_body(one, schemas),
        "responses": _responses(one, schemas),
        "security": [] if one.access == PUBLIC else [{"bearer": []}],
    }
    return {name: value for name, value in told.items() if value or name == "security"}


def _request_body(one: Operation, schemas: Schemas) -> dict[str, Any] | None:
    model = one.model("body")
    if model is None:
        return None
    ref = schemas.body(model)
    component = schemas.components[ref["$ref"].rpartition("/")[2]]
    return {
        "required": not may_be_left_out(component),
        "content": {"application/json": {"schema": ref}},
    }


def _responses(one: Operation, schemas: Schemas) -> dict[str, Any]:
    responses = {
        status: {**told, "headers": {**told.get("headers", {}), **_headers(EVERYWHERE)}}
        for status, told in one.skeleton["responses"].items()
        if status.startswith("2")
    }
    for answer in one.said.answers:
        responses[str(answer.status)] = _success(answer, schemas)
    by_status: dict[int, list[type[DomainError]]] = {}
    for error in _errors(one):
        for status in _unreadable(one) if error is InvalidRequest else (error.status,):
            by_status.setdefault(status, []).append(error)
    for status, errors in by_status.items():
        told = _problems(status, errors, one, schemas)
        if str(status) in responses:  # an answer of its own under the same status
            told["content"] |= responses[str(status)]["content"]
        responses[str(status)] = told
    return dict(sorted(responses.items()))


def _success(answer: Answer, schemas: Schemas) -> dict[str, Any]:
    told: dict[str, Any] = {
        "description": answer.description or "Done",
        "headers": _headers((*answer.headers, *EVERYWHERE)),
    }
    if answer.shapes:
        told["content"] = {answer.media_type: {"schema": schemas.answer(*answer.shapes)}}
    elif answer.media_type != "application/json":
        told["content"] = {answer.media_type: {"schema": {"type": "string"}}}
    return told


def _problems(
    status: int, errors: list[type[DomainError]], one: Operation, schemas: Schemas
) -> dict[str, Any]:
    headers = [*one.said.problem_headers, *EVERYWHERE]
    if status == 401:
        headers.append(CHALLENGE)
    if status in (429, 503):
        headers.append(RETRY_AFTER)
    examples = {error.__name__: {"value": {**sample(error), "status": status}} for error in errors}
    content = {
        "schema": schemas.answer(*(problem_shape(error) for error in errors)),
        "examples": examples,
    }
    return {
        "description": "; ".join(f"{error.code}: {error.title}" for error in errors),
        "headers": _headers(headers),
        "content": {MEDIA_TYPE: content},
    }


def _headers(headers: Iterable[Header]) -> dict[str, Any]:
    return {one.name: {"$ref": f"#/components/headers/{one.component}"} for one in headers}


def _told_headers(operations: Iterable[Operation]) -> dict[str, Any]:
    """Every header that an answer may bear, once."""
    found = {CHALLENGE, RETRY_AFTER, *EVERYWHERE}
    for one in operations:
        found.update(one.said.problem_headers)
        for answer in one.said.answers:
            found.update(answer.headers)
    told = {one.component: one.told() for one in sorted(found, key=lambda one: one.component)}
    if len(told) != len(found):
        raise ValueError("two headers of one name and use")
    return told


def _require_different(names: list[str]) -> None:
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ValueError(f"operations of one name: {sorted(twice)}")
