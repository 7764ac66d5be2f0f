"""The outbox as operators see it, and dead letters sent again."""

from typing import Any

import pytest

from domain.outbox.append import append
from domain.outbox.events import Event
from infra.database import execute, rows, run_transaction, session
from tests.support.catalog import refused
from tests.support.client import Client


def given_events(count: int) -> list[int]:
    """Pending events of as many products; the ids of their rows."""
    events = [Event("product", number, "product.restocked", {}) for number in range(1, count + 1)]
    run_transaction(lambda: append(events))
    with session():
        return [row[0] for row in rows("SELECT id FROM outbox_events ORDER BY id")]


def given_dead(*ids: int) -> None:
    with session():
        for id_ in ids:
            execute(
                "UPDATE outbox_events SET status = 'dead', dead_at = NOW(3), pending_shard = NULL, "
                "attempts = 5, last_error = 'too large' WHERE id = %s",
                (id_,),
            )


def listed(client: Client, query: str = "") -> list[dict[str, Any]]:
    answer = client.admin().get(f"/api/admin/outbox{query}")
    assert answer.status_code == 200, answer.text
    events: list[dict[str, Any]] = answer.get_json()["events"]
    return events


def acts() -> list[tuple[Any, ...]]:
    with session():
        return rows("SELECT admin_id, action, target FROM admin_audit ORDER BY id")


def test_events_are_listed_by_what_became_of_them(client: Client) -> None:
    first, second, third = given_events(3)
    given_dead(second)
    assert [one["id"] for one in listed(client)] == [third, second, first]
    assert [one["id"] for one in listed(client, "?status=pending")] == [third, first]
    [dead] = listed(client, "?status=dead")
    assert (dead["id"], dead["attempts"], dead["lastError"]) == (second, 5, "too large")
    assert (dead["aggregateType"], dead["aggregateId"]) == ("product", 2)
    assert listed(client, "?status=published") == []


def test_a_long_list_goes_on_where_the_cursor_says(client: Client) -> None:
    ids = given_events(5)
    seen: list[int] = []
    cursor = ""
    while True:
        page = client.admin().get(f"/api/admin/outbox?limit=2{cursor}").get_json()
        seen += [one["id"] for one in page["events"]]
        if page["nextCursor"] is None:
            break
        cursor = f"&cursor={page['nextCursor']}"
    assert seen == ids[::-1]


def test_a_dead_event_is_sent_again(client: Client) -> None:
    [dead] = given_events(1)
    given_dead(dead)
    answer = client.admin(9).post(f"/api/admin/outbox/{dead}/redrive")
    assert (answer.status_code, answer.get_json()["status"]) == (200, "pending")
    assert listed(client, "?status=dead") == []
    assert acts() == [(9, "outbox.redrive", f"event:{dead}")]
    # And once more does no harm
    again = client.admin(9).post(f"/api/admin/outbox/{dead}/redrive")
    assert again.get_json()["status"] == "pending"


def test_all_dead_events_are_sent_again(client: Client) -> None:
    ids = given_events(4)
    given_dead(*ids[:3])
    answer = client.admin(9).post("/api/admin/outbox/redrive")
    assert (answer.status_code, answer.get_json()) == (200, {"redriven": 3})
    assert [one["id"] for one in listed(client, "?status=pending")] == ids[::-1]
    assert acts() == [(9, "outbox.redrive", "event:*")]


def test_an_event_that_is_not_there(client: Client) -> None:
    refused(client.admin().post("/api/admin/outbox/4711/redrive"), 404, "COMMON005")


@pytest.mark.parametrize("query", ["status=lost", "limit=0", "cursor=xx", "surprise=1"])
def test_a_list_that_cannot_be_asked_for(client: Client, query: str) -> None:
    pointer = "/" + query.partition("=")[0]
    refused(client.admin().get(f"/api/admin/outbox?{query}"), 422, "COMMON001", pointer)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/admin/outbox"), ("POST", "/api/admin/outbox/1/redrive"),
        ("POST", "/api/admin/outbox/redrive"),
    ],
)
def test_only_admins_see_the_outbox(client: Client, method: str, path: str) -> None:
    refused(client.user(1).call(method, path), 403, "COMMON003")
    refused(client.call(method, path), 401, "COMMON002")
