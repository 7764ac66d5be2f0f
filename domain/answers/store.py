"""SQL of kept answers. Claiming a key is the job machinery's, so that a key means one thing only,
whether it was sent with a command or with what is done at once."""

from infra.database import affected, rows


class KeyNotHeld(RuntimeError):
    """A key claimed by this transaction is not there: the transaction must not commit."""


def answer_of(hash_: bytes) -> str | None:
    """The answer kept with a key, as JSON; None while it has none."""
    found = rows("SELECT answer FROM idempotency_keys WHERE hash = %s", (hash_,))
    return found[0][0] if found else None


def keep(hash_: bytes, answer: str) -> None:
    """Keep ``answer`` with the key that this transaction claimed. Raises KeyNotHeld."""
    updated = affected(
        "UPDATE idempotency_keys SET answer = %s WHERE hash = %s AND answer IS NULL",
        (answer, hash_),
    )
    if updated != 1:
        raise KeyNotHeld("a claimed Idempotency-Key has gone, or was answered already")
