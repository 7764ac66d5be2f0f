"""ETag and If-None-Match: what a client has already is not sent again."""

from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis
from werkzeug.test import TestResponse

from domain.wallet import charge
from tests.support.catalog import new_product, refused
from tests.support.client import Client
from tests.support.shop import accepted, given_users, work

PRODUCTS = [
    "/api/products", "/api/products?sort=price&limit=1", "/api/products/popular",
    "/api/products/{product}", "/api/products/{product}/stock",
]
JOB = "/api/jobs/{job}"

Read = Callable[..., TestResponse]


@pytest.fixture(params=[*PRODUCTS, JOB])
def read(request: pytest.FixtureRequest, client: Client, redis: Redis) -> Read:
    """Read one of the things that have an ETag, with headers and by a method."""
    [user] = given_users(0)
    product = new_product(client)
    [job] = accepted(charge.command(user, user, 100, None, None))
    path = request.param.format(product=product, job=job)

    def call(method: str = "GET", **headers: Any) -> TestResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return client.user(user).call(method, path, headers=named)

    return call


def test_an_etag_is_strong_and_stays_while_nothing_changes(read: Read) -> None:
    first, second = read(), read()
    assert first.status_code == 200
    assert first.headers["ETag"].startswith('"')
    assert first.headers["ETag"] == second.headers["ETag"]
    # And it may be kept, but not used without asking
    assert "no-cache" in first.headers["Cache-Control"]
    assert "no-store" not in first.headers["Cache-Control"]


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', '"a",W/"b",{} , "c"', "*"])
def test_who_has_it_is_not_sent_it(read: Read, form: str) -> None:
    whole = read()
    answer = read(If_None_Match=form.format(whole.headers["ETag"]))
    assert (answer.status_code, answer.data) == (304, b"")
    # And all that a 200 would have said, but of the body, is said
    for name in ("ETag", "Cache-Control", "Vary", "Retry-After"):
        assert answer.headers.get(name) == whole.headers.get(name), name
    assert "Content-Type" not in answer.headers
    assert "Content-Length" not in answer.headers


@pytest.mark.parametrize("form", ['"other"', 'W/"other", "third"', "", "rubbish"])
def test_who_has_something_else_is_sent_it(read: Read, form: str) -> None:
    answer = read(If_None_Match=form)
    assert answer.status_code == 200
    assert answer.data


def test_head_is_get_without_a_body(read: Read) -> None:
    whole, head = read(), read("HEAD")
    assert (head.status_code, head.data) == (200, b"")
    for name in ("ETag", "Cache-Control", "Content-Type", "Content-Length", "Retry-After"):
        assert head.headers.get(name) == whole.headers.get(name), name
    assert read("HEAD", If_None_Match=whole.headers["ETag"]).status_code == 304


def test_if_match_names_the_present_state_or_is_refused(read: Read) -> None:
    etag = read().headers["ETag"]
    for present in (etag, f'"x", {etag}', "*"):
        assert read(If_Match=present).status_code == 200
    for other in ('"other"', f"W/{etag}"):
        refused(read(If_Match=other), 412, "COMMON001")


@pytest.mark.parametrize("path", [path for path in PRODUCTS if "popular" not in path])
def test_a_product_that_changes_has_another_etag(client: Client, path: str) -> None:
    product = new_product(client)
    shown = path.format(product=product)
    before = client.get(shown).headers["ETag"]
    client.admin().post(f"/api/products/{product}/restock", {"quantity": 1})
    after = client.get(shown, headers={"If-None-Match": before})
    assert after.status_code == 200
    assert after.headers["ETag"] != before
    assert after.headers["Cache-Control"] == "public, no-cache"


def test_a_job_is_its_owners_and_told_anew_at_each_step(client: Client, redis: Redis) -> None:
    [user, other] = given_users(0, 0)
    [job] = accepted(charge.command(user, user, 100, None, None))
    queued = client.user(user).get(f"/api/jobs/{job}")
    assert queued.headers["Cache-Control"] == "private, no-cache"
    assert "Authorization" in queued.headers["Vary"]
    held = {"If-None-Match": queued.headers["ETag"]}
    # While it waits, who polls is told that nothing has changed, and when to come again
    again = client.user(user).get(f"/api/jobs/{job}", headers=held)
    assert (again.status_code, again.headers["Retry-After"]) == (304, "1")
    # An ETag opens nothing to anybody else
    refused(client.user(other).get(f"/api/jobs/{job}", headers=held), 404, "COMMON005")
    refused(client.get(f"/api/jobs/{job}", headers=held), 401, "COMMON002")
    # When it has ended, Then it is sent, and need not be asked for again
    work(redis)
    ended = client.user(user).get(f"/api/jobs/{job}", headers=held)
    assert (ended.status_code, ended.get_json()["status"]) == (200, "succeeded")
    assert "Retry-After" not in ended.headers


@pytest.mark.usefixtures("redis")
def test_what_is_not_there_is_not_kept(client: Client) -> None:
    answer = client.get("/api/products/4711", headers={"If-None-Match": "*"})
    refused(answer, 404, "P001")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "ETag" not in answer.headers


@pytest.mark.usefixtures("redis")
def test_a_job_that_is_cancelled_is_told_whatever_was_known(client: Client) -> None:
    [user] = given_users(0)
    [job] = accepted(charge.command(user, user, 100, None, None))
    answer = client.user(user).post(f"/api/jobs/{job}/cancel", headers={"If-None-Match": "*"})
    assert (answer.status_code, answer.get_json()["status"]) == (200, "cancelled")
    assert "ETag" not in answer.headers
