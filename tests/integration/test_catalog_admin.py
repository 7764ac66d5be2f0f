"""Products as admins make, change and restock them."""

import threading
from typing import Any

import orjson
import pytest

from domain.catalog.rules import MAX_STOCK
from infra.database import rows, session
from tests.support.catalog import new_product, refused
from tests.support.client import Client

GOOD = {"name": "Parka", "price": 59_000, "stock": 3}


def movements(product: int) -> list[tuple[str, int]]:
    with session():
        return [
            (kind, quantity)
            for kind, quantity in rows(
                "SELECT kind, quantity FROM stock_movements WHERE product_id = %s ORDER BY id",
                (product,),
            )
        ]


def acts() -> list[tuple[int, str, str, dict[str, Any]]]:
    with session():
        found = rows("SELECT admin_id, action, target, detail FROM admin_audit ORDER BY id")
    return [(*act, orjson.loads(detail)) for *act, detail in found]


def events() -> list[tuple[str, int, str, dict[str, Any]]]:
    with session():
        found = rows(
            "SELECT aggregatetype, aggregateid, type, payload FROM outbox_events ORDER BY id"
        )
    return [(kind, id_, type_, orjson.loads(payload)) for kind, id_, type_, payload in found]


def count(table: str) -> int:
    with session():
        total: int = rows(f"SELECT COUNT(*) FROM {table}")[0][0]
    return total


def test_a_new_product_opens_its_stock(client: Client) -> None:
    answer = client.admin(9).post("/api/products", {**GOOD, "category": "outer"})
    # Then it is answered itself, and found where the answer says
    assert answer.status_code == 201
    made = answer.get_json()
    assert answer.headers["Location"] == f"/api/products/{made['productId']}"
    assert client.get(answer.headers["Location"]).get_json() == made
    assert (made["stock"], made["category"], made["description"]) == (3, "outer", "")
    assert "maxPerUser" not in made
    # And its stock has its first row, and the admin theirs
    assert movements(made["productId"]) == [("opening", 3)]
    [(admin, action, target, detail)] = acts()
    assert (admin, action, target) == (9, "product.create", f"product:{made['productId']}")
    assert detail["price"] == 59_000


def test_a_product_may_open_without_stock(client: Client) -> None:
    assert movements(new_product(client, stock=0)) == [("opening", 0)]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"name": ""}, "/name"), ({"name": "x" * 201}, "/name"), ({"name": "a\nb"}, "/name"),
        ({"name": "a\n"}, "/name"), ({"name": None}, "/name"), ({"name": 7}, "/name"),
        ({"price": -1}, "/price"), ({"price": 10**9 + 1}, "/price"), ({"price": "1"}, "/price"),
        ({"price": 1.0}, "/price"), ({"price": True}, "/price"), ({"price": 2**63}, "/price"),
        ({"stock": -1}, "/stock"), ({"stock": MAX_STOCK + 1}, "/stock"),
        ({"category": ""}, "/category"), ({"category": "x" * 101}, "/category"),
        ({"category": "\x85"}, "/category"), ({"description": "x" * 5_001}, "/description"),
        ({"description": "\x00"}, "/description"), ({"description": None}, "/description"),
        ({"maxPerUser": 0}, "/maxPerUser"), ({"salesCount": 5}, "/salesCount"),
        ({"max_per_user": 5}, "/max_per_user"),
    ],
)
def test_a_product_that_breaks_a_rule(client: Client, change: Any, pointer: str) -> None:
    refused(client.admin().post("/api/products", {**GOOD, **change}), 422, "COMMON001", pointer)
    assert (count("products"), count("admin_audit")) == (0, 0)


@pytest.mark.parametrize("missing", sorted(GOOD))
def test_a_product_that_lacks_something(client: Client, missing: str) -> None:
    body = {name: value for name, value in GOOD.items() if name != missing}
    refused(client.admin().post("/api/products", body), 422, "COMMON001", f"/{missing}")


def test_a_product_at_all_its_bounds(client: Client) -> None:
    body = {
        "name": "\N{FIRE}" * 200, "price": 10**9, "stock": MAX_STOCK, "category": "가" * 100,
        "description": "가" * 4_999 + "\n", "maxPerUser": 10**9,
    }
    made = client.admin().post("/api/products", body).get_json()
    assert {name: made[name] for name in body} == body


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/products"), ("PATCH", "/api/products/1"),
        ("POST", "/api/products/1/restock"),
    ],
)
def test_only_admins_do_this_whatever_they_send(client: Client, method: str, path: str) -> None:
    answer = client.user(1).call(method, path, data="{broken", content_type="application/json")
    refused(answer, 403, "COMMON003")
    refused(client.call(method, path), 401, "COMMON002")


def test_a_change_touches_what_it_names(client: Client) -> None:
    product = new_product(client, category="outer", description="Warm.", maxPerUser=2)
    before = client.get(f"/api/products/{product}").get_json()
    # When the price is changed, and the limit and the category are taken away
    body = {"price": 5, "maxPerUser": None, "category": None}
    answer = client.admin(9).call("PATCH", f"/api/products/{product}", json=body)
    # Then the rest is as it was
    assert answer.status_code == 200
    del before["maxPerUser"]
    assert answer.get_json() == {**before, "price": 5, "category": None}
    assert client.get(f"/api/products/{product}").get_json() == answer.get_json()
    # And the book says what was before
    admin, action, target, detail = acts()[-1]
    assert (admin, action, target) == (9, "product.change", f"product:{product}")
    assert detail == {
        "price": {"before": 1000, "after": 5},
        "max_per_user": {"before": 2, "after": None},
        "category": {"before": "outer", "after": None},
    }
    assert movements(product) == [("opening", 10)]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, ""), ({"stock": 5}, "/stock"), ({"name": None}, "/name"), ({"price": None}, "/price"),
        ({"price": 1, "salesCount": 1}, "/salesCount"), ({"description": None}, "/description"),
    ],
)
def test_a_change_that_breaks_a_rule(client: Client, body: Any, pointer: str) -> None:
    product = new_product(client)
    before = client.get(f"/api/products/{product}").get_json()
    answer = client.admin().call("PATCH", f"/api/products/{product}", json=body)
    refused(answer, 422, "COMMON001", pointer)
    assert client.get(f"/api/products/{product}").get_json() == before


def test_a_change_of_nothing_that_is_there(client: Client) -> None:
    answer = client.admin().call("PATCH", "/api/products/4711", json={"price": 1})
    refused(answer, 404, "P001")


@pytest.mark.parametrize(("stock", "was_out"), [(0, True), (4, False)])
def test_a_restock_moves_the_stock_and_tells(client: Client, stock: int, was_out: bool) -> None:
    product = new_product(client, stock=stock)
    answer = client.admin(9).post(f"/api/products/{product}/restock", {"quantity": 1_500})
    told = {
        "productId": product, "quantity": 1_500, "stock": stock + 1_500, "wasOut": was_out,
    }
    assert (answer.status_code, answer.get_json()) == (200, told)
    assert client.get(f"/api/products/{product}/stock").get_json()["stock"] == stock + 1_500
    assert movements(product) == [("opening", stock), ("restock", 1_500)]
    assert events() == [("product", product, "product.restocked", {"schemaVersion": 1, **told})]
    assert acts()[-1] == (9, "product.restock", f"product:{product}", told)


@pytest.mark.parametrize("body", [
    {"quantity": 0}, {"quantity": -1}, {"quantity": MAX_STOCK + 1}, {"quantity": "1"},
    {"quantity": 1.0}, {"quantity": True}, {"quantity": None}, {}, {"quantity": MAX_STOCK - 9},
])
def test_a_restock_out_of_bounds_does_nothing(client: Client, body: Any) -> None:
    product = new_product(client, stock=10)
    answer = client.admin().post(f"/api/products/{product}/restock", body)
    refused(answer, 422, "COMMON001", "/quantity")
    assert (movements(product), events()) == ([("opening", 10)], [])


def test_a_restock_may_fill_a_stock_to_its_bound(client: Client) -> None:
    product = new_product(client, stock=10)
    answer = client.admin().post(
        f"/api/products/{product}/restock", {"quantity": MAX_STOCK - 10}
    )
    assert answer.get_json()["stock"] == MAX_STOCK


def test_a_restock_of_nothing_that_is_there(client: Client) -> None:
    answer = client.admin().post(
        "/api/products/4711/restock", {"quantity": 1}, headers={"Idempotency-Key": "k"}
    )
    refused(answer, 404, "P001")
    # And its key was not used up
    assert count("idempotency_keys") == 0


def test_restocks_at_once_all_come_in(client: Client) -> None:
    product = new_product(client, stock=0)
    answers = []

    def restock() -> None:
        answers.append(client.admin().post(f"/api/products/{product}/restock", {"quantity": 3}))

    threads = [threading.Thread(target=restock) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [answer.status_code for answer in answers] == [200] * 12
    # Then each saw the stock that the one before it left, and one of them found it empty
    assert sorted(one.get_json()["stock"] for one in answers) == list(range(3, 37, 3))
    assert [event[3]["wasOut"] for event in events()] == [True] + [False] * 11
    assert movements(product)[1:] == [("restock", 3)] * 12
