"""SQL of carts. An edit locks the cart's row before it looks at a line; orders do the same."""

from dataclasses import dataclass

from infra.database import affected, execute, rows


@dataclass(frozen=True, slots=True)
class Item:
    """A line of a cart, with its product's name and price as they are now."""

    id: int
    product_id: int
    name: str
    price: int
    quantity: int


_ITEMS = (
    "SELECT i.id, i.product_id, p.name, p.price, i.quantity "
    "FROM cart_items i JOIN products p ON p.id = i.product_id WHERE "
)


def open_cart(user_id: int) -> None:
    """Insert a new user's empty cart."""
    execute("INSERT INTO carts (user_id) VALUES (%s)", (user_id,))


def lock(user_id: int) -> None:
    """Lock the user's cart until the transaction's end, making it where it is missing."""
    execute(
        "INSERT INTO carts (user_id) VALUES (%s) ON DUPLICATE KEY UPDATE user_id = user_id",
        (user_id,),
    )


def bump(user_id: int) -> None:
    """Say that the locked cart changed: orders accepted before refuse it as it is now."""
    execute("UPDATE carts SET version = version + 1 WHERE user_id = %s", (user_id,))


def items(user_id: int) -> list[Item]:
    """What lies in a user's cart, in the order in which it was put there."""
    return [Item(*row) for row in rows(_ITEMS + "i.cart_id = %s ORDER BY i.id", (user_id,))]


def item(item_id: int, user_id: int) -> Item | None:
    """An item, if it lies in this user's cart."""
    found = rows(_ITEMS + "i.id = %s AND i.cart_id = %s", (item_id, user_id))
    return Item(*found[0]) if found else None


def owner_of(item_id: int) -> int | None:
    """Whose cart an item lies in, None if there is no such item."""
    found = rows("SELECT cart_id FROM cart_items WHERE id = %s", (item_id,))
    return found[0][0] if found else None


def line_of(user_id: int, product_id: int) -> tuple[int, int] | None:
    """Id and quantity of a product's line in the cart, None without one."""
    found = rows(
        "SELECT id, quantity FROM cart_items WHERE cart_id = %s AND product_id = %s",
        (user_id, product_id),
    )
    return (found[0][0], found[0][1]) if found else None


def count_lines(user_id: int) -> int:
    """How many products lie in the cart."""
    count: int = rows("SELECT COUNT(*) FROM cart_items WHERE cart_id = %s", (user_id,))[0][0]
    return count


def insert_line(user_id: int, product_id: int, quantity: int) -> int:
    """Put a product into the locked cart that has none of it; return the item's id."""
    cursor = execute(
        "INSERT INTO cart_items (cart_id, product_id, quantity) VALUES (%s, %s, %s)",
        (user_id, product_id, quantity),
    )
    return int(cursor.lastrowid)


def set_quantity(item_id: int, quantity: int) -> None:
    """Write the quantity of an item of the locked cart."""
    execute("UPDATE cart_items SET quantity = %s WHERE id = %s", (quantity, item_id))


def delete_item(item_id: int, user_id: int) -> bool:
    """Take an item out of the locked cart; False if it does not lie there."""
    return affected("DELETE FROM cart_items WHERE id = %s AND cart_id = %s", (item_id, user_id)) > 0


def delete_items(user_id: int) -> bool:
    """Empty the locked cart; False if it was empty."""
    return affected("DELETE FROM cart_items WHERE cart_id = %s", (user_id,)) > 0
