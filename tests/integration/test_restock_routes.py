"""Subscribing to a product's return, and unsubscribing, by HTTP."""

from typing import Any

import pytest

from tests.support.catalog import new_product, refused
from tests.support.client import Client
from tests.support.restock import addresses_kept, subscribers
from tests.support.shop import given_users

PATH = "/api/products/{}/restock-notification"
KIM = {"email": "kim@example.org"}


def test_a_user_waits_for_a_product_until_they_do_not(client: Client) -> None:
    product = new_product(client, stock=0)
    [user] = given_users(0)
    # When a user subscribes, and again with another address
    answer = client.user(user).call("PUT", PATH.format(product), json=KIM)
    assert (answer.status_code, answer.data) == (204, b"")
    again = client.user(user).call("PUT", PATH.format(product), json={"email": "k@example.org"})
    assert again.status_code == 204
    # Then they wait once, at the new address
    assert subscribers(product) == [(user, "k@example.org")]
    # When they do not want to any more, and say so twice
    for _ in range(2):
        assert client.user(user).call("DELETE", PATH.format(product)).status_code == 204
    assert addresses_kept() == []


@pytest.mark.parametrize(
    "body",
    [
        {}, {"email": None}, {"email": 5}, {"email": ["kim@example.org"]}, {"email": ""},
        {"email": "kim"}, {"email": "kim@example.org\n"},
        {"email": "kim@example.org\r\nBcc: all@example.org"}, {"email": "kim\x00@example.org"},
        {"email": "k..im@example.org"}, {"email": f"kim@{'x' * 250}.org"},
        {"email": "김@example.org"}, {"email": "=?utf-8?q?x?=@example.org"},
        {"email": f"{'x' * 60}@{'.'.join(['y' * 63] * 3)}.org"},
    ],
)
def test_what_is_no_address_is_refused(client: Client, body: Any) -> None:
    product = new_product(client)
    [user] = given_users(0)
    answer = client.user(user).call("PUT", PATH.format(product), json=body)
    refused(answer, 422, "COMMON001", "/email")
    assert addresses_kept() == []


def test_an_unknown_field_is_refused(client: Client) -> None:
    product = new_product(client)
    answer = client.user(1).call("PUT", PATH.format(product), json={**KIM, "name": "kim"})
    refused(answer, 422, "COMMON001", "/name")


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_of_a_product_that_there_is_not(client: Client, method: str) -> None:
    [user] = given_users(0)
    body = KIM if method == "PUT" else None
    refused(client.user(user).call(method, PATH.format(4711), json=body), 404, "P001")
    assert addresses_kept() == []


def test_of_a_user_that_there_is_not(client: Client) -> None:
    product = new_product(client)
    refused(client.user(4711).call("PUT", PATH.format(product), json=KIM), 404, "U001")


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_everybody_speaks_for_themselves_and_an_admin_for_all(client: Client, method: str) -> None:
    product = new_product(client)
    [user, stranger] = given_users(0, 0)
    client.user(user).call("PUT", PATH.format(product), json={"email": "mine@example.org"})
    path, body = f"{PATH.format(product)}?userId={user}", KIM if method == "PUT" else None
    # When a stranger names the user, or nobody, or has no token
    refused(client.user(stranger).call(method, path, json=body), 403, "COMMON003")
    refused(client.call(method, path, json=body), 401, "COMMON002")
    assert client.user(stranger).call("DELETE", PATH.format(product)).status_code == 204
    # Then the user waits as before
    assert subscribers(product) == [(user, "mine@example.org")]
    # But an admin may
    assert client.admin().call(method, path, json=body).status_code == 204
    assert subscribers(product) == ([(user, KIM["email"])] if method == "PUT" else [])
