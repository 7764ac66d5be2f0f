"""The Prefer header (RFC 7240): how long a client is willing to wait for a job's end."""

import re

MAX_WAIT_SECONDS = 30

_WAIT = re.compile(r"(?:^|[,;])\s*wait\s*=\s*\"?(\d{1,9})\"?\s*(?=[,;]|$)", re.IGNORECASE)


def wait_seconds(header: str | None) -> int:
    """The seconds asked for by ``wait=N``, at most 30; 0 when there is no such preference.

    A preference that makes no sense is ignored, as section 2 of the RFC says.
    """
    found = _WAIT.search(header or "")
    return min(int(found.group(1)), MAX_WAIT_SECONDS) if found else 0
