"""``python -m simulators.data_platform``: a stand-in for the external data platform, on loopback.

It takes its time, fails some calls and cuts some connections, even after it has booked the order,
as a real one does. It books each Idempotency-Key once, and can be asked what it holds. A gevent
server: thousands of slow calls at once are a greenlet each.

POST /orders takes {eventId, type, order}. GET /orders?after=&limit=, GET /orders/{id}, GET /stats
and GET /healthz tell; GET and PUT /settings take {latencySeconds, failureRate, mode}; DELETE
/orders forgets all.
"""

import argparse
import logging
import random
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any

import gevent
import orjson
from flask import Flask, Response, request
from gevent.pywsgi import WSGIHandler, WSGIServer
from pydantic_settings import BaseSettings, SettingsConfigDict
from urllib3.util import parse_url

from simulators.platform_behaviour import Behaviour, Mode
from simulators.platform_book import Book

log = logging.getLogger(__name__)

BACKLOG = 2048
HANG_SECONDS = 600.0
UNAVAILABLE_RETRY_SECONDS = 1
MOST_LISTED = 10_000
STOP_SECONDS = 1.0


_SOCKET = "platform.socket"


class Handler(WSGIHandler):  # type: ignore[misc]  # gevent is untyped
    """Hands the connection itself to the application, which may cut it."""

    def get_environ(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environ()
        environ[_SOCKET] = self.socket
        return environ


def create_app(behaviour: Behaviour, chance: Callable[[], float] = random.random) -> Flask:
    """The platform as a WSGI application that must run under gevent."""
    app = Flask(__name__)
    book = Book()
    now = behaviour

    @app.post("/orders")
    def take() -> Response:
        try:
            key, order_id, event = _event()
        except (KeyError, TypeError, ValueError) as error:
            return _json({"error": f"no order event: {error!r}"}, 422)
        book.enter(order_id)
        try:
            return _answer(now, book, key, order_id, event, chance)
        finally:
            book.leave(order_id)

    @app.get("/orders")
    def listed() -> Response:
        after = request.args.get("after", 0, int)
        limit = min(request.args.get("limit", MOST_LISTED, int), MOST_LISTED)
        return _json({"orders": book.orders(after, limit)})

    @app.get("/orders/<int:order_id>")
    def one(order_id: int) -> Response:
        events = book.order(order_id)
        if events is None:
            return _json({"error": "nothing is held of this order"}, 404)
        return _json({"orderId": order_id, "events": events})

    @app.delete("/orders")
    def forget() -> Response:
        book.clear()
        return Response(status=204)

    @app.get("/stats")
    def stats() -> Response:
        return _json(book.stats())

    @app.get("/settings")
    def settings() -> Response:
        return _json(now.shown())

    @app.put("/settings")
    def change() -> Response:
        nonlocal now
        try:
            now = now.changed(orjson.loads(request.get_data()))
        except (TypeError, ValueError) as error:
            return _json({"error": str(error)}, 422)
        log.info("settings changed: %s", now.shown())
        return _json(now.shown())

    @app.get("/healthz")
    def healthz() -> Response:
        return _json({"status": "ok"})

    return app


def _event() -> tuple[str, int, dict[str, Any]]:
    """(Idempotency-Key, order id, event) of the request, or what is wrong with it, raised."""
    key = request.headers["Idempotency-Key"]
    event = orjson.loads(request.get_data())
    if event["eventId"] != key:
        raise ValueError("the Idempotency-Key is not the event's id")
    if not isinstance(event["type"], str):
        raise TypeError("type is a string")
    order_id = event["order"]["orderId"]
    if type(order_id) is not int:
        raise TypeError("orderId is an integer")
    return key, order_id, event


def _answer(
    now: Behaviour, book: Book, key: str, order_id: int, event: dict[str, Any],
    chance: Callable[[], float],
) -> Response:
    gevent.sleep(HANG_SECONDS if now.mode is Mode.HANG else now.latency)
    if now.mode is not Mode.NORMAL:
        book.failed += 1
        return _refusal(now.mode)
    if chance() < now.failure_rate:
        book.failed += 1
        way = int(chance() * 3)
        if way == 0:
            return _json({"error": "something went wrong"}, 500)
        if way == 1:
            book.keep(key, order_id, event)  # booked, but the caller will never know
        return _cut()
    new = book.keep(key, order_id, event)
    return _json({"eventId": key, "orderId": order_id, "repeated": not new}, 201 if new else 200)


def _refusal(mode: Mode) -> Response:
    if mode is Mode.WRONG_ANSWERS:
        return Response("<html><body>Welcome!</body></html>", 200, mimetype="text/html")
    if mode is Mode.REJECT:
        return _json({"error": "this order is not wanted"}, 422)
    if mode is Mode.UNAVAILABLE:
        answer = _json({"error": "try again later"}, 503)
        answer.headers["Retry-After"] = str(UNAVAILABLE_RETRY_SECONDS)
        return answer
    return _json({"error": "something went wrong"}, 500)


def _cut() -> Response:
    """Close the connection without an answer."""
    request.environ[_SOCKET].shutdown(socket.SHUT_RDWR)
    return Response(status=500)


def _json(body: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, mimetype="application/json")


class Environment(BaseSettings):
    """What the flags' defaults are taken from."""

    model_config = SettingsConfigDict(
        env_prefix="DATA_PLATFORM_", env_file=".env", extra="ignore"
    )

    url: str = "http://127.0.0.1:8900"
    port: int | None = None
    latency: float = 2.0
    failure_rate: float = 0.1


def _arguments() -> argparse.Namespace:
    given = Environment()
    port = given.port or parse_url(given.url).port or 80
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--port", type=int, default=port, help="on loopback (%(default)s)")
    parser.add_argument(
        "--latency", type=float, default=given.latency, help="seconds an order takes (%(default)s)"
    )
    parser.add_argument(
        "--failure-rate", type=float, default=given.failure_rate,
        help="share of the calls that fail (%(default)s)",
    )
    return parser.parse_args()


def main() -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        wanted = _arguments()
        behaviour = Behaviour(0.0, 0.0).changed(
            {"latencySeconds": wanted.latency, "failureRate": wanted.failure_rate}
        )
    except (TypeError, ValueError) as error:
        sys.exit(f"Bad setting — {error}")
    server = WSGIServer(
        ("127.0.0.1", wanted.port), create_app(behaviour), backlog=BACKLOG, log=None,
        handler_class=Handler,
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        gevent.signal_handler(number, server.stop, timeout=STOP_SECONDS)
    server.start()
    log.info("data platform stand-in on port %s: %s", server.server_port, behaviour.shown())
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
