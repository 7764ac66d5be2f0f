"""Instants: UTC everywhere, RFC 3339 with milliseconds on the wire.

Decisions about leases, openings and expiry use the database's clock, never a host's; what is
here only converts.
"""

from datetime import UTC, datetime


def rfc3339(instant: datetime) -> str:
    """``2026-11-23T22:01:58.123Z`` for a UTC instant; a naive one (from the database) is UTC."""
    if instant.tzinfo is not None:
        instant = instant.astimezone(UTC)
    return instant.strftime("%Y-%m-%dT%H:%M:%S.") + f"{instant.microsecond // 1000:03d}Z"


def utc_naive(instant: datetime) -> datetime:
    """The instant as the database stores it: UTC without a zone.

    Raises ValueError for an instant without a zone, whose meaning would be a guess.
    """
    if instant.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return instant.astimezone(UTC).replace(tzinfo=None)
