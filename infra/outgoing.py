"""Calls to somebody else's HTTP interface. Each ends, and none raises for what the other side does.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass

import urllib3
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError

CONNECT_SECONDS = 3.0
MAX_ANSWER_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Reply:
    """What a call brought: an answer (``status``), or the ``error`` that came instead of it.

    ``reached`` is False where no connection could be made, so the other side has seen nothing.
    """

    status: int | None = None
    body: bytes = b""
    retry_after: float | None = None
    error: str | None = None
    reached: bool = True


class Outgoing:
    """Calls over kept connections; may be used by many threads at once."""

    def __init__(
        self, url: str, timeout: float, connections: int, most_bytes: int = MAX_ANSWER_BYTES
    ) -> None:
        """``timeout`` in seconds; an answer of more than ``most_bytes`` is none."""
        self._url = url.rstrip("/")
        self._seconds = timeout
        self._most_bytes = most_bytes
        self._pool = urllib3.PoolManager(
            num_pools=1,
            maxsize=connections,
            retries=False,
            timeout=urllib3.Timeout(connect=min(CONNECT_SECONDS, timeout), read=timeout),
        )

    def call(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> Reply:
        """One call, not repeated and not redirected.

        Never raises for what the network or the other side does, and ends within about twice the
        time-out whatever they do.
        """
        try:
            response = self._pool.request(
                method, self._url + path, body=body, headers=headers,
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
        while part := response.read1(self._most_bytes):
            body += part
            if len(body) > self._most_bytes:
                raise HTTPError(f"an answer of more than {self._most_bytes} bytes")
            if time.monotonic() > end:
                raise TimeoutError("the answer did not end in time")
        return body


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _seconds(header: str | None) -> float | None:
    """Retry-After in its form of whole seconds; its form of a date is not worth a clock."""
    return float(header) if header and header.isascii() and header.isdigit() else None
