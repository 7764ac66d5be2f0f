"""The cart beside others: whose it is, and edits that meet."""

import threading
import time

import pytest
from werkzeug.test import TestResponse

from infra.database import rows, transaction
from tests.support.cart import add, change, version
from tests.support.catalog import new_product, refused
from tests.support.client import Client
from tests.support.shop import given_users


@pytest.fixture
def user(database: None) -> int:
    return given_users(0)[0]


def test_somebody_elses_item_is_not_there(client: Client) -> None:
    owner, stranger = given_users(0, 0)
    item = add(client, owner, new_product(client)).get_json()["cartItemId"]
    other = client.user(stranger)
    refused(change(other, item, 5), 404, "COMMON005")
    refused(other.call("DELETE", f"/api/cart/items/{item}"), 404, "COMMON005")
    refused(other.get(f"/api/cart/items/{item}"), 404, "COMMON005")
    # And their cart is not the stranger's to name
    for method, path in (
        ("GET", "/api/cart"), ("DELETE", "/api/cart"), ("GET", f"/api/cart/items/{item}"),
        ("DELETE", f"/api/cart/items/{item}"),
    ):
        refused(other.call(method, f"{path}?userId={owner}"), 403, "COMMON003")
    refused(change(other, item, 5, f"?userId={owner}"), 403, "COMMON003")
    body = {"productId": 1, "quantity": 1}
    refused(other.post(f"/api/cart/items?userId={owner}", body), 403, "COMMON003")
    assert client.user(owner).get("/api/cart").get_json()["items"][0]["quantity"] == 1


def test_an_admin_reaches_every_cart(client: Client) -> None:
    owner, other = given_users(0, 0)
    admin, product = client.admin(other), new_product(client)
    body = {"productId": product, "quantity": 2}
    answer = admin.post(f"/api/cart/items?userId={owner}", body)
    item = answer.get_json()["cartItemId"]
    # Then it lies in the owner's cart
    assert client.user(owner).get("/api/cart").get_json()["items"] == [answer.get_json()]
    assert admin.get(f"/api/cart?userId={owner}").get_json()["totalAmount"] == 2_000
    # And is reached by its id alone, or with its owner, though not with another
    assert admin.get(answer.headers["Location"]).get_json() == answer.get_json()
    assert change(admin, item, 3).get_json()["quantity"] == 3
    assert change(admin, item, 4, f"?userId={owner}").get_json()["quantity"] == 4
    refused(change(admin, item, 5, f"?userId={other}"), 404, "COMMON005")
    assert version(owner) == 3
    assert admin.call("DELETE", f"/api/cart/items/{item}").status_code == 204
    assert admin.call("DELETE", f"/api/cart?userId={owner}").status_code == 200
    # And without a name it is the admin's own cart that is meant
    assert admin.get("/api/cart").get_json()["items"] == []
    refused(admin.get("/api/cart?userId=4711"), 404, "U001")


def test_without_a_token_there_is_no_cart(client: Client) -> None:
    refused(client.get("/api/cart"), 401, "COMMON002")
    refused(client.user(1).get("/api/cart?user=1"), 422, "COMMON001", "/user")


def test_edits_at_once_are_all_kept(client: Client, user: int) -> None:
    products = [new_product(client) for _ in range(3)]
    answers: list[TestResponse] = []

    def shop(product: int) -> None:
        answers.extend(add(client, user, product) for _ in range(5))

    # When many put the same few products into one cart at once
    threads = [threading.Thread(target=shop, args=(product,)) for product in products * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    # Then every one counts, in one line a product
    assert [answer.status_code for answer in answers] == [201] * 60
    shown = client.user(user).get("/api/cart").get_json()["items"]
    assert sorted(line["productId"] for line in shown) == products
    assert [line["quantity"] for line in shown] == [20] * 3
    assert version(user) == 60


def test_an_edit_that_has_to_wait_too_long_is_to_be_sent_again(client: Client, user: int) -> None:
    product = new_product(client)
    locked, done = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction():
            rows("SELECT version FROM carts WHERE user_id = %s FOR UPDATE", (user,))
            locked.set()
            done.wait(15)

    # Given somebody who holds the cart
    holder = threading.Thread(target=hold)
    holder.start()
    assert locked.wait(10)
    # When an edit comes, Then it is told to come again, soon
    began = time.monotonic()
    answer = add(client, user, product)
    done.set()
    holder.join(10)
    refused(answer, 503, "COMMON008")
    assert int(answer.headers["Retry-After"]) >= 1
    assert time.monotonic() - began < 6
    # And then it is done
    assert add(client, user, product).status_code == 201
    assert version(user) == 1
