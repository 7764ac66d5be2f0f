"""The tests' own guard: an answer that the document does not tell is found out."""

import json
from typing import Any

import pytest

from tests.support.document import Document
from web.app import create_app

BALANCE = {"userId": 42, "balance": 5}
PROBLEM = {
    "type": "/problems/U001", "title": "User not found", "status": 404, "detail": "Not found",
    "code": "U001", "traceId": "t",
}
JSON = {"Content-Type": "application/json", "X-Request-Id": "r"}
PROBLEM_JSON = {"Content-Type": "application/problem+json", "X-Request-Id": "r"}


@pytest.fixture(scope="module")
def document() -> Document:
    return Document(create_app())


def check(
    document: Document, status: int, body: Any, headers: dict[str, str],
    method: str = "GET", path: str = "/api/users/42/balance",
) -> None:
    document.check(method, path, status, headers, json.dumps(body).encode())


@pytest.mark.parametrize(
    ("status", "body", "headers"), [(200, BALANCE, JSON), (404, PROBLEM, PROBLEM_JSON)]
)
def test_an_answer_that_is_told(
    document: Document, status: int, body: Any, headers: dict[str, str]
) -> None:
    check(document, status, body, headers)


@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        pytest.param(201, BALANCE, JSON, id="a status that is not told"),
        pytest.param(200, {**BALANCE, "more": 1}, JSON, id="a member that is not told"),
        pytest.param(200, {"userId": 42}, JSON, id="a member missing"),
        pytest.param(200, {**BALANCE, "balance": "5"}, JSON, id="a member of another type"),
        pytest.param(200, BALANCE, {**JSON, "Content-Type": "text/html"}, id="a media type"),
        pytest.param(200, BALANCE, {**JSON, "ETag": '"e"'}, id="a header that is not told"),
        pytest.param(200, BALANCE, {"Content-Type": JSON["Content-Type"]}, id="one missing"),
        pytest.param(404, {**PROBLEM, "code": "U002"}, PROBLEM_JSON, id="a code"),
        pytest.param(404, {**PROBLEM, "status": 400}, PROBLEM_JSON, id="another status within"),
        pytest.param(404, {**PROBLEM, "more": 1}, PROBLEM_JSON, id="a problem's member"),
        pytest.param(404, PROBLEM, JSON, id="a problem of another media type"),
        pytest.param(401, {**PROBLEM, "code": "COMMON002", "status": 401}, PROBLEM_JSON,
                     id="a challenge missing"),
    ],
)
def test_an_answer_that_is_not_told(
    document: Document, status: int, body: Any, headers: dict[str, str]
) -> None:
    with pytest.raises(AssertionError):
        check(document, status, body, headers)


def test_where_nothing_is_only_a_problem_will_do(document: Document) -> None:
    missing = {**PROBLEM, "code": "COMMON005"}
    check(document, 404, missing, PROBLEM_JSON, path="/nowhere")
    with pytest.raises(AssertionError):
        check(document, 200, BALANCE, JSON, path="/nowhere")
    with pytest.raises(AssertionError):
        check(document, 404, {"message": "no"}, PROBLEM_JSON, path="/nowhere")
    with pytest.raises(AssertionError):
        check(document, 404, missing, JSON, path="/nowhere")


def test_a_204_has_no_body(document: Document) -> None:
    options: dict[str, Any] = {"method": "DELETE", "path": "/api/cart/items/1"}
    document.check("DELETE", "/api/cart/items/1", 204, {"X-Request-Id": "r"}, b"")
    with pytest.raises(AssertionError):
        check(document, 204, {}, {"X-Request-Id": "r"}, **options)
