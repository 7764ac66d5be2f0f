"""What cannot be read as HTTP is answered with a problem as well."""

import json
import socket

import pytest

from tests.support.api import Api
from tests.support.document import document
from tests.support.fleet import Fleet

HOST = b"Host: shop\r\n"


def exchange(api: Api, sent: bytes) -> tuple[int, dict[str, str], bytes]:
    """Send bytes as they are; the status, the headers and the body that come back."""
    host, _, port = api.base.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        received = b""
        while more := connection.recv(65536):
            received += more
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    return int(first.split()[1]), headers, body


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /api/products?cursor=" + b"a" * 5000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414),
        (b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 9000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/9.9\r\n" + HOST + b"\r\n", 400),
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + HOST + b"na me: x\r\n\r\n", 400),
        (b"POST /api/orders HTTP/1.1\r\n" + HOST + b"Content-Length: x\r\n\r\n", 400),
        (b"POST /api/orders HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: what\r\n\r\n", 400),
        (b"POST /api/orders HTTP/1.1\r\n" + HOST + b"Expect: wonders\r\n\r\n", 417),
    ],
)
def test_a_request_that_is_none(fleet: Fleet, api: Api, sent: bytes, status: int) -> None:
    answered, headers, body = exchange(api, sent)
    assert answered == status, body
    assert headers["Content-Type"] == "application/problem+json"
    assert headers["X-Request-Id"]
    told = document()
    problem = {"$ref": "#/components/schemas/InvalidRequest"}
    assert told.schema_errors(problem, json.loads(body)) is None
    assert json.loads(body)["status"] == status


def test_a_body_that_breaks_off(fleet: Fleet, api: Api) -> None:
    user = api.new_user()
    for headers, body in [
        (b"Transfer-Encoding: chunked\r\n", b"zz\r\n{}\r\n0\r\n\r\n"),
        (b"Transfer-Encoding: chunked\r\n", b"5\r\n{}"),
        (b"Content-Length: 50\r\n", b'{"amount": 1}'),
    ]:
        target = f"POST /api/users/{user}/balance/charge HTTP/1.1\r\n".encode()
        token = f"Authorization: Bearer {api.token(user)}\r\n".encode()
        json_type = b"Content-Type: application/json\r\n"
        sent = target + HOST + token + json_type + headers + b"\r\n" + body
        status, _, answer = exchange(api, sent)
        assert status == 400, (body, answer)
    # And nothing of it was taken for a charge
    assert api.balance(user) == 0
