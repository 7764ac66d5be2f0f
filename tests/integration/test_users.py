"""Users, as admins make them and as they see themselves."""

from typing import Any

import pytest

from domain.kernel.money import MAX_BALANCE
from infra.database import rows, session
from tests.support.catalog import refused
from tests.support.client import Client


def history(client: Client, user: int) -> list[tuple[str, int, int, int]]:
    found = client.user(user).get(f"/api/users/{user}/balance/history").get_json()["history"]
    return [
        (row["kind"], row["amount"], row["previousBalance"], row["currentBalance"]) for row in found
    ]


@pytest.mark.parametrize("balance", [1, 50_000, MAX_BALANCE])
def test_a_new_user_opens_with_a_balance(client: Client, balance: int) -> None:
    answer = client.admin(9).post("/api/users", {"name": "김철수", "balance": balance})
    assert answer.status_code == 201
    made = answer.get_json()
    user = made["userId"]
    assert made.pop("createdAt").endswith("Z")
    assert made == {"userId": user, "name": "김철수", "balance": balance}
    # Then the user is found where the answer says, by themselves
    assert answer.headers["Location"] == f"/api/users/{user}"
    assert client.user(user).get(answer.headers["Location"]).get_json() == answer.get_json()
    # And the money is the first row of the history, and there is a cart
    assert history(client, user) == [("opening", balance, 0, balance)]
    with session():
        assert rows("SELECT version FROM carts WHERE user_id = %s", (user,)) == [(0,)]
        assert rows("SELECT admin_id, action, target FROM admin_audit") == [
            (9, "user.create", f"user:{user}")
        ]


@pytest.mark.parametrize("body", [{"name": "kim"}, {"name": "kim", "balance": 0}])
def test_a_user_may_open_with_nothing(client: Client, body: Any) -> None:
    user = client.admin().post("/api/users", body).get_json()["userId"]
    assert history(client, user) == [("opening", 0, 0, 0)]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/name"), ({"name": ""}, "/name"), ({"name": "x" * 201}, "/name"),
        ({"name": "a\tb"}, "/name"), ({"name": 5}, "/name"),
        ({"name": "kim", "balance": -1}, "/balance"),
        ({"name": "kim", "balance": MAX_BALANCE + 1}, "/balance"),
        ({"name": "kim", "balance": "5"}, "/balance"),
        ({"name": "kim", "balance": 5.0}, "/balance"),
        ({"name": "kim", "id": 5}, "/id"),
    ],
)
def test_a_user_that_breaks_a_rule(client: Client, body: Any, pointer: str) -> None:
    refused(client.admin().post("/api/users", body), 422, "COMMON001", pointer)
    with session():
        assert rows("SELECT COUNT(*) FROM users") == [(0,)]


def test_only_admins_make_users(client: Client) -> None:
    answer = client.user(1).post("/api/users", data="{broken", content_type="application/json")
    refused(answer, 403, "COMMON003")
    refused(client.post("/api/users", {"name": "kim"}), 401, "COMMON002")


def test_a_user_is_theirs_and_the_admins_to_see(client: Client) -> None:
    user = client.admin().post("/api/users", {"name": "kim"}).get_json()["userId"]
    refused(client.user(user + 1).get(f"/api/users/{user}"), 403, "COMMON003")
    assert client.admin().get(f"/api/users/{user}").get_json()["name"] == "kim"
    refused(client.admin().get("/api/users/4711"), 404, "U001")
