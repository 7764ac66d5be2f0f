"""The OpenAPI document tells every route there is, and what it tells is so."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from openapi_spec_validator import OpenAPIV31SpecValidator

from commands.openapi import openapi
from tests.support.document import Document
from web.app import Shop, create_app
from web.tracing import _LINES

NO_OPERATIONS = {"docs.get_docs_asset", "ops.operators_file"}
"""Served, but no part of the API: what the pages for people load."""
METHODS = {"get", "put", "post", "delete", "patch"}
CODES = {
    "P001": {404}, "P002": {409}, "P003": {409},
    "O001": {422}, "O002": {404}, "O003": {409}, "O004": {409}, "O005": {409},
    "PAY001": {409}, "PAY002": {402},
    "C001": {409}, "C002": {404}, "C003": {409}, "C004": {409}, "C006": {409}, "C007": {409},
    "C008": {409},
    "U001": {404}, "J001": {409},
    "COMMON001": {400, 408, 412, 413, 414, 415, 422, 431}, "COMMON002": {401}, "COMMON003": {403},
    "COMMON004": {500}, "COMMON005": {404}, "COMMON006": {422}, "COMMON007": {429},
    "COMMON008": {503},
}
"""What the contract says of each code that an operation can answer; COMMON009 is none's."""


@pytest.fixture(scope="module")
def app() -> Shop:
    return create_app()


@pytest.fixture(scope="module")
def client(app: Shop) -> FlaskClient:
    return app.test_client()


@pytest.fixture(scope="module")
def document(app: Shop) -> Document:
    return Document(app)


def operations(document: Document) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document.told["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", operation


def test_the_document_names_every_method_of_every_path(app: Shop, document: Document) -> None:
    told = {name for name, _ in operations(document)}
    served = {
        f"{method} " + re.sub(r"<(?:[^:<>]*:)?([^<>]+)>", r"{\1}", rule.rule)
        for rule in app.url_map.iter_rules()
        for method in rule.methods or ()
        if method not in {"HEAD", "OPTIONS"} and rule.endpoint not in NO_OPERATIONS
    }
    assert told == served


def test_it_is_openapi_3_1(document: Document) -> None:
    assert document.told["openapi"] == "3.1.0"
    errors = OpenAPIV31SpecValidator(document.told).iter_errors()
    assert [error.message for error in errors] == []


def test_every_operation_tells_a_success_and_its_body(document: Document) -> None:
    for name, operation in operations(document):
        successes = {
            status: told for status, told in operation["responses"].items() if status < "300"
        }
        assert successes, name
        for status, told in successes.items():
            assert (status == "204") == ("content" not in told), name
            for content in told.get("content", {}).values():
                assert content["schema"], name


def test_problems_are_all_of_the_media_type_of_problems(document: Document) -> None:
    for name, operation in operations(document):
        for status, told in operation["responses"].items():
            if status >= "400" and name != "GET /readyz":
                assert set(told["content"]) == {"application/problem+json"}, (name, status)


def test_every_code_is_told_with_its_status(document: Document) -> None:
    told: dict[str, set[int]] = {}
    for _, operation in operations(document):
        for response in operation["responses"].values():
            problem = response.get("content", {}).get("application/problem+json", {})
            for example in problem.get("examples", {}).values():
                value = example["value"]
                told.setdefault(value["code"], set()).add(value["status"])
    assert told == CODES


def endings(operation: dict[str, Any]) -> set[str]:
    """The codes of an operation's problems, and the names of what its job may end with."""
    responses = operation["responses"]
    told = {
        one["value"]["code"] for response in responses.values()
        for content in response.get("content", {}).values()
        for one in content.get("examples", {}).values()
    }
    for status in {"200", "201"} & responses.keys():
        schema = responses[status]["content"]["application/json"]["schema"]
        told |= {one["$ref"].rpartition("/")[2] for one in schema.get("anyOf", [schema])}
    return told


def test_a_retry_may_end_as_every_command_may(document: Document) -> None:
    retry = document.told["paths"]["/api/admin/jobs/{jobId}/retry"]["post"]
    commands = {
        name: operation for name, operation in operations(document)
        if "202" in operation["responses"]
    }
    assert len(commands) == 5
    for name, operation in commands.items():
        assert endings(operation) - endings(retry) == set(), name


def test_who_needs_a_token_is_told_so(document: Document) -> None:
    public = {name for name, operation in operations(document) if not operation["security"]}
    assert public == {
        "GET /healthz", "GET /readyz", "GET /metrics", "GET /openapi.json", "GET /docs",
        "GET /asyncapi.json", "GET /ops", "GET /ops/figures.json",
        "GET /api/products", "GET /api/products/popular", "GET /api/products/{productId}",
        "GET /api/products/{productId}/stock", "GET /api/coupons", "GET /api/coupons/{couponId}",
    }
    for name, operation in operations(document):
        assert ("401" in operation["responses"]) == (name not in public), name


def test_bodies_that_may_be_left_out_are_told_to_be_optional(document: Document) -> None:
    optional = {
        name for name, operation in operations(document)
        if not operation.get("requestBody", {"required": True})["required"]
    }
    assert optional == {
        "POST /api/orders", "POST /api/orders/{orderId}/cancel",
        "POST /api/coupons/{couponId}/issue", "POST /api/jobs/{jobId}/cancel",
        "POST /api/admin/jobs/{jobId}/retry",
    }


def examples(document: Document) -> Iterator[tuple[str, dict[str, Any], Any]]:
    """Where an example stands, its schema and the example."""
    for name, schema in document.told["components"]["schemas"].items():
        for example in schema.get("examples", ()):
            yield name, {"$ref": f"#/components/schemas/{name}"}, example
    for name, operation in operations(document):
        for status, told in operation["responses"].items():
            for content in told.get("content", {}).values():
                for example in content.get("examples", {}).values():
                    yield f"{name} {status}", content["schema"], example["value"]


def test_every_example_keeps_to_its_schema(document: Document) -> None:
    found = list(examples(document))
    assert len(found) > 300
    wrong = [
        f"{where}: {error}" for where, schema, example in found
        if (error := document.schema_errors(schema, example)) is not None
    ]
    assert wrong == []


def test_every_body_has_an_example(document: Document) -> None:
    for name, operation in operations(document):
        body = operation.get("requestBody")
        if body is None:
            continue
        ref = body["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        schema = document.told["components"]["schemas"][ref]
        assert schema["additionalProperties"] is False, name
        assert bool(schema.get("examples")) == bool(schema.get("properties")), name


def test_it_is_served_printed_and_not_sent_twice(
    client: FlaskClient, capsys: pytest.CaptureFixture[str]
) -> None:
    served = client.get("/openapi.json")
    assert served.mimetype == "application/json"
    # The command prints the same
    _LINES.flush()
    capsys.readouterr()
    openapi.main([], standalone_mode=False)
    assert capsys.readouterr().out.strip().encode() == served.data
    # And who has it is told that it is unchanged
    again = client.get("/openapi.json", headers={"If-None-Match": served.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
