"""The cart: what is put there, what it costs now, and whose it is."""

from typing import Any

import pytest

from infra.database import rows, session
from tests.support.cart import add, change, version
from tests.support.catalog import new_product, refused
from tests.support.client import Client
from tests.support.shop import given_users


@pytest.fixture
def user(database: None) -> int:
    return given_users(0)[0]


def test_an_empty_cart(client: Client, user: int) -> None:
    assert client.user(user).get("/api/cart").get_json() == {"items": [], "totalAmount": 0}


def test_what_is_put_there_is_there_at_the_price_of_now(client: Client, user: int) -> None:
    parka = new_product(client, name="Parka", price=59_000)
    jeans = new_product(client, name="Jeans", price=30_000)
    # When two products are put into the cart
    answer = add(client, user, parka, 2)
    assert answer.status_code == 201
    item = answer.get_json()
    assert item == {
        "cartItemId": item["cartItemId"], "productId": parka, "productName": "Parka",
        "price": 59_000, "quantity": 2, "subtotal": 118_000,
    }
    second = add(client, user, jeans).get_json()
    # Then each is found by itself, and the cart adds them up
    assert client.user(user).get(answer.headers["Location"]).get_json() == item
    assert client.user(user).get("/api/cart").get_json() == {
        "items": [item, second], "totalAmount": 148_000,
    }
    # And when the shop changes name and price, Then so does the cart
    client.admin().call("PATCH", f"/api/products/{parka}", json={"price": 1, "name": "Sale"})
    shown = client.user(user).get("/api/cart").get_json()
    assert (shown["items"][0]["productName"], shown["totalAmount"]) == ("Sale", 30_002)


def test_the_same_product_adds_up_in_one_line(client: Client, user: int) -> None:
    product = new_product(client)
    first = add(client, user, product, 2).get_json()
    second = add(client, user, product, 997)
    assert second.status_code == 201
    assert second.get_json()["cartItemId"] == first["cartItemId"]
    assert second.get_json()["quantity"] == 999
    # When one more would be too many, Then it is refused and nothing changes
    refused(add(client, user, product, 1), 422, "O001", "/quantity")
    assert client.user(user).get("/api/cart").get_json()["items"] == [second.get_json()]


@pytest.mark.parametrize("quantity", [0, -1, 1000, 2**63, -(2**63)])
def test_a_quantity_out_of_bounds(client: Client, user: int, quantity: int) -> None:
    product = new_product(client)
    refused(add(client, user, product, quantity), 422, "O001", "/quantity")
    item = add(client, user, product).get_json()
    refused(change(client.user(user), item["cartItemId"], quantity), 422, "O001", "/quantity")
    assert client.user(user).get("/api/cart").get_json()["items"] == [item]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"productId": 1}, "/quantity"), ({"quantity": 1}, "/productId"), ({}, "/quantity"),
        ({"productId": 1, "quantity": "1"}, "/quantity"),
        ({"productId": 1, "quantity": 1.5}, "/quantity"),
        ({"productId": 1, "quantity": True}, "/quantity"),
        ({"productId": 0, "quantity": 1}, "/productId"),
        ({"productId": "1", "quantity": 1}, "/productId"),
        ({"productId": 1, "quantity": 1, "price": 1}, "/price"),
    ],
)
def test_an_item_that_breaks_a_rule(client: Client, user: int, body: Any, pointer: str) -> None:
    refused(client.user(user).post("/api/cart/items", body), 422, "COMMON001", pointer)


def test_a_product_that_is_not_there(client: Client, user: int) -> None:
    refused(add(client, user, 4711), 404, "P001")


def test_a_user_who_is_not_there(client: Client, user: int) -> None:
    nobody, product = user + 1, new_product(client)
    refused(add(client, nobody, product), 404, "U001")
    refused(client.user(nobody).get("/api/cart"), 404, "U001")
    refused(client.user(nobody).call("DELETE", "/api/cart"), 404, "U001")
    with session():
        assert rows("SELECT COUNT(*) FROM carts WHERE user_id = %s", (nobody,)) == [(0,)]


def test_a_cart_holds_a_hundred_products(client: Client, user: int) -> None:
    products = [new_product(client) for _ in range(101)]
    for product in products[:100]:
        assert add(client, user, product).status_code == 201
    # When one more comes, Then it is refused
    refused(add(client, user, products[100]), 422, "COMMON001", "/productId")
    # And more of what is there is not
    assert add(client, user, products[0]).get_json()["quantity"] == 2
    # And there is room again when one goes
    first = client.user(user).get("/api/cart").get_json()["items"][0]["cartItemId"]
    client.user(user).call("DELETE", f"/api/cart/items/{first}")
    assert add(client, user, products[100]).status_code == 201


def test_items_are_changed_and_taken_out(client: Client, user: int) -> None:
    item = add(client, user, new_product(client, price=10)).get_json()["cartItemId"]
    changed = change(client.user(user), item, 5)
    assert (changed.status_code, changed.get_json()["subtotal"]) == (200, 50)
    removed = client.user(user).call("DELETE", f"/api/cart/items/{item}")
    assert (removed.status_code, removed.data) == (204, b"")
    assert "Content-Type" not in removed.headers
    # Then it is gone for good
    refused(client.user(user).call("DELETE", f"/api/cart/items/{item}"), 404, "COMMON005")
    refused(change(client.user(user), item, 5), 404, "COMMON005")
    refused(client.user(user).get(f"/api/cart/items/{item}"), 404, "COMMON005")


def test_a_cart_is_emptied(client: Client, user: int) -> None:
    for _ in range(3):
        add(client, user, new_product(client))
    empty = {"items": [], "totalAmount": 0}
    answer = client.user(user).call("DELETE", "/api/cart")
    assert (answer.status_code, answer.get_json()) == (200, empty)
    assert client.user(user).get("/api/cart").get_json() == empty


def test_the_version_tells_every_change_and_nothing_else(client: Client, user: int) -> None:
    product, versions = new_product(client), [version(user)]

    def look() -> None:
        versions.append(version(user))

    item = add(client, user, product).get_json()["cartItemId"]
    look()
    add(client, user, product)
    look()
    change(client.user(user), item, 7)
    look()
    client.user(user).call("DELETE", f"/api/cart/items/{item}")
    look()
    add(client, user, product)
    look()
    client.user(user).call("DELETE", "/api/cart")
    look()
    # Then each of these edits moved it by one
    assert versions == list(range(7))
    # And what changes nothing, or is refused, does not: an order accepted before it stays good
    item = add(client, user, product, 7).get_json()["cartItemId"]
    before = version(user)
    change(client.user(user), item, 7)
    change(client.user(user), item, 0)
    change(client.user(user), item + 1, 5)
    add(client, user, 4711)
    add(client, user, product, 999)
    client.user(user).get("/api/cart")
    assert version(user) == before
    client.user(user).call("DELETE", "/api/cart")
    client.user(user).call("DELETE", "/api/cart")
    assert version(user) == before + 1


def test_a_cart_that_has_no_row_yet_is_made_by_its_first_edit(client: Client, user: int) -> None:
    with session() as database:
        database.execute_sql("DELETE FROM carts")
    assert add(client, user, new_product(client)).status_code == 201
    assert version(user) == 1
