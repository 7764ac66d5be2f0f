"""The payment provider's HTTP interface; the protocol is written down in docs/payment-provider.md.
"""

from urllib.parse import quote, urlencode
from uuid import UUID

from infra.outgoing import Outgoing, Reply

MAX_PAGE_BYTES = 1_048_576


class PaymentGateway:
    """Asks over kept connections; may be used by many threads at once.

    No call raises for what the network or the provider does, and each ends within about twice the
    time-out whatever they do.
    """

    def __init__(
        self, url: str, timeout: float, connections: int, token: str = ""  # nosec B107
    ) -> None:
        """``token``: the bearer token by which the provider knows the shop; empty: it needs none.
        """
        self._outgoing = Outgoing(url, timeout, connections, MAX_PAGE_BYTES)
        self._headers = {"Accept": "application/json"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"

    def pay(self, key: UUID, body: bytes) -> Reply:
        """Ask for a payment; under the same ``key`` again it asks what became of it."""
        headers = {
            **self._headers, "Content-Type": "application/json", "Idempotency-Key": str(key),
        }
        return self._outgoing.call("POST", "/payments", headers, body)

    def void(self, key: UUID) -> Reply:
        """Have the payment ``key`` given back whole, once however often it is asked."""
        headers = {**self._headers, "Idempotency-Key": f"{key}-void"}
        return self._outgoing.call("POST", f"/payments/{key}/void", headers)

    def payment(self, key: str) -> Reply:
        """What the provider holds of the payment ``key``, be it ours or not."""
        return self._outgoing.call("GET", f"/payments/{quote(key, safe='')}", self._headers)

    def payments(self, since: str, cursor: str, limit: int) -> Reply:
        """A page of payments made at or after ``since`` (RFC 3339, by the provider's clock), oldest
        first; empty ``since``: from the beginning, empty ``cursor``: the first page."""
        wanted = {"since": since, "cursor": cursor, "limit": str(limit)}
        query = urlencode({name: value for name, value in wanted.items() if value})
        return self._outgoing.call("GET", f"/payments?{query}", self._headers)
