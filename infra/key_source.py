"""Where an issuer's key set comes from: an address or a file."""

import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import HTTPError

from infra import jwks

CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 2.0
MAX_BYTES = 262_144
_PART_BYTES = 65_536

Source = Callable[[], bytes]
"""Gives the key set's document; raises OSError or HTTPError where it cannot be had."""


def check(source: str) -> None:
    """Find what is wrong with JWT_JWKS without the network: ValueError says it in one line."""
    if _is_address(source):
        parts = urlsplit(source)
        if not parts.hostname or parts.username is not None:
            raise ValueError("must look like https://host/path, without a password")
        return
    if "://" in source:
        raise ValueError("must be an https:// or http:// URL, or the path of a file")
    try:
        jwks.parse(Path(source).read_bytes())
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror} ({source})") from None
    except jwks.BadKeySet as error:
        raise ValueError(f"{source} holds {error}") from None


def of(source: str) -> Source:
    """What reads the key set at ``source``, a URL or a path."""
    return HttpSource(source) if _is_address(source) else Path(source).read_bytes


def _is_address(source: str) -> bool:
    return source.lower().startswith(("https://", "http://"))


class HttpSource:
    """A key set by HTTP. Certificates are checked against the system's authorities."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._pool = urllib3.PoolManager(
            num_pools=1,
            maxsize=1,
            retries=False,
            timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=ANSWER_SECONDS),
        )

    def __call__(self) -> bytes:
        """The document, within some six seconds.

        Raises HTTPError or OSError for whatever else is answered: redirects are not followed, as
        keys are to be believed from the configured place alone.
        """
        response = self._pool.request(
            "GET", self._url, headers={"Accept": "application/jwk-set+json, application/json"},
            redirect=False, preload_content=False,
        )
        try:
            if response.status != 200:
                raise HTTPError(f"answered {response.status}")
            return self._read(response)
        finally:
            response.close()

    @staticmethod
    def _read(response: urllib3.BaseHTTPResponse) -> bytes:
        end = time.monotonic() + ANSWER_SECONDS
        body = b""
        while part := response.read1(_PART_BYTES):
            body += part
            if len(body) > MAX_BYTES:
                raise HTTPError(f"an answer of more than {MAX_BYTES} bytes")
            if time.monotonic() > end:
                raise TimeoutError("the answer did not end in time")
        return body
