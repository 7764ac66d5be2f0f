"""``python -m simulators.payment_provider``: a stand-in for the payment provider, on loopback.

It approves, declines, cannot say yet, answers late or never, even after it has taken the money, as
a real one does. It takes each payment once, whatever is asked how often, and can be asked what it
holds. A gevent server: thousands of slow calls at once are a greenlet each.

The protocol is in docs/payment-provider.md. Besides, GET /asked/{key} tells how often a payment was
asked for, GET /stats and GET /healthz how things are; GET and PUT /settings take what
``payment_behaviour`` names; DELETE /payments forgets all.
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
from gevent.pywsgi import WSGIServer
from pydantic_settings import BaseSettings, SettingsConfigDict
from urllib3.util import parse_url

from simulators.data_platform import Handler
from simulators.payment_behaviour import Behaviour, Mode
from simulators.payment_book import Book, KeyReused, Payment

log = logging.getLogger(__name__)

BACKLOG = 2048
HANG_SECONDS = 600.0
MOST_LISTED = 500
STOP_SECONDS = 1.0
_SOCKET = "platform.socket"


class Provider:
    """The provider's decisions; ``now`` is how it behaves at the moment."""

    def __init__(self, behaviour: Behaviour, chance: Callable[[], float]) -> None:
        self.now = behaviour
        self.book = Book()
        self._chance = chance

    def pay(self) -> Response:
        key, user_id, amount = _wanted()
        first = self.book.enter(key)
        try:
            return self._answer(key, user_id, amount, first)
        finally:
            self.book.leave()

    def _answer(self, key: str, user_id: int, amount: int, first: bool) -> Response:
        now = self.now
        gevent.sleep(now.latency)
        refusal = _refusal(now.mode)
        if refusal is not None:
            self.book.failed += 1
            return refusal
        failing = self._chance() < now.failure_rate
        way = int(self._chance() * 3) if failing else 3
        if way == 0:
            self.book.failed += 1
            return _json({"error": "something went wrong"}, 500)
        if way == 1:
            self.book.failed += 1
            return _cut()
        payment = self.book.take(key, user_id, amount, *self._verdict(amount))
        if way == 2:
            self.book.failed += 1
            return _cut()  # taken, but the caller does not know
        return _said(now, payment, first)

    def _verdict(self, amount: int) -> tuple[str, str | None]:
        now = self.now
        if now.mode is Mode.PENDING:
            return "pending", None
        if now.decline_above is not None and amount > now.decline_above:
            return "declined", "over the limit"
        if self._chance() < now.decline_rate:
            return "declined", "refused by the bank"
        return "approved", None


def _said(now: Behaviour, payment: Payment, first: bool) -> Response:
    if now.mode is Mode.SILENT:
        gevent.sleep(HANG_SECONDS)
    if first:
        gevent.sleep(now.late)
    shown = payment.shown()
    if now.mode is Mode.WRONG_AMOUNT:
        shown["amount"] += 1
    return _json(shown, {"declined": 402, "pending": 202}.get(payment.status, 200))


def _wanted() -> tuple[str, int, int]:
    """(key, user, amount) of the request, or what is wrong with it, raised."""
    key = request.headers["Idempotency-Key"]
    wanted = orjson.loads(request.get_data())
    if wanted["key"] != key:
        raise ValueError("the Idempotency-Key is not the payment's key")
    user_id, amount = wanted["userId"], wanted["amount"]
    if type(user_id) is not int or type(amount) is not int or wanted["currency"] != "KRW":
        raise TypeError("userId and amount are whole numbers, currency is KRW")
    return key, user_id, amount


def _refusal(mode: Mode) -> Response | None:
    """The answer of a mode that decides nothing."""
    if mode is Mode.LOST:
        gevent.sleep(HANG_SECONDS)
    if mode is Mode.WRONG_ANSWERS:
        return Response("<html><body>Welcome!</body></html>", 200, mimetype="text/html")
    if mode in (Mode.ERROR, Mode.LOST):
        return _json({"error": "something went wrong"}, 500)
    if mode is Mode.UNAVAILABLE:
        answer = _json({"error": "try again later"}, 503)
        answer.headers["Retry-After"] = "1"
        return answer
    return None


def create_app(behaviour: Behaviour, chance: Callable[[], float] = random.random) -> Flask:
    """The provider as a WSGI application that must run under gevent."""
    app = Flask(__name__)
    provider = Provider(behaviour, chance)
    _add_payments(app, provider)
    _add_controls(app, provider)
    return app


def _add_payments(app: Flask, provider: Provider) -> None:
    book = provider.book

    @app.post("/payments")
    def pay() -> Response:
        try:
            return provider.pay()
        except KeyReused as error:
            return _json({"error": str(error)}, 422)
        except (KeyError, TypeError, ValueError) as error:
            return _json({"error": f"no payment: {error!r}"}, 400)

    @app.post("/payments/<key>/void")
    def void(key: str) -> Response:
        if _refusal(provider.now.mode) is not None:
            return _json({"error": "something went wrong"}, 500)
        held = book.void(key)
        if held is None:
            return _json({"error": "no such payment"}, 404)
        return _json(held.shown(), 200 if held.status == "voided" else 422)

    @app.get("/payments/<key>")
    def one(key: str) -> Response:
        held = book.payment(key)
        return _json({"error": "no such payment"}, 404) if held is None else _json(held.shown())

    @app.get("/payments")
    def listed() -> Response:
        limit = min(request.args.get("limit", MOST_LISTED, int), MOST_LISTED)
        found, following = book.page(
            request.args.get("since", ""), request.args.get("cursor", 0, int), limit
        )
        cursor = None if following is None else str(following)
        return _json({"payments": [held.shown() for held in found], "nextCursor": cursor})

    @app.delete("/payments")
    def forget() -> Response:
        book.clear()
        return Response(status=204)


def _add_controls(app: Flask, provider: Provider) -> None:
    @app.get("/asked/<key>")
    def asked(key: str) -> Response:
        return _json({"key": key, "times": provider.book.asked.get(key, 0)})

    @app.get("/stats")
    def stats() -> Response:
        return _json(provider.book.stats())

    @app.get("/settings")
    def settings() -> Response:
        return _json(provider.now.shown())

    @app.put("/settings")
    def change() -> Response:
        try:
            provider.now = provider.now.changed(orjson.loads(request.get_data()))
        except (TypeError, ValueError) as error:
            return _json({"error": str(error)}, 422)
        log.info("settings changed: %s", provider.now.shown())
        return _json(provider.now.shown())

    @app.get("/healthz")
    def healthz() -> Response:
        return _json({"status": "ok"})


def _cut() -> Response:
    """Close the connection without an answer."""
    request.environ[_SOCKET].shutdown(socket.SHUT_RDWR)
    return Response(status=500)


def _json(body: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, mimetype="application/json")


class Environment(BaseSettings):
    """What the flags' defaults are taken from."""

    model_config = SettingsConfigDict(env_file=".env", env_ignore_empty=True, extra="ignore")

    payment_gateway_url: str = "http://127.0.0.1:8901"
    payment_provider_latency: float = 0.3
    payment_provider_failure_rate: float = 0.05
    payment_provider_decline_rate: float = 0.02


def _arguments() -> argparse.Namespace:
    given = Environment()
    port = parse_url(given.payment_gateway_url).port or 80
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--port", type=int, default=port, help="on loopback (%(default)s)")
    for name, default, about in (
        ("latency", given.payment_provider_latency, "seconds until a decision"),
        ("failure-rate", given.payment_provider_failure_rate, "share of the calls that fail"),
        ("decline-rate", given.payment_provider_decline_rate, "share of payments declined"),
    ):
        parser.add_argument(
            f"--{name}", type=float, default=default, help=f"{about} (%(default)s)"
        )
    return parser.parse_args()


def main() -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        wanted = _arguments()
        behaviour = Behaviour().changed({
            "latencySeconds": wanted.latency, "failureRate": wanted.failure_rate,
            "declineRate": wanted.decline_rate,
        })
    except (TypeError, ValueError) as error:
        sys.exit(f"Bad setting — {error}")
    server = WSGIServer(
        ("127.0.0.1", wanted.port), create_app(behaviour), backlog=BACKLOG, log=None,
        handler_class=Handler,
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        gevent.signal_handler(number, server.stop, timeout=STOP_SECONDS)
    server.start()
    log.info("payment provider stand-in on port %s: %s", server.server_port, behaviour.shown())
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
