"""The external data platform's HTTP interface: one call, and whatever came back."""

import time
from dataclasses import dataclass
from uuid import UUID

import urllib3
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError

CONNECT_SECONDS = 3.0
MAX_ANSWER_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Reply:
    """What a call brought: an answer (``status``), or the ``error`` that came instead of it.

    ``reached`` is False where no connection could be made, so the platform has seen nothing.
    """

    status: int | None = None
    body: bytes = b""
    retry_after: float | None = None
    error: str | None = None
    reached: bool = True


class DataPlatform:
    """Sends orders over kept connections; may be used by many threads at once."""

    def __init__(self, url: str, timeout: float, connections: int) -> None:
        self._target = url.rstrip("/") + "/orders"
        self._seconds = timeout
        self._pool = urllib3.PoolManager(
            num_pools=1,
            maxsize=connections,
            retries=False,
            timeout=urllib3.Timeout(connect=min(CONNECT_SECONDS, timeout), read=timeout),
        )

    def send(self, event_id: UUID, body: bytes) -> Reply:
        """POST one order event under the Idempotency-Key ``event_id``.

        Never raises for what the network or the platform does, and ends within about twice the
        time-out whatever they do.
        """
        headers = {"Content-Type": "application/json", "Idempotency-Key": str(event_id)}
        try:
            response = self._pool.request(
                "POST", self._target, body=body, headers=headers,
                redirect=False, preload_content=False,
            )
        except (NewConnectionError, ConnectTimeoutError) as error:
            return Reply(error=_said(error), reached=False)
        except (HTTPError, OSError) as error:
            return Reply(error=_said(error))
        try:
            return Reply(
                response.status, self._read(response), _seconds(response.headers.get("Retry-After"))
            )
        except (HTTPError, OSError) as error:
            response.close()
            return Reply(error=_said(error))
        finally:
            response.release_conn()

    def _read(self, response: urllib3.BaseHTTPResponse) -> bytes:
        """The body; TimeoutError or HTTPError for one that trickles or never ends."""
        end = time.monotonic() + self._seconds
        body = b""
        while part := response.read1(MAX_ANSWER_BYTES):
            body += part
            if len(body) > MAX_ANSWER_BYTES:
                raise HTTPError(f"an answer of more than {MAX_ANSWER_BYTES} bytes")
            if time.monotonic() > end:
                raise TimeoutError("the answer did not end in time")
        return body


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _seconds(header: str | None) -> float | None:
    """Retry-After in its form of whole seconds; its form of a date is not worth a clock."""
    return float(header) if header and header.isascii() and header.isdigit() else None
