"""Money: whole won (KRW), signed 64-bit. Bounds are the contract's."""

MAX_AMOUNT = 10**9
MAX_BALANCE = 10**15
MAX_PRICE = 10**9


def percentage_of(amount: int, percent: int) -> int:
    """``percent`` of ``amount``, rounded down, so a discount never rounds in nobody's favour."""
    return amount * percent // 100
