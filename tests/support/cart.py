"""When: a user edits their cart."""

from typing import Any

from werkzeug.test import TestResponse

from infra.database import rows, session
from tests.support.client import Client


def add(client: Client, user: int, product: int, quantity: Any = 1) -> TestResponse:
    return client.user(user).post(
        "/api/cart/items", {"productId": product, "quantity": quantity}
    )


def change(client: Client, item: int, quantity: Any, query: str = "") -> TestResponse:
    return client.call("PATCH", f"/api/cart/items/{item}{query}", json={"quantity": quantity})


def version(user: int) -> int:
    with session():
        found: int = rows("SELECT version FROM carts WHERE user_id = %s", (user,))[0][0]
    return found
