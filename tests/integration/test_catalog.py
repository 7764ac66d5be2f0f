"""Products as everybody sees them: one by one, their stock, and page by page."""

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from redis import Redis

from domain.catalog import store
from domain.catalog.rules import Sort
from infra.database import execute, placeholders, rows, session
from tests.support.catalog import new_product, refused
from tests.support.client import Client

CATEGORIES = ("outer", "tops", None)
BY = {
    "price": lambda product: (product["price"], product["productId"]),
    "popularity": lambda product: (-product["salesCount"], -product["productId"]),
    "newest": lambda product: -product["productId"],
}


def given_products(count: int, kinds: int = 3) -> None:
    """Products with few different prices and sales, so that equals abound."""
    random = Random(7)
    values: list[Any] = []
    for number in range(count):
        values += [
            f"p{number}", "", 100 + random.randrange(kinds), number, random.choice(CATEGORIES),
            random.randrange(kinds),
        ]
    with session():
        execute(
            "INSERT INTO products (name, description, price, stock, category, sales_count) VALUES "
            + placeholders(count, f"({placeholders(6)})"),
            values,
        )


def pages(client: Client, query: str) -> Iterator[list[dict[str, Any]]]:
    cursor = ""
    while True:
        answer = client.get(f"/api/products?{query}{cursor}")
        assert answer.status_code == 200, answer.text
        body = answer.get_json()
        yield body["products"]
        if body["nextCursor"] is None:
            return
        cursor = f"&cursor={body['nextCursor']}"


def test_a_product_is_there_for_everybody(client: Client) -> None:
    product = new_product(
        client, name="Parka", price=59_000, stock=3, category="outer", description="Warm.\nGreen.",
        maxPerUser=2,
    )
    # When somebody without a token asks
    shown = client.get(f"/api/products/{product}").get_json()
    # Then they see it whole
    assert shown.pop("createdAt").endswith("Z")
    assert shown == {
        "productId": product, "name": "Parka", "price": 59_000, "stock": 3, "category": "outer",
        "salesCount": 0, "description": "Warm.\nGreen.", "maxPerUser": 2,
    }
    # And in the list, as lists show it
    assert client.get("/api/products").get_json() == {
        "products": [
            {
                "productId": product, "name": "Parka", "price": 59_000, "stock": 3,
                "category": "outer", "salesCount": 0,
            }
        ],
        "nextCursor": None,
    }


@pytest.mark.parametrize(("stock", "available"), [(0, False), (1, True)])
def test_a_stock_tells_whether_there_is_any(client: Client, stock: int, available: bool) -> None:
    product = new_product(client, stock=stock)
    shown = client.get(f"/api/products/{product}/stock").get_json()
    assert shown == {"productId": product, "stock": stock, "available": available}


@pytest.mark.parametrize("path", ["/api/products/4711", "/api/products/4711/stock"])
def test_a_product_that_is_not_there(client: Client, path: str) -> None:
    refused(client.get(path), 404, "P001")


@pytest.mark.parametrize("category", [None, "outer", "nothing"])
@pytest.mark.parametrize("sort", ["price", "popularity", "newest"])
def test_pages_hold_every_product_once_and_in_order(
    client: Client, sort: str, category: str | None
) -> None:
    given_products(97)
    wanted = f"&category={category}" if category else ""
    # When the whole list is walked in pages of seven
    found = list(pages(client, f"sort={sort}&limit=7{wanted}"))
    seen = [product for page in found for product in page]
    # Then it is complete and sorted, equals too, and all pages but the last are full
    [everything] = pages(client, "limit=100")
    expected = [one for one in everything if category in (None, one["category"])]
    assert seen == sorted(expected, key=BY[sort])
    assert all(len(page) == 7 for page in found[:-1])
    assert bool(seen) == (category != "nothing")


def test_the_newest_come_first_unless_asked_otherwise(client: Client) -> None:
    first, second = new_product(client, price=1), new_product(client, price=2)
    shown = client.get("/api/products").get_json()["products"]
    assert [one["productId"] for one in shown] == [second, first]


def test_pages_do_not_shift_when_products_come_in_between(client: Client) -> None:
    given_products(20)
    walk = pages(client, "sort=price&limit=5")
    seen = [one["productId"] for one in next(walk)]
    # When a cheaper product comes after the first page
    new_product(client, price=0)
    seen += [one["productId"] for page in walk for one in page]
    # Then the rest of the walk shows no product twice and misses none that was there
    assert len(seen) == len(set(seen))
    with session():
        there = rows("SELECT id FROM products WHERE name <> 'thing'")
    assert {row[0] for row in there} == set(seen)


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("limit=0", "/limit"), ("limit=101", "/limit"), ("limit=x", "/limit"),
        ("sort=cheap", "/sort"), ("category=", "/category"), ("category=" + "x" * 101, "/category"),
        ("category=%00", "/category"), ("page=2", "/page"), ("cursor=", "/cursor"),
        ("cursor=xx", "/cursor"), ("cursor=%25%25", "/cursor"), ("cursor=WzFd", "/cursor"),
    ],
)
def test_a_list_that_cannot_be_asked_for(client: Client, query: str, pointer: str) -> None:
    refused(client.get(f"/api/products?{query}"), 422, "COMMON001", pointer)


def test_a_cursor_belongs_to_its_sort(client: Client) -> None:
    given_products(5)
    cursor = client.get("/api/products?sort=price&limit=2").get_json()["nextCursor"]
    answer = client.get(f"/api/products?sort=newest&cursor={cursor}")
    refused(answer, 422, "COMMON001", "/cursor")


def rows_touched() -> int:
    """Rows that this connection's statements have read so far, from any index or table."""
    return sum(int(count) for _, count in rows("SHOW SESSION STATUS LIKE 'Handler_read%%'"))


@pytest.mark.parametrize("category", [None, "outer"])
@pytest.mark.parametrize("sort", list(Sort))
def test_a_page_reads_hardly_more_rows_than_it_shows(
    client: Client, sort: Sort, category: str | None
) -> None:
    # Given thousands of products, of which all that matters is the same
    given_products(4_000, kinds=1)
    with session():
        middle = store.page(sort, category, None, 500)[-1]
        value = {Sort.PRICE: middle.price, Sort.POPULARITY: middle.sales_count}.get(sort, middle.id)
        for after in (None, (value, middle.id)):
            # When a page is read, at the beginning or far behind it
            before = rows_touched()
            overhead = rows_touched() - before
            before = rows_touched()
            found = store.page(sort, category, after, 20)
            touched = rows_touched() - before - overhead
            # Then an index led straight to it, and nothing was sorted
            assert len(found) == 20
            assert touched < 3 * len(found), (after, touched)


def test_popular_products_come_from_the_orders(client: Client, redis: Redis) -> None:
    first, second = new_product(client, name="a"), new_product(client, name="b", category="tops")
    # Given a completed order of today, and one that was cancelled
    with session():
        for status, product, quantity in (
            ("COMPLETED", first, 2), ("COMPLETED", second, 5), ("CANCELLED", first, 9),
        ):
            order = execute(
                "INSERT INTO orders (user_id, total_amount, discount_amount, final_amount, status, "
                "created_at) VALUES (1, 0, 0, 0, %s, NOW(3))",
                (status,),
            ).lastrowid
            execute(
                "INSERT INTO order_items (order_id, product_id, product_name, price, quantity) "
                "VALUES (%s, %s, 'x', 0, %s)",
                (order, product, quantity),
            )
    # When the best sellers are asked for, Then those two stand there
    shown = client.get("/api/products/popular").get_json()
    assert [(one["rank"], one["productId"], one["salesCount"]) for one in shown] == [
        (1, second, 5), (2, first, 2),
    ]
    assert shown[0].keys() == {
        "rank", "productId", "name", "price", "stock", "category", "salesCount",
    }
    assert len(client.get("/api/products/popular?days=30&limit=1").get_json()) == 1


@pytest.mark.parametrize("query", ["days=0", "days=31", "limit=0", "limit=101", "days=x", "x=1"])
def test_popular_products_that_cannot_be_asked_for(client: Client, query: str) -> None:
    pointer = "/" + query.partition("=")[0]
    refused(client.get(f"/api/products/popular?{query}"), 422, "COMMON001", pointer)
