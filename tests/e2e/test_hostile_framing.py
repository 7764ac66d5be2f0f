"""Where a request ends must be beyond doubt: what two readers could cut in two ways is refused."""

import gzip
from datetime import timedelta

import pytest

from infra.tokens import issue
from tests.support.api import Api
from tests.support.fleet import Fleet
from tests.support.raw_http import exchange, request

pytestmark = pytest.mark.usefixtures("unharmed")

SMUGGLED = 77_777
"""The amount of the charge that is hidden behind each request."""


@pytest.fixture(scope="module")
def victim(whole_fleet: Fleet) -> int:
    return whole_fleet.api.new_user()


def hidden(victim: int) -> bytes:
    """A charge that must not be found."""
    path = f"/api/users/{victim}/balance/charge"
    return request("POST", path, body=b'{"amount": %d}' % SMUGGLED, user=victim)


def head(*lines: bytes, version: bytes = b"1.1") -> bytes:
    """Of a request whose body is looked at, since its caller may do what it asks for."""
    first = b"POST /api/coupons/validate HTTP/" + version
    token = issue(1, ["user"], timedelta(hours=1))
    own = [b"Host: shop", b"Content-Type: application/json",
           f"Authorization: Bearer {token}".encode()]
    return b"\r\n".join([first, *own, *lines, b"", b""])


def assert_untouched(api: Api, victim: int) -> None:
    assert api.call("GET", "/api/jobs", user=victim).body["jobs"] == []


def test_what_comes_behind_a_whole_request_is_the_next_one(fleet: Fleet, api: Api) -> None:
    """Or else the tests below could not fail."""
    user = api.new_user()
    first, second = exchange(
        fleet.port, head(b"Content-Length: 2") + b"{}" + hidden(user)
    )
    first.assert_told("POST", "/api/coupons/validate")
    second.assert_told("POST", f"/api/users/{user}/balance/charge")
    assert (first.status, second.status) == (422, 202)
    assert api.ended(api.charge(user, 1), user)["status"] == "succeeded"
    assert api.balance(user) == SMUGGLED + 1


CHUNKED = b"Transfer-Encoding: chunked"
LAST = b"0\r\n\r\n"
LENGTHS = [
    b"+2", b"-2", b"0x2", b"2_0", b"2 2", b"", b"2,2", b"2, 2", b"1e1", b"2.0", b"\xd9\xa2", b"'2'",
    b"2;", b"9" * 400, b"2\x00", b"2\x0b",
]
CODINGS = [
    b"chunked, chunked", b"chunked, identity", b"identity, chunked", b"xchunked", b"chunkedx",
    b"\x0bchunked", b"chunked\x00", b'"chunked"', b"chunked;q=1", b"gzip, chunked", b"gzip",
    b"chunked\r\n Transfer-Encoding: x", b"chu\r\n nked", b"",
]


@pytest.mark.parametrize("value", LENGTHS)
def test_a_length_that_is_no_number_is_refused(
    fleet: Fleet, api: Api, victim: int, value: bytes
) -> None:
    [answer] = exchange(fleet.port, head(b"Content-Length: " + value) + b"{}" + hidden(victim))
    answer.assert_sane()
    assert answer.status in (400, 413, 431)
    assert_untouched(api, victim)


@pytest.mark.parametrize("value", CODINGS)
def test_a_coding_that_is_not_plainly_chunked_is_refused(
    fleet: Fleet, api: Api, victim: int, value: bytes
) -> None:
    sent = head(b"Transfer-Encoding: " + value) + LAST + hidden(victim)
    [answer] = exchange(fleet.port, sent)
    answer.assert_sane()
    assert answer.status in (400, 431, 501)
    assert_untouched(api, victim)


@pytest.mark.parametrize(
    ("lines", "version"),
    [
        ([b"Content-Length: 5", CHUNKED], b"1.1"),
        ([CHUNKED, b"Content-Length: 5"], b"1.1"),
        ([b"Content-Length: 5", b"Content-Length: 5"], b"1.1"),
        ([b"Content-Length: 5", b"Content-Length: 6"], b"1.1"),
        ([CHUNKED, b"Transfer-Encoding: identity"], b"1.1"),
        ([CHUNKED, CHUNKED], b"1.1"),
        ([b"Transfer-Encoding : chunked"], b"1.1"),
        ([b"Content-Length : 5"], b"1.1"),
        ([b" Content-Length: 5"], b"1.1"),
        ([b"X: a\nContent-Length: 500", b"Content-Length: 5"], b"1.1"),
        ([b"X: a\rContent-Length: 500", b"Content-Length: 5"], b"1.1"),
        ([b"X: a\x00b", b"Content-Length: 5"], b"1.1"),
        ([b"X\x00: a", b"Content-Length: 5"], b"1.1"),
        ([b": a", b"Content-Length: 5"], b"1.1"),
        ([CHUNKED], b"1.0"),
        ([b"Content-Length: 5"], b"1.1\r"),
        ([b"Content-Length: 5"], b"1.1 "),
        ([b"Content-Length: 5"], b"0.9"),
        ([b"Content-Length: 5"], b"2.0"),
    ],
)
def test_a_head_that_can_be_read_in_two_ways_is_refused(
    fleet: Fleet, api: Api, victim: int, lines: list[bytes], version: bytes
) -> None:
    [answer] = exchange(fleet.port, head(*lines, version=version) + LAST + hidden(victim))
    answer.assert_sane()
    assert answer.status in (400, 501)
    assert_untouched(api, victim)


@pytest.mark.parametrize(
    "chunks",
    [
        b"0x2\r\n{}\r\n0\r\n\r\n", b"+2\r\n{}\r\n0\r\n\r\n", b"-2\r\n{}\r\n0\r\n\r\n",
        b"2_0\r\n{}\r\n0\r\n\r\n", b"\xd9\xa2\r\n{}\r\n0\r\n\r\n", b"\r\n{}\r\n0\r\n\r\n",
        b"F" * 16 + b"\r\n{}\r\n0\r\n\r\n", b"F" * 5_000 + b"\r\n{}\r\n0\r\n\r\n",
        b"2\n{}\n0\n\n", b"2\r\n{}0\r\n\r\n", b"3\r\n{}\r\n0\r\n\r\n", b"1\r\n{}\r\n0\r\n\r\n",
        b"2;" + b"x" * 200_000 + b"\r\n{}\r\n0\r\n\r\n", b"0;\n\r\n\r\n",
    ],
    ids=lambda chunks: repr(chunks[:20]),
)
def test_chunks_that_are_not_plain_are_refused(
    fleet: Fleet, api: Api, victim: int, chunks: bytes
) -> None:
    path = f"/api/users/{victim}/balance/charge"
    plain = request("POST", path, CHUNKED, "Content-Type: application/json", user=victim)
    [answer] = exchange(fleet.port, plain + chunks + hidden(victim))
    answer.assert_sane()
    assert answer.status in (400, 413)
    assert_untouched(api, victim)


@pytest.mark.parametrize("name", [b"Content_Length", b"Transfer_Encoding", b"CONTENT-LENGTH"])
def test_what_only_looks_like_a_length_is_none(
    fleet: Fleet, api: Api, victim: int, name: bytes
) -> None:
    # An underscore is no hyphen; and whoever takes it for one is not given a say
    value = b"chunked" if b"TRANSFER" in name.upper() else b"5"
    sent = request("GET", "/api/products?limit=1", name + b": " + value) + b"12345"
    first, *rest = exchange(fleet.port, sent)
    first.assert_told("GET", "/api/products")
    assert first.status in (200, 400)
    assert all(answer.status == 400 for answer in rest)


def test_the_body_of_a_read_is_no_request(fleet: Fleet, api: Api, victim: int) -> None:
    inner = hidden(victim)
    [answer] = exchange(fleet.port, request("GET", "/api/products?limit=1", body=inner))
    answer.assert_told("GET", "/api/products")
    assert_untouched(api, victim)


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", gzip.compress(b'{"amount": 1}')), ("gzip", gzip.compress(b" " * 50_000_000)),
        ("gzip", b'{"amount": 1}'), ("deflate", b'{"amount": 1}'), ("br", b'{"amount": 1}'),
        ("identity, gzip", b'{"amount": 1}'), ("nonsense", b'{"amount": 1}'),
    ],
    ids=["gzip", "gzip bomb", "not gzip", "deflate", "br", "two", "nonsense"],
)
def test_a_compressed_body_is_refused(
    fleet: Fleet, api: Api, victim: int, coding: str, body: bytes
) -> None:
    path, line = f"/api/users/{victim}/balance/charge", f"Content-Encoding: {coding}"
    [answer] = exchange(fleet.port, request("POST", path, line, body=body, user=victim))
    answer.assert_told("POST", path)
    assert answer.status == 415
    assert_untouched(api, victim)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /" + b"a" * 2_000_000, 414),
        (b"GET /healthz HTTP/1.1\r\nX: " + b"a" * 2_000_000, 431),
        (b"GET /healthz HTTP/1.1\r\n" + b"X: a\r\n" * 100_000, 431),
        (b"GET /healthz HTTP/1.1\r\n" + b"a" * 2_000_000 + b": a\r\n\r\n", 431),
        (b"\r\n" * 100_000, 400),
        (b"\x00" * 100_000, 414),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 600 + b"\r\n\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    ],
    ids=["line", "header", "headers", "name", "empty lines", "zeros", "TLS", "HTTP/2"],
)
def test_a_head_without_end_is_cut_off(fleet: Fleet, sent: bytes, status: int) -> None:
    for answer in exchange(fleet.port, sent):
        answer.assert_sane()
        assert answer.status == status
        assert answer.header("Connection") == "close"


@pytest.mark.parametrize("fields", [60, 64])
def test_a_head_as_large_as_may_be_is_served(fleet: Fleet, fields: int) -> None:
    lines = [f"X-{number}: {'a' * 8_000}" for number in range(fields - 1)]
    [answer] = exchange(fleet.port, request("GET", "/api/products?limit=1", *lines))
    assert answer.status == 200


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("OPTIONS", "*"), ("CONNECT", "shop:80"), ("TRACE", "/healthz"), ("GET", "*"),
        ("GET", "http://other/api/products"), ("GET", "//other/api/products"),
        ("GET", "api/products"), ("GET", "?"), ("get", "/api/products"), ("G\tT", "/"),
        ("GET", "/api/products HTTP/1.1\r\nX: a"), ("NONSENSE", "/api/products"),
        ("A" * 3_000, "/"), ("PROPFIND", "/api/orders"),
    ],
)
def test_a_method_or_target_that_is_odd(fleet: Fleet, method: str, target: str) -> None:
    answers = exchange(fleet.port, request(method, target))
    assert answers
    for answer in answers:
        answer.assert_sane()
