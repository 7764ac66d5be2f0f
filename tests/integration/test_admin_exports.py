"""Has an order reached the external data platform, and sending it again."""

from uuid import uuid4

import pytest

from domain.exports import service as exports
from infra.database import execute, rows, session
from tests.support.catalog import refused
from tests.support.client import Client


def given_order() -> int:
    """A completed order whose event has arrived from Kafka."""
    with session():
        order = int(
            execute(
                "INSERT INTO orders (user_id, total_amount, discount_amount, final_amount, status, "
                "created_at) VALUES (1, 0, 0, 0, 'COMPLETED', NOW(3))"
            ).lastrowid
        )
    exports.arrive([exports.Arrival(uuid4(), order, "order.completed", "{}")])
    return order


def synced(order: int) -> None:
    with session():
        execute(
            "UPDATE order_exports SET status = 'synced', synced_at = NOW(3), attempts = 3, "
            "pending_order_id = NULL, last_error = 'answered 503' WHERE order_id = %s",
            (order,),
        )


def test_an_order_that_has_not_reached_it_yet(client: Client) -> None:
    order = given_order()
    shown = client.admin().get(f"/api/admin/orders/{order}/sync-status").get_json()
    assert shown == {"orderId": order, "synced": False, "syncAttempts": 0}


def test_an_order_that_has_reached_it_is_sent_again(client: Client) -> None:
    order = given_order()
    synced(order)
    path = f"/api/admin/orders/{order}"
    shown = client.admin().get(f"{path}/sync-status").get_json()
    assert (shown["synced"], shown["syncAttempts"]) == (True, 3)
    assert shown["syncedAt"].endswith("Z")
    assert shown["lastSyncError"] == "answered 503"
    # When an admin has it sent again, Then it waits for its turn anew
    answer = client.admin(9).post(f"{path}/resync")
    assert (answer.status_code, answer.get_json()["synced"]) == (200, False)
    with session():
        assert rows("SELECT status FROM order_exports") == [("pending",)]
        assert rows("SELECT admin_id, action, target FROM admin_audit") == [
            (9, "order.resync", f"order:{order}")
        ]


@pytest.mark.parametrize(("method", "word"), [("GET", "sync-status"), ("POST", "resync")])
def test_an_order_that_is_not_there_and_who_may_ask(
    client: Client, method: str, word: str
) -> None:
    path = f"/api/admin/orders/4711/{word}"
    refused(client.admin().call(method, path), 404, "O002")
    refused(client.user(1).call(method, path), 403, "COMMON003")
    refused(client.call(method, path), 401, "COMMON002")
