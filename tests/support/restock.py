"""Given: users who wait for a product. When: it comes back. Then: what became of their mails."""

from collections.abc import Sequence

from redis import Redis

from domain.catalog import service as catalog
from domain.orders import cancel
from domain.restock import service
from infra.database import execute, transaction
from tests.support.market import select
from tests.support.ordering import placed
from tests.support.shop import accepted, given_users, work


def address(user: int) -> str:
    return f"user{user}@example.org"


def waiting(product: int, count: int) -> list[int]:
    """New users who wait for a product; their ids."""
    users = given_users(*[10_000] * count)
    for user in users:
        service.subscribe(product, user, address(user))
    return users


def many_waiting(product: int, count: int) -> list[int]:
    """The same, by a few statements."""
    with transaction():
        execute(
            "INSERT INTO restock_notifications (product_id, user_id, email) VALUES "
            + ",".join(["(%s,%s,%s)"] * count),
            [value for user in range(1, count + 1) for value in (product, user, address(user))],
        )
    return list(range(1, count + 1))


def restock(product: int, quantity: int = 5) -> None:
    catalog.restock(product, quantity, admin_id=1)


def sell_out(redis: Redis, user: int, product: int) -> int:
    """The user buys all there is; the order's id."""
    [(stock,)] = select("SELECT stock FROM products WHERE id = %s", product)
    return placed(redis, user, {product: stock})


def cancelled(redis: Redis, user: int, order: int) -> None:
    """The user's order is given back."""
    accepted(cancel.command(user, user, order))
    work(redis)


def fan_out_all() -> None:
    """Make every mail that is to be made."""
    while service.fan_out() is not None:
        pass


def statuses() -> dict[str, int]:
    found = select("SELECT status, COUNT(*) FROM restock_mails GROUP BY status")
    return dict(found)  # type: ignore[arg-type]


def mails() -> list[tuple[int, str, str | None]]:
    """(user, status, address) of every mail that was made, oldest first."""
    found = select("SELECT user_id, status, email FROM restock_mails ORDER BY id")
    return [(user, status, email) for user, status, email in found]


def subscribers(product: int) -> list[tuple[int, str]]:
    """(user, address) of who waits for a product."""
    return [
        (user, email)
        for user, email in select(
            "SELECT user_id, email FROM restock_notifications WHERE product_id = %s "
            "ORDER BY user_id",
            product,
        )
    ]


def addresses_kept() -> Sequence[str]:
    """Every address in any table."""
    return [
        email
        for (email,) in select(
            "SELECT email FROM restock_notifications UNION ALL "
            "SELECT email FROM restock_mails WHERE email IS NOT NULL"
        )
    ]
