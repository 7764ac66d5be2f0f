"""Hundreds who read, more than there are connections to the database, and one who orders."""

import json
import select
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import pymysql
import pytest

from infra.connections import connect_params
from infra.database import rows, session
from infra.settings import settings
from infra.tokens import issue
from tests.support.fleet import Fleet
from tests.support.market import given_product
from tests.support.services import TestServices
from tests.support.shop import given_users
from tests.support.waiting import eventually

CONNECTIONS = 2
READERS = 400


@pytest.fixture
def web(services: TestServices, tmp_path: Path, database: None) -> Iterator[Fleet]:
    """One web process with two connections to the database."""
    environment = {"WEB_WORKERS": "1", "DATABASE_CONNECTIONS": str(CONNECTIONS)}
    fleet = Fleet(services, tmp_path, environment)
    try:
        fleet.start("web")
        fleet.wait_ready()
        yield fleet
    finally:
        fleet.end()


def ask(web: Fleet, request: str, body: str = "") -> socket.socket:
    """Send a request, and do not wait for the answer."""
    client = socket.create_connection(("127.0.0.1", web.port), timeout=30)
    client.sendall(f"{request} HTTP/1.1\r\nHost: shop\r\n".encode() + body.encode())
    return client


def read_stock(web: Fleet, product: int) -> socket.socket:
    return ask(web, f"GET /api/products/{product}/stock", "\r\n")


def charge(web: Fleet, user: int) -> socket.socket:
    body = json.dumps({"amount": 1000})
    token = issue(user, ["user"], timedelta(minutes=5))
    return ask(
        web, f"POST /api/users/{user}/balance/charge",
        f"Authorization: Bearer {token}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}",
    )


def status(client: socket.socket) -> int:
    return int(client.recv(65_536).split(b" ", 2)[1])


def answered(clients: list[socket.socket]) -> int:
    """How many of them have an answer."""
    poll = select.poll()
    for client in clients:
        poll.register(client, select.POLLIN)
    return len(poll.poll(0))


@contextmanager
def products_locked() -> Iterator[None]:
    """Nobody can read products meanwhile: those who do keep their connection."""
    name, params = connect_params(settings().database_url)
    with pymysql.connect(database=name, **params) as other, other.cursor() as cursor:
        cursor.execute("LOCK TABLES products WRITE")
        yield


def all_connections_wait() -> bool:
    with session():
        waiting = rows(
            "SELECT COUNT(*) FROM information_schema.processlist "
            "WHERE state LIKE %s", ("Waiting for table%",)
        )
    return waiting == [(CONNECTIONS,)]


def test_what_is_to_be_accepted_does_not_wait_behind_hundreds_of_readers(web: Fleet) -> None:
    # Given readers who have taken all connections, and many more who wait for one
    [user], product = given_users(0), given_product(stock=7)
    with ExitStack() as open_sockets:
        with products_locked():
            readers = [
                open_sockets.enter_context(read_stock(web, product)) for _ in range(READERS)
            ]
            eventually(all_connections_wait)
            # When somebody charges, and all are let go on
            charging = open_sockets.enter_context(charge(web, user))
            # (whoever asks after it is answered after it was read)
            assert status(open_sockets.enter_context(ask(web, "GET /healthz", "\r\n"))) == 200
        # Then the charge is accepted while most of the readers still wait
        assert status(charging) == 202
        assert answered(readers) < READERS / 2
        # And nobody was forgotten (503: who had waited for the table for two seconds)
        assert {status(reader) for reader in readers} <= {200, 503}
