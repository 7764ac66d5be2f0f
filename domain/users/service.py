"""What others may ask about users."""

from typing import Any

from domain.admin_audit.service import record
from domain.answers.service import Answer, once
from domain.cart import service as cart
from domain.jobs.kinds import Claim
from domain.wallet import service as wallet


def create(name: str, balance: int, admin_id: int, claim: Claim | None = None) -> Answer:
    """Make a user with a balance and an empty cart, in one transaction; the answer is the user.

    ``claim``: the request's Idempotency-Key. Raises KeyReused.
    """

    def work() -> dict[str, Any]:
        user = wallet.create_user(name, balance)
        cart.open_cart(user["userId"])
        record(admin_id, "user.create", f"user:{user['userId']}", user)
        return user

    return once(claim, work)


def find(user_id: int) -> dict[str, Any]:
    """``{userId, name, balance, createdAt}``. Raises UserNotFound."""
    return wallet.user(user_id)
