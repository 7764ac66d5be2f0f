"""What indexes and the sorted set are worth: the same reads with them and without, in a database
of their own, where nobody misses an index that is dropped."""

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

import pymysql

from bench.bench import Bench
from bench.queries import explained, median_ms
from bench.ranking import COVERED, DAYS, FREE, SortedSet, Window
from bench.record import Recorder, number
from bench.scenarios.registry import scenario

DATABASE = "shop_indexes"
SIZES = {"small": 100_000, "large": 1_000_000}
"""Orders; a tenth as many carts, of three lines each."""

_CART = "SELECT cart_id, id, product_id, quantity FROM cart_items WHERE cart_id IN (%s) ORDER BY id"
_CARTS = 1_000
_HEADINGS = ("orders", "read", "median ms", "EXPLAIN")


@scenario("indexes", "the ranking from Redis, by covering indexes and without; a cart's lines by "
          "index and without; on 100,000 and 1,000,000 orders")
def indexes(bench: Bench, record: Recorder) -> None:
    rows: list[tuple[str, ...]] = []
    try:
        for size, orders in SIZES.items():
            rows += _on(bench, record, size, bench.options.sized(orders))
    finally:
        bench.stage.drop_database(DATABASE)
    title = f"Reads by index and without ({DAYS} days of 30 in the ranking)"
    record.listing(title, _HEADINGS, rows)


def _on(bench: Bench, record: Recorder, size: str, orders: int) -> list[tuple[str, ...]]:
    """Make a database with so many orders and read it; the rows of the table."""
    stage, carts = bench.stage, max(10, orders // 10)
    stage.make_database(DATABASE)
    made = stage.seed(
        "--users", str(carts), "--products", str(bench.options.sized(10_000)), "--carts",
        "--orders", str(orders), database=DATABASE,
    )
    window = Window(ZoneInfo(stage.checkout.environment.get("SHOP_TIMEZONE", "Asia/Seoul")))
    sorted_set, connection = SortedSet(stage.apart_redis_url, window), stage.connect(DATABASE)
    try:
        reads = _Reads(record, size, orders, connection, bench.options.seconds / 4)
        reads.ranking(sorted_set, window)
        first = int(made["users"]["first"])
        reads.carts(range(first, first + carts))
    finally:
        connection.close()
        sorted_set.close()
    return reads.rows


class _Reads:
    """Reads one database; every step leaves fewer indexes to the next.

    seconds: that each read is repeated for.
    """

    def __init__(
        self, record: Recorder, size: str, orders: int, connection: "pymysql.Connection[Any]",
        seconds: float,
    ) -> None:
        self._record, self._size, self._orders = record, size, orders
        self._connection, self._seconds = connection, seconds
        self.rows: list[tuple[str, ...]] = []

    def ranking(self, sorted_set: SortedSet, window: Window) -> None:
        """From Redis; from the orders by both indexes, by neither, and by the one that a foreign
        key would have brought with it."""
        self._do("ANALYZE TABLE orders, order_items")
        asked = window.parameters()
        if sorted_set.best_sellers() != self._ask(COVERED, asked):
            self._record.wrong(f"{self._size}: Redis and the orders rank differently")
        read = median_ms(lambda _: sorted_set.best_sellers(), self._seconds)
        self._tell("ranking", "ranking, sorted set in Redis", read, [])
        covering = self._query("covering", "ranking, covering indexes", COVERED, [asked])
        self._do("ALTER TABLE orders DROP INDEX orders_by_status")
        self._do("ALTER TABLE order_items DROP INDEX order_items_of_order")
        without = self._query("without", "ranking, neither index", FREE, [asked])
        self._do("ALTER TABLE order_items ADD INDEX order_items_plain (order_id)")
        self._do("ANALYZE TABLE order_items")
        self._query("plain", "ranking, order_items (order_id) only", FREE, [asked])
        self._record.figure(f"{self._size}.covering_over_ranking", covering / read)
        self._record.figure(f"{self._size}.without_over_covering", without / covering)

    def carts(self, carts: Sequence[int]) -> None:
        """Their lines, a different cart's each time."""
        self._do("ANALYZE TABLE cart_items")
        asked = [(cart,) for cart in carts[:: max(1, len(carts) // _CARTS)]]
        with_index = self._query("cart", "a cart's lines, by index", _CART, asked)
        self._do("ALTER TABLE cart_items DROP INDEX cart_items_of_cart")
        without = self._query("cart_without", "a cart's lines, no index", _CART, asked)
        self._record.figure(f"{self._size}.cart_without_over_cart", without / with_index)

    def _query(self, name: str, about: str, sql: str, asked: Sequence[Sequence[Any]]) -> float:
        """Milliseconds, with each of these parameters in turn."""
        milliseconds = median_ms(
            lambda run: self._ask(sql, asked[run % len(asked)]), self._seconds
        )
        self._tell(name, about, milliseconds, explained(self._connection, sql, asked[0]))
        return milliseconds

    def _tell(self, name: str, about: str, milliseconds: float, explain: Sequence[str]) -> None:
        self._record.figure(f"{self._size}.{name}_ms", milliseconds)
        told = " / ".join(explain) or "-"
        self.rows.append((f"{self._orders:,}", about, number(milliseconds), told))

    def _ask(self, sql: str, parameters: Sequence[Any]) -> list[tuple[int, int]]:
        """The first two columns; each read is a transaction of its own, as the shop's are."""
        with self._connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            found = [(int(row[0]), int(row[1])) for row in cursor.fetchall()]
        self._connection.commit()
        return found

    def _do(self, sql: str) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(sql)
        self._connection.commit()
