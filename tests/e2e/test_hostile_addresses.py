"""Ids, queries and headers that try to be something else."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.api import Api
from tests.support.document import document
from tests.support.fleet import Fleet
from tests.support.raw_http import RawAnswer, exchange, request

pytestmark = pytest.mark.usefixtures("unharmed")

ADMIN = 1
IDS = [
    "0", "-1", "+1", "01", "1.0", "1e3", "0x1", "1_0", "%201", "1%20", "1%00", "%00", "1%0d%0a",
    "%2e%2e", "%2e%2e%2fusers", "..", "..%2f..%2fetc%2fpasswd", "%252e%252e", "%2531", "1;v=1",
    "1%2f", "1%3f", "%EF%BC%91", "%D9%A1", "%F0%9D%9F%8F", "%C0%B1", "%ff", "%u0031", "%", "%zz",
    "9223372036854775808", "18446744073709551617", "9" * 3_000, "NaN", "null", "true", "*",
    "1%27%20OR%20%271%27=%271", "1--", "1,2", "1%09", "{userId}", "%7B%7D", "1%0b", "%E2%80%8B1",
]
"""Spelled as they stand in the path. None of them names anything."""
WORDS = [
    "", " ", "\x00", "a\x00b", "\n", "\r\nX-Evil: 1", "\x1b[31m", "\x7f", "\ufeff", "\U0001f600",
    "x" * 3_000, "%s%n", "../../etc/passwd", "<script>", "' OR '1'='1", "'; DROP TABLE users; --",
    "1 UNION SELECT 1", "1; SELECT SLEEP(9)", "-1", "0", "1e3", "1.0", "9" * 3_000, "１", "null",
    "true", "[]", "9223372036854775808", "2026-02-30", "eyJ9", "AAAA", "=" * 50, "\\", "*",
]
RAW = ["%", "%zz", "%ff%fe", "%ed%a0%80", "%c0%af", "%u0031", "a%00", "%0d%0a", "+", "&&&&", "=="]
"""The same of queries, as they are spelled."""


def ids_of_paths() -> Iterator[tuple[str, str, str]]:
    """(method, path, parameter) of each id in a path."""
    for path, item in document().told["paths"].items():
        for method, operation in item.items():
            for parameter in operation.get("parameters", ()):
                if parameter["in"] == "path":
                    yield method.upper(), path, parameter["name"]


def queries() -> Iterator[tuple[str, list[str]]]:
    """(path, its query parameters) of each read."""
    for path, item in document().told["paths"].items():
        names = [
            one["name"] for one in item.get("get", {}).get("parameters", ()) if one["in"] == "query"
        ]
        if names:
            yield path, names


def asked(fleet: Fleet, method: str, target: str, *lines: str | bytes) -> RawAnswer:
    """The only answer to an admin's request; it is what the document tells."""
    [answer] = exchange(fleet.port, request(method, target, *lines, user=ADMIN, admin=True))
    answer.assert_told(method, target)
    return answer


@pytest.mark.parametrize(("method", "path", "name"), list(ids_of_paths()))
def test_what_is_no_id_names_nothing(fleet: Fleet, method: str, path: str, name: str) -> None:
    others = {other: 1 for _, _, other in ids_of_paths() if other != name}
    for spelled in IDS:
        answer = asked(fleet, method, path.format_map({**others, name: spelled}))
        # 405: in the place of an id stands the name of another thing, or nothing is left of it
        assert answer.status in (400, 404, 405, 414, 422), (method, path, spelled, answer)


@pytest.mark.parametrize(
    "target",
    [
        "/api/users/../admin/jobs", "/api/../api/admin/jobs", "/api/users/1/../../admin/jobs",
        "/api/%2e%2e/api/admin/jobs", "/api%2fadmin%2fjobs", "//api/admin/jobs", "/api//admin/jobs",
        "/api/admin/jobs/", "/API/admin/jobs", "/api/admin/jobs;a=b", "/api/admin/jobs%00",
        "/api/admin/jobs%20", "/api/admin\\jobs", "/./api/admin/jobs", "/api/./admin/jobs",
        "/ops/static/../../infra/settings.py", "/ops/static/%2e%2e%2f%2e%2e%2finfra%2fsettings.py",
        "/ops/static/..%2fpage.py", "/docs/..%2f..%2finfra%2fsettings.py", "/docs/%2fetc%2fpasswd",
        "/docs//etc/passwd", "/ops/static/%00", "/docs/....//....//etc/passwd", "/.env",
        "/.git/HEAD",
    ],
)
def test_no_spelling_of_a_path_leads_past_its_guard(fleet: Fleet, target: str) -> None:
    answers = exchange(fleet.port, request("GET", target, user=ADMIN))
    assert answers
    for answer in answers:
        answer.assert_sane()
        # 403: WSGI reads %2f as /, and // at the beginning too, so these are the admins' own routes
        assert answer.status in (400, 403, 404), answer


@pytest.mark.parametrize(("path", "names"), list(queries()))
def test_a_query_is_read_or_refused(fleet: Fleet, api: Api, path: str, names: list[str]) -> None:
    values = {name: 1 for _, _, name in ids_of_paths()}
    target = path.format_map(values)
    for name in names:
        for spelled in [*map(quote, WORDS), *RAW]:
            answer = asked(fleet, "GET", f"{target}?{name}={spelled}")
            assert answer.status in (200, 400, 404, 414, 422), (target, name, spelled, answer)
            assert answer.header("X-Evil") is None
        # Said twice it is one of both, or refused
        assert asked(fleet, "GET", f"{target}?{name}=1&{name}=2").status in (200, 404, 422)
    for odd in ("?", "?=", "?&", "?%00=1", "?__proto__=1", "?" + "a=1&" * 900, "?a[]=1", "?a=1#b"):
        assert asked(fleet, "GET", f"{target}{odd}").status in (200, 400, 404, 414, 422)


HEADERS = [
    "X-Request-Id", "User-Agent", "Referer", "traceparent", "tracestate", "Prefer", "If-None-Match",
    "If-Match", "Idempotency-Key", "Accept", "Accept-Encoding", "Accept-Language", "Cookie",
    "Range", "X-Forwarded-For", "X-Forwarded-Proto", "Forwarded", "Origin",
    "X-HTTP-Method-Override", "If-Modified-Since", "Expect", "Upgrade", "Connection", "X-Real-IP",
    "Content-Type", "Via",
]
VALUES: list[bytes] = [
    b"", b" ", b"\t", b"\x1b[31mred\x1b[0m", b"\x07", b"\x08\x08", b"\x7f", b"\x85", b"\xff\xfe",
    "\u2028{\"event\":\"forged\"}".encode(), b"a\rb", b"a\nb", b"a\r\n {\"event\": \"forged\"}",
    b"a\x00b", b'"}\\u000a{"event":"forged"}', b"%0d%0a{}", b"' OR '1'='1", b"'; DROP TABLE jobs",
    b"${jndi:ldap://x/}", b"%s%n", b"x" * 8_000, b"9" * 5_000, b"wait=" + b"9" * 5_000,
    b"wait=-1", b"wait=1e9", b'"' * 500, b"W/" * 500, b"," * 5_000, b"bytes=0-,1-,2-", b"*",
    b"00-" + b"0" * 32 + b"-" + b"0" * 16 + b"-01", b"00-" + b"\xd9\xa1" * 32, b"close, keep-alive",
]


@pytest.mark.parametrize("name", HEADERS)
def test_a_header_is_read_refused_or_ignored(fleet: Fleet, name: str) -> None:
    for value in VALUES:
        line = name.encode() + b": " + value
        sent = request("GET", "/api/jobs?limit=1", line, user=ADMIN)
        answers = exchange(fleet.port, sent)
        assert answers, value
        for answer in answers:
            answer.assert_told("GET", "/api/jobs")
            assert answer.status in (200, 304, 400, 412, 415, 417, 422, 431), (value, answer)
            # And nothing of it breaks the answer's own head
            assert all(byte >= 0x20 or byte in b"\r\n" for byte in answer.head)


@pytest.mark.parametrize("value", VALUES)
def test_a_token_that_is_none_is_refused(fleet: Fleet, value: bytes) -> None:
    for words in (value, b"Bearer " + value, b"Bearer a.b." + value):
        sent = request("GET", "/api/jobs", b"Authorization: " + words)
        answers = exchange(fleet.port, sent)
        assert answers, words
        for answer in answers:
            answer.assert_told("GET", "/api/jobs")
            assert answer.status in (400, 401, 431), (words, answer)


def test_nothing_of_it_reached_the_data(fleet: Fleet, api: Api) -> None:
    found: Any = api.call("GET", "/api/products", user=ADMIN).body
    assert isinstance(found["products"], list)
    fleet.assert_audit_holds()
