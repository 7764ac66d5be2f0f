"""Concurrency keys, and the hashes by which claimed keys are known."""

import hashlib
from uuid import UUID

from domain.jobs.kinds import Claim


def user_key(user_id: int) -> str:
    """What charges, orders and cancels of one user are serialized by."""
    return f"user:{user_id}"


def coupon_key(coupon_id: int) -> str:
    """What issues of one coupon are serialized by."""
    return f"coupon:{coupon_id}"


def _hash(*parts: str | bytes) -> bytes:
    """SHA-256 of the parts, each with its length before it, so that no two lists look the same."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(4, "big"))
        digest.update(data)
    return digest.digest()


def idempotency_claim(caller_id: int, key: str, method: str, target: str, body: bytes) -> Claim:
    """An Idempotency-Key: its caller's own, standing for exactly this request.

    https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
    """
    return Claim(_hash("idempotency-key", str(caller_id), key), _hash(method, target, body))


def transaction_claim(user_id: int, transaction_id: str, amount: int) -> Claim:
    """A transactionId: its user's own, standing for one amount, kept until its job fails."""
    return Claim(
        _hash("transaction", str(user_id), transaction_id), _hash(str(amount)), until_failure=True
    )


def retry_claim(failed: UUID) -> Claim:
    """The one retry of a failed job: whoever comes second gets the job of whoever was first."""
    return Claim(_hash("retry", failed.bytes), _hash(failed.bytes))
