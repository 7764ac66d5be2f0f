"""What may lie in a cart. Pure: values in, decision out."""

from domain.cart.errors import CartFull, QuantityOutOfBounds

MIN_QUANTITY = 1
MAX_QUANTITY = 999
MAX_LINES = 100


def checked_quantity(quantity: int) -> int:
    """``quantity``, if a line may have it. Raises QuantityOutOfBounds."""
    if not MIN_QUANTITY <= quantity <= MAX_QUANTITY:
        raise QuantityOutOfBounds(f"A quantity is {MIN_QUANTITY} to {MAX_QUANTITY}.")
    return quantity


def added_up(present: int, more: int) -> int:
    """The quantity of a line of ``present`` to which ``more`` are added.

    Raises QuantityOutOfBounds, for ``more`` by itself or for both together.
    """
    total = present + checked_quantity(more)
    if total > MAX_QUANTITY:
        raise QuantityOutOfBounds(
            f"A quantity is {MAX_QUANTITY} at most, and {present} are in the cart."
        )
    return total


def check_room(lines: int) -> None:
    """Whether a cart of so many lines may have one more. Raises CartFull."""
    if lines >= MAX_LINES:
        raise CartFull(MAX_LINES)
