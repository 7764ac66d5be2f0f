"""What a route says of itself, and what the document makes of it."""

from collections.abc import Callable
from typing import Any

import pytest

from domain.catalog.errors import NotEnoughStock
from domain.kernel.errors import NoSuchThing
from tests.support.document import Document
from web import headers
from web.api import slice_api
from web.app import create_app
from web.auth import admin, public, user
from web.describing import answers, creates, with_etag
from web.schemas import Body, Id, Path, Query, Shape

EVERYWHERE = {"X-Request-Id", "RateLimit", "RateLimit-Policy"}
"""Headers that every answer bears, or may."""


class Thing(Shape):
    thing_id: Id


class Part(Shape):
    things: list[Thing]


class ThingPath(Path):
    thing_id: Id


class ThingQuery(Query):
    user_id: Id | None = None


class ThingBody(Body):
    thing_id: Id


def told(declare: Callable[[Any], None]) -> dict[str, Any]:
    """The one operation that ``declare`` adds, as the document tells it."""
    app, api = create_app(), slice_api("things", prefix="/api/things")
    declare(api)
    app.register_api(api)
    document = Document(app).told
    [operation] = [
        operation for path, item in document["paths"].items() for operation in item.values()
        if path.startswith("/api/things")
    ]
    return {**operation, "components": document["components"]}


def statuses(operation: dict[str, Any]) -> set[str]:
    return set(operation["responses"])


def test_what_follows_from_a_route_need_not_be_said() -> None:
    def declare(api: Any) -> None:
        @api.post("/<id:thingId>", summary="Do")
        @admin
        @answers(Thing)
        def do_thing(path: ThingPath, query: ThingQuery, body: ThingBody) -> dict[str, Any]:
            """For nobody in particular."""
            return {}

    operation = told(declare)
    assert operation["operationId"] == "doThing"
    assert operation["description"] == "For nobody in particular.\n\nFor admins."
    assert operation["security"] == [{"bearer": []}]
    assert statuses(operation) == {
        "200", "400", "401", "403", "404", "408", "413", "414", "415", "422", "429", "500", "503",
    }
    assert operation["responses"]["401"]["headers"].keys() == {"WWW-Authenticate"} | EVERYWHERE
    assert operation["responses"]["503"]["headers"].keys() == {"Retry-After"} | EVERYWHERE
    assert [(one["name"], one["in"]) for one in operation["parameters"]] == [
        ("thingId", "path"), ("userId", "query"),
        ("X-Request-Id", "header"), ("traceparent", "header"),
    ]
    assert operation["parameters"][1]["schema"] == {
        "type": "integer", "minimum": 1, "maximum": 2**63 - 1,
    }
    assert operation["requestBody"]["required"] is True


def test_a_routes_own_problems_come_with_their_members() -> None:
    def declare(api: Any) -> None:
        @api.get("", summary="Look")
        @public
        @answers(Thing, NotEnoughStock, NoSuchThing)
        def look() -> dict[str, Any]:
            return {}

    operation = told(declare)
    assert operation["security"] == []
    assert statuses(operation) == {"200", "404", "409", "429", "500", "503"}
    assert operation["responses"]["409"]["description"] == "P002: Not enough stock"
    [example] = operation["responses"]["409"]["content"]["application/problem+json"][
        "examples"
    ].values()
    assert example["value"]["insufficientItems"][0].keys() == {
        "productId", "requestedQuantity", "availableStock",
    }


def test_made_things_and_known_ones() -> None:
    def declare_made(api: Any) -> None:
        @api.post("", summary="Make")
        @user
        @creates(Thing)
        def make(body: ThingBody) -> dict[str, Any]:
            return {}

    made = told(declare_made)
    assert made["responses"]["201"]["headers"].keys() == {
        "Location", "Idempotent-Replayed"} | EVERYWHERE
    assert [one["name"] for one in made["parameters"]] == [
        "Idempotency-Key", "X-Request-Id", "traceparent",
    ]
    assert "COMMON006" in made["responses"]["422"]["description"]

    def declare_known(api: Any) -> None:
        @api.get("", summary="Look")
        @user
        @with_etag(Thing, headers=(headers.maybe(headers.RETRY_AFTER),))
        def look() -> dict[str, Any]:
            return {}

    known = told(declare_known)
    for status in ("200", "304"):
        assert known["responses"][status]["headers"].keys() == {
            "ETag", "Retry-After"} | EVERYWHERE
    assert "content" not in known["responses"]["304"]


def test_the_librarys_own_way_of_saying_is_understood() -> None:
    def declare(api: Any) -> None:
        @api.get("", summary="Look", responses={200: Part})
        @user
        def look() -> dict[str, Any]:
            return {}

    operation = told(declare)
    assert statuses(operation) == {"200", "401", "403", "429", "500", "503"}
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    assert schema == {"$ref": "#/components/schemas/Part"}
    assert {"Part", "Thing"} <= operation["components"]["schemas"].keys()
    assert "X-Request-Id" in operation["responses"]["200"]["headers"]


def test_two_operations_of_one_name_are_refused() -> None:
    def declare(api: Any) -> None:
        @api.get("", summary="Look")
        @user
        @answers(Thing)
        def get_order() -> dict[str, Any]:
            return {}

    with pytest.raises(ValueError, match="getOrder"):
        told(declare)
