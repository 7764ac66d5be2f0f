"""SQL of who waits for a product, and of products that came back, until all who waited have a mail.

The last rows that a transaction locks: products → back_in_stock → restock_notifications →
restock_mails. Whoever writes a row of ``back_in_stock`` holds the product's row lock (see
``catalog.stock``), and whoever subscribes holds it shared; so of two that meet one comes first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from infra.database import affected, execute, placeholders, rows


class SubscriptionMoved(RuntimeError):
    """A row changed under this transaction's row lock: the transaction must not commit."""


@dataclass(frozen=True, slots=True)
class Back:
    """A product's stock went from 0 to more, at ``at``."""

    id: int
    product_id: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Subscription:
    """Somebody who waits for a product."""

    id: int
    user_id: int
    email: str


def subscribe(product_id: int, user_id: int, email: str) -> None:
    """Have the user wait for the next time; one who waits already gets the new address."""
    execute(
        "INSERT INTO restock_notifications (product_id, user_id, email, after_id) "
        "SELECT %s, %s, %s, COALESCE(MAX(id), 0) FROM back_in_stock "
        "ON DUPLICATE KEY UPDATE email = VALUES(email)",
        (product_id, user_id, email),
    )


def unsubscribe(product_id: int, user_id: int) -> int:
    """Forget that the user waits. Returns how many rows went."""
    return affected(
        "DELETE FROM restock_notifications WHERE product_id = %s AND user_id = %s",
        (product_id, user_id),
    )


def any_back() -> bool:
    """Whether there may be something to fan out; a look without a lock."""
    return bool(rows("SELECT id FROM back_in_stock ORDER BY id LIMIT 1"))


def lock_back() -> Back | None:
    """Lock the first product that came back and that nobody else is fanning out, if there is one.
    """
    found = rows(
        "SELECT id, product_id, created_at FROM back_in_stock ORDER BY id LIMIT 1 "
        "FOR UPDATE SKIP LOCKED"
    )
    return Back(*found[0]) if found else None


def waiting_for(back: Back, limit: int) -> list[int]:
    """Ids, ascending, of up to ``limit`` subscriptions that were there when the product came back.
    """
    found = rows(
        "SELECT id FROM restock_notifications WHERE product_id = %s AND after_id < %s LIMIT %s",
        (back.product_id, back.id, limit),
    )
    return sorted(id_ for (id_,) in found)


def lock(ids: Sequence[int]) -> list[Subscription]:
    """Lock those of the subscriptions that still exist, by id.

    By the primary key first, as an unsubscription locks them; :func:`waiting_for` alone would lock
    its index first.
    """
    found = rows(
        "SELECT id, user_id, email FROM restock_notifications "
        f"WHERE id IN ({placeholders(len(ids))}) ORDER BY id FOR UPDATE",
        ids,
    )
    return [Subscription(*row) for row in found]


def move(back: Back, taken: Sequence[tuple[Subscription, UUID]]) -> None:
    """Make a mail of each locked subscription, under this UUID. Raises SubscriptionMoved."""
    params: list[object] = []
    for subscription, message_uuid in taken:
        params += [
            message_uuid.bytes, back.product_id, subscription.user_id, subscription.email, back.at,
        ]
    execute(
        "INSERT INTO restock_mails "
        "(message_uuid, product_id, user_id, email, back_at, next_attempt_at) VALUES "
        + placeholders(len(taken), "(%s,%s,%s,%s,%s,NOW(3))"),
        params,
    )
    gone = affected(
        f"DELETE FROM restock_notifications WHERE id IN ({placeholders(len(taken))})",
        [subscription.id for subscription, _ in taken],
    )
    if gone != len(taken):
        raise SubscriptionMoved(f"{gone} of {len(taken)} subscriptions were there")


def forget_back(back_id: int) -> None:
    """All who waited have their mail. Raises SubscriptionMoved."""
    if affected("DELETE FROM back_in_stock WHERE id = %s", (back_id,)) != 1:
        raise SubscriptionMoved(f"back in stock {back_id} was gone")
