"""The external data platform's HTTP interface: one call, and whatever came back."""

from uuid import UUID

from infra.outgoing import MAX_ANSWER_BYTES, Outgoing, Reply


class DataPlatform:
    """Sends orders over kept connections; may be used by many threads at once."""

    def __init__(self, url: str, timeout: float, connections: int) -> None:
        self._outgoing = Outgoing(url, timeout, connections)

    def send(self, event_id: UUID, body: bytes) -> Reply:
        """POST one order event under the Idempotency-Key ``event_id``.

        Never raises for what the network or the platform does, and ends within about twice the
        time-out whatever they do.
        """
        headers = {"Content-Type": "application/json", "Idempotency-Key": str(event_id)}
        return self._outgoing.call("POST", "/orders", headers, body)


__all__ = ["MAX_ANSWER_BYTES", "DataPlatform", "Reply"]
