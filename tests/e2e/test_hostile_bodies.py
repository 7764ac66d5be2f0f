"""Bodies that are broken, enormous in small, or say something else than they seem to."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.api import Api
from tests.support.document import document
from tests.support.fleet import Fleet
from tests.support.raw_http import RawAnswer, exchange, request

pytestmark = pytest.mark.usefixtures("unharmed")

ADMIN = 1
BROKEN = {
    "arrays without end": b"[" * 60_000,
    "objects without end": b'{"a":' * 10_000,
    "30,000 levels": b"[" * 30_000 + b"]" * 30_000,
    "objects, 10,000 levels": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "a lone surrogate": b'{"name": "\\ud800"}',
    "surrogates the wrong way round": b'{"name": "\\udc00\\ud800"}',
    "a surrogate in UTF-8": b'{"name": "\xed\xa0\x80"}',
    "bad UTF-8": b'{"name": "\xff\xfe"}',
    "overlong UTF-8": b'{"name": "\xc0\xaf"}',
    "UTF-16": '{"amount": 1}'.encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf{}",
    "a NUL byte": b'{"name": "a\x00b"}',
    "a NUL behind it": b"{}\x00",
    "a raw newline in a string": b'{"name": "a\nb"}',
    "two values": b"{}{}",
    "a comma too much": b'{"amount": 1,}',
    "a comment": b'{"amount": 1 /* one */}',
    "NaN": b'{"amount": NaN}',
    "infinity": b'{"amount": Infinity}',
    "minus infinity": b'{"amount": -Infinity}',
    "hexadecimal": b'{"amount": 0x1}',
    "leading zeros": b'{"amount": 01}',
    "a plus": b'{"amount": +1}',
    "single quotes": b"{'amount': 1}",
    "no value": b'{"amount": }',
    "half a word": b'{"amount": tru',
}


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(method, path, example of a good body) of every operation that has a body with members."""
    told = document().told
    for path, item in told["paths"].items():
        for method, operation in item.items():
            media = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            name = media.get("schema", {}).get("$ref", "").rpartition("/")[2]
            shape = told["components"]["schemas"].get(name, {})
            if shape.get("properties"):
                yield method.upper(), path, dict(shape["examples"][0])


@pytest.fixture(scope="module")
def values(whole_fleet: Fleet) -> dict[str, Any]:
    """By path parameter, something that is there."""
    api = whole_fleet.api
    user, product = api.new_user(1_000), api.new_product(100)
    return {
        "userId": user, "productId": product, "couponId": api.new_coupon(100),
        "itemId": api.put_in_cart(ADMIN, product), "name": "read-only",
    }


def sent(
    fleet: Fleet, method: str, path: str, values: dict[str, Any], body: bytes, *lines: str
) -> RawAnswer:
    """The only answer to ``body``, as an admin; it is what the document tells."""
    target = path.format_map(values)
    [answer] = exchange(
        fleet.port, request(method, target, *lines, body=body, user=ADMIN, admin=True)
    )
    answer.assert_told(method, target)
    if answer.status == 400:  # broken JSON is of the application, which the document tells
        document().check(method, target, 400, answer.headers, answer.body)
    return answer


def test_there_are_operations_to_try() -> None:
    assert len(list(operations())) >= 10


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
def test_what_is_no_json_is_refused_everywhere(
    fleet: Fleet, values: dict[str, Any], body: bytes
) -> None:
    for method, path, _ in operations():
        answer = sent(fleet, method, path, values, body, "Idempotency-Key: broken")
        assert answer.status == 400, (method, path, answer)
        assert answer.json["errors"][0]["pointer"] == ""


NUMBERS = [
    "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809",
    "18446744073709551615", "18446744073709551616", "9" * 10_000, "-" + "9" * 10_000, "1e400",
    "-1e400", "1E+2", "1e-400", "1.0", "0.1", "-0", "-0.0", "1" + "0" * 400 + ".5", "4294967296",
    "9007199254740993", "true", '"1"', '"１"', "null", "[]", "{}", "[[[[1]]]]",
]
WORDS = [
    "", " ", "\x00", "a\x00b", "\n", "\r\n", "\t", "\x1b[31m", "\x7f", "\x85", "\u2028", "\ufeff",
    "\ufffe", "\U0001f600" * 50, "e\u0301", "\u202etxt", "x" * 201, "x" * 60_000, "%s%n", "{0}",
    "{{7*7}}", "${jndi:ldap://x/}", "../../etc/passwd", "<script>alert(1)</script>", "=1+1",
    "' OR '1'='1", "'; DROP TABLE users; --", '" OR ""="', "1; SELECT SLEEP(5)", "\\", "\\'", "`",
    "/* */", "0x27", "a@b\r\nBcc: c@d", "a@b,c@d", "NULL", "2026-02-30T00:00:00Z",
    "9999-12-31T23:59:59.999999999Z", "0000-00-00T00:00:00Z", "2026-01-01T00:00:00+99:99",
]
DEEP = '{"a":' * 900 + "1" + "}" * 900


@pytest.mark.parametrize(("method", "path", "example"), list(operations()))
def test_whatever_a_member_holds_is_taken_or_refused(
    fleet: Fleet, values: dict[str, Any], method: str, path: str, example: dict[str, Any]
) -> None:
    hostile = [*NUMBERS, *map(json.dumps, WORDS), DEEP, "[" * 500 + "]" * 500]
    for name in example:
        for number, value in enumerate(hostile):
            rest = {other: kept for other, kept in example.items() if other != name}
            body = json.dumps({name: "HERE", **rest}).replace('"HERE"', value).encode()
            key = f"Idempotency-Key: {method}{path}{name}{number}"
            sent(fleet, method, path, values, body, key)
            if "control" in path:  # nothing may be switched on for long
                sent(fleet, method, path, values, b'{"value": false}')
    for member in ("__proto__", "constructor", "", "x" * 60_000, "\x00", "userId", "id"):
        answer = sent(fleet, method, path, values, json.dumps({**example, member: 1}).encode())
        assert answer.status in (400, 422), (member[:20], answer)


def test_what_is_said_twice_is_what_was_said_last(fleet: Fleet, api: Api) -> None:
    user = api.new_user()
    path = f"/api/users/{user}/balance/charge"
    twice = b'{"amount": 1000, "amount": 1}'
    lines = ["Idempotency-Key: twice", "Prefer: wait=20"]
    [answer] = exchange(fleet.port, request("POST", path, *lines, body=twice, user=user))
    answer.assert_told("POST", path)
    assert (answer.status, answer.json["chargedAmount"]) == (200, 1)
    # And by its key it is the same as if it had been said once
    again = api.call("POST", path, {"amount": 1}, user=user, Idempotency_Key="twice")
    assert again.headers["Idempotent-Replayed"] == "true"
    other = api.call("POST", path, {"amount": 1000}, user=user, Idempotency_Key="twice")
    assert (other.status, other.code) == (422, "COMMON006")


INJECTIONS = [
    "'; DROP TABLE users; --", "' OR '1'='1", '" OR ""="', "\\'; --", "`users`", "%s %(x)s",
    "a' UNION SELECT 1,2,3 -- ", "\U0001f600' /* */",
]


@pytest.mark.parametrize("words", INJECTIONS)
def test_what_looks_like_sql_is_kept_as_it_is(api: Api, words: str) -> None:
    product = api.call(
        "POST", "/api/products", {
            "name": words, "price": 1, "stock": 1, "category": words, "description": words,
        }, user=ADMIN, admin=True,
    ).body
    shown = api.call("GET", f"/api/products/{product['productId']}").body
    assert [shown[name] for name in ("name", "category", "description")] == [words] * 3
    user = api.call("POST", "/api/users", {"name": words}, user=ADMIN, admin=True)
    assert user.body["name"] == words


def test_the_shop_is_still_whole(fleet: Fleet) -> None:
    fleet.assert_audit_holds()
