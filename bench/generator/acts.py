"""What clients ask for: functions from the number of a request to its bytes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

Request = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Users:
    """Bearer tokens; those of consecutive users, the first of whom has the id ``first``."""

    tokens: Sequence[bytes]
    host: bytes
    first: int = 0

    @classmethod
    def read(cls, path: Path, port: int, first: int) -> "Users":
        tokens = [line for line in path.read_bytes().split(b"\n") if line]
        return cls(tokens, b"127.0.0.1:%d" % port, first)

    def head(self, number: int, line: bytes) -> bytes:
        """The beginning of a request by the user whose turn it is; ``line``: method and path."""
        token = self.tokens[number % len(self.tokens)]
        return b"%b HTTP/1.1\r\nHost: %b\r\nAuthorization: Bearer %b\r\n" % (line, self.host, token)


def with_body(body: bytes, wait: int = 0) -> bytes:
    """The rest of a request after its head."""
    prefer = b"Prefer: wait=%d\r\n" % wait if wait else b""
    kind = b"Content-Type: application/json\r\n" if body else b""
    return b"%b%bContent-Length: %d\r\n\r\n%b" % (prefer, kind, len(body), body)


def front(users: Users) -> Request:
    """The empty route."""
    rest = with_body(b"{}")
    return lambda number: users.head(number, b"POST /api/bench/empty") + rest


def coupon(users: Users, coupon_id: int, wait: int = 0) -> Request:
    rest, line = with_body(b"", wait), b"POST /api/coupons/%d/issue" % coupon_id
    return lambda number: users.head(number, line) + rest


def charge(users: Users, amount: int = 1000, wait: int = 0) -> Request:
    """With a transactionId of its own each time."""
    run = uuid4().hex[:12].encode()

    def request(number: int) -> bytes:
        user_id = users.first + number % len(users.tokens)
        body = b'{"amount":%d,"transactionId":"%b-%d"}' % (amount, run, number)
        line = b"POST /api/users/%d/balance/charge" % user_id
        return users.head(number, line) + with_body(body, wait)

    return request


def order(users: Users, wait: int = 0) -> Request:
    rest = with_body(b"", wait)
    return lambda number: users.head(number, b"POST /api/orders") + rest


def cancel(users: Users, first_order: int, wait: int = 0) -> Request:
    """Of orders that were made by the users in turn, as seeded ones are."""
    rest = with_body(b"", wait)
    return lambda number: (
        users.head(number, b"POST /api/orders/%d/cancel" % (first_order + number)) + rest
    )


def cart(users: Users, product_id: int) -> Request:
    """One piece into the cart."""
    rest = with_body(b'{"productId":%d,"quantity":1}' % product_id)
    return lambda number: users.head(number, b"POST /api/cart/items") + rest


def read(users: Users, paths: Sequence[str], wait: int = 0) -> Request:
    """GET of the paths in turn. Where there are as many paths as users, each reads its own."""
    lines = [b"GET %b" % path.encode() for path in paths]
    rest = (b"Prefer: wait=%d\r\n" % wait if wait else b"") + b"\r\n"
    return lambda number: users.head(number, lines[number % len(lines)]) + rest


ACTS: dict[str, Callable[..., Request]] = {
    "front": front,
    "coupon": coupon,
    "charge": charge,
    "order": order,
    "cancel": cancel,
    "cart": cart,
    "read": read,
}


def request_of(act: str, users: Users, arguments: dict[str, Any]) -> Request:
    return ACTS[act](users, **arguments)
