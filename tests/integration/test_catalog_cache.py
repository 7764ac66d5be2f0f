"""What everybody is shown of products: kept for a moment, and never behind an admin's change."""

from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis

from domain.catalog import service, store
from domain.ranking import service as ranking
from infra import read_cache as module
from infra.database import execute, session
from infra.read_cache import ReadCache
from infra.redis import connect
from infra.settings import settings
from tests.support.catalog import new_product
from tests.support.client import Client
from tests.support.waiting import eventually

LISTS = ["/api/products", "/api/products?sort=price&limit=5", "/api/products?category=outer"]


def use(monkeypatch: pytest.MonkeyPatch, cache: ReadCache) -> None:
    """Let this be the process's cache."""
    for where in (service, ranking):
        monkeypatch.setattr(where, "read_cache", lambda: cache)


@pytest.fixture
def lasting(monkeypatch: pytest.MonkeyPatch, redis: Redis) -> None:
    """What is kept lasts longer than the test, on however busy a machine: only forgetting can make
    it go."""
    monkeypatch.setattr(module, "FRESH_MILLISECONDS", 60_000)
    use(monkeypatch, ReadCache(connect(settings().redis_url, answer_seconds=5.0)))


def count_calls(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str) -> list[Any]:
    """From now on: the arguments of every call."""
    calls: list[Any] = []
    real = getattr(owner, name)

    def noting(*args: Any) -> Any:
        calls.append(args)
        return real(*args)

    monkeypatch.setattr(owner, name, noting)
    return calls


def first_of(body: Any) -> dict[str, Any]:
    """The first product of an answer, whatever it is that answers."""
    shown = body if isinstance(body, list) else body.get("products", body)
    return dict(shown[0] if isinstance(shown, list) else shown)


def given_an_order(product: int, quantity: int) -> None:
    with session():
        order = execute(
            "INSERT INTO orders (user_id, total_amount, discount_amount, final_amount, status, "
            "created_at) VALUES (1, 0, 0, 0, 'COMPLETED', NOW(3))"
        ).lastrowid
        execute(
            "INSERT INTO order_items (order_id, product_id, product_name, price, quantity) "
            "VALUES (%s, %s, 'x', 0, %s)",
            (order, product, quantity),
        )


@pytest.mark.usefixtures("lasting")
def test_what_many_ask_for_is_read_once(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    product = new_product(client, category="outer")
    given_an_order(product, 2)
    reads = [
        count_calls(monkeypatch, store, "find"),
        count_calls(monkeypatch, store, "page"),
        count_calls(monkeypatch, ranking, "popular"),
    ]
    for path in (f"/api/products/{product}", LISTS[0], "/api/products/popular"):
        answers = [client.get(path) for _ in range(5)]
        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.data for answer in answers}) == 1
    assert [len(calls) for calls in reads] == [1, 1, 1]


@pytest.mark.usefixtures("lasting")
@pytest.mark.parametrize("path", [*LISTS, "/api/products/{id}", "/api/products/popular"])
def test_an_admins_change_shows_at_once(client: Client, path: str) -> None:
    product = new_product(client, category="outer", price=500)
    given_an_order(product, 2)

    def shown() -> dict[str, Any]:
        return first_of(client.get(path.format(id=product)).get_json())

    # Given that it is kept as it was
    assert (shown()["price"], shown()["stock"], shown()["name"]) == (500, 10, "thing")
    admin = client.admin()
    # When an admin changes it, Then whoever reads next sees it
    admin.call("PATCH", f"/api/products/{product}", json={"price": 400})
    assert shown()["price"] == 400
    admin.call("PATCH", f"/api/products/{product}", json={"name": "better thing"})
    assert shown()["name"] == "better thing"
    admin.post(f"/api/products/{product}/restock", {"quantity": 7})
    assert shown()["stock"] == 17


@pytest.mark.usefixtures("lasting")
@pytest.mark.parametrize("path", LISTS)
def test_a_new_product_is_listed_at_once(client: Client, path: str) -> None:
    def listed() -> list[int]:
        return [one["productId"] for one in client.get(path).get_json()["products"]]

    first = new_product(client, category="outer")
    assert listed() == [first]
    second = new_product(client, category="outer")
    assert set(listed()) == {first, second}


@pytest.mark.usefixtures("lasting")
def test_a_product_asked_for_before_it_was_made(client: Client) -> None:
    product = new_product(client)
    assert client.get(f"/api/products/{product + 1}").status_code == 404
    assert new_product(client) == product + 1
    assert client.get(f"/api/products/{product + 1}").status_code == 200


def sell(product: int) -> None:
    """As a worker does: nobody is told."""
    with session():
        execute("UPDATE products SET stock = stock - 1 WHERE id = %s", (product,))


@pytest.mark.usefixtures("redis")
@pytest.mark.parametrize("path", ["/api/products", "/api/products/{id}"])
def test_a_sale_shows_within_a_second(client: Client, path: str) -> None:
    product = new_product(client)

    def stock() -> int:
        return int(first_of(client.get(path.format(id=product)).get_json())["stock"])

    assert stock() == 10
    sell(product)
    # By Redis's clock it is a second (tests of the cache); here a busy machine has its share
    eventually(lambda: stock() == 9, 3)


@pytest.mark.usefixtures("lasting")
def test_the_stock_by_itself_is_never_behind(client: Client) -> None:
    product = new_product(client)
    for left in (10, 9, 8):
        assert client.get(f"/api/products/{product}/stock").get_json()["stock"] == left
        sell(product)


@pytest.mark.usefixtures("lasting")
def test_endless_questions_do_not_fill_redis(client: Client, redis: Redis) -> None:
    for _ in range(8):
        new_product(client)
    redis.flushall()
    # When pages behind the first, categories and products that are not there are asked for
    cursor = client.get("/api/products?limit=1").get_json()["nextCursor"]
    kept = set(redis.keys())
    for limit in range(1, 8):
        assert client.get(f"/api/products?limit={limit}&cursor={cursor}").status_code == 200
    for number in range(20):
        assert client.get(f"/api/products?category=none{number}").status_code == 200
        assert client.get(f"/api/products/{10**9 + number}").status_code == 404
    # Then nothing of it is kept
    assert set(redis.keys()) == kept


@pytest.mark.parametrize("path", [*LISTS, "/api/products/{id}", "/api/products/popular"])
def test_with_redis_away_the_database_answers(
    client: Client, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    product = new_product(client, category="outer")
    given_an_order(product, 2)
    away = ReadCache(connect("redis://127.0.0.1:1/0", 0.2, 0.2, patient=False))
    use(monkeypatch, away)
    monkeypatch.setattr(ranking, "redis", lambda: connect("redis://127.0.0.1:1/0"))
    for price in (700, 800):
        answer = client.admin().call("PATCH", f"/api/products/{product}", json={"price": price})
        assert answer.status_code == 200
        shown = client.get(path.format(id=product))
        assert shown.status_code == 200
        assert f'"price":{price}' in shown.text
    assert away.away


@pytest.mark.usefixtures("redis")
def test_damaged_values_are_no_errors(client: Client, redis: Redis) -> None:
    product = new_product(client, category="outer")
    given_an_order(product, 2)
    paths = [*LISTS, f"/api/products/{product}", "/api/products/popular"]
    before = [client.get(path).get_json() for path in paths]
    damages: list[Callable[[bytes], object]] = [
        lambda key: redis.set(key, b"rubbish"),
        lambda key: redis.append(key, b"x"),
        lambda key: (redis.delete(key), redis.lpush(key, b"x")),
    ]
    for damage in damages:
        for key in redis.scan_iter("{reads}:*"):
            damage(key)
        assert [client.get(path).get_json() for path in paths] == before
