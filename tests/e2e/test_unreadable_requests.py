"""What the server itself refuses, before the application sees it, is a problem like any other."""

import json
import socket
from http.client import HTTPResponse

import pytest

from tests.support.api import Api
from tests.support.fleet import Fleet

HOST = b"Host: shop\r\n"


def send(fleet: Fleet, request: bytes) -> HTTPResponse:
    with socket.create_connection(("127.0.0.1", fleet.port), timeout=20) as connection:
        connection.sendall(request)
        answer = HTTPResponse(connection)
        answer.begin()
        answer.body = answer.read()  # type: ignore[attr-defined]
        assert connection.recv(1) == b"", "the connection stays open"
    return answer


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/9.9\r\n" + HOST + b"\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\n" + HOST + b"bad header\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\n" + HOST + b"Idempotency-Key: \x7f\r\n\r\n", 400),
        (b"GET /" + b"x" * 5_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414),
        (b"GET /healthz HTTP/1.1\r\n" + HOST + b"X: " + b"x" * 9_000 + b"\r\n\r\n", 431),
    ],
    ids=["nonsense", "version", "header", "header byte", "URL", "long header"],
)
def test_what_cannot_be_read_is_a_problem(
    fleet: Fleet, api: Api, request_: bytes, status: int
) -> None:
    answer = send(fleet, request_)
    assert (answer.status, answer.headers["Content-Type"]) == (status, "application/problem+json")
    problem = json.loads(answer.body)  # type: ignore[attr-defined]
    assert (problem["status"], problem["code"]) == (status, "COMMON001")
    assert problem["errors"] == [{"pointer": "", "detail": problem["detail"]}]
    assert len(problem["traceId"]) == 32
    # And the next request is answered
    assert api.call("GET", "/healthz").status == 200
