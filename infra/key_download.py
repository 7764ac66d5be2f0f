"""A key set by HTTP."""

import time

import urllib3
from urllib3.exceptions import HTTPError

CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 2.0
MAX_BYTES = 262_144
_PART_BYTES = 65_536


class Download:
    """Fetches one URL. Certificates are checked against the system's authorities."""

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
