"""Opaque cursors: where a list goes on, for whoever got it and for nobody to build."""

import base64
import binascii
from collections.abc import Sequence

import orjson

from web.problems import invalid


def encode(*position: int | str) -> str:
    """The cursor of the last row of a page, by what the list is sorted by."""
    return base64.urlsafe_b64encode(orjson.dumps(position)).decode().rstrip("=")


def decode(cursor: str | None, *types: type) -> Sequence[int | str] | None:
    """The position in ``cursor``; None without one. Raises COMMON001 for one that is not ours."""
    if cursor is None:
        return None
    try:
        position = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, orjson.JSONDecodeError, ValueError):
        position = None
    if not isinstance(position, list) or [type(value) for value in position] != list(types):
        raise invalid("This cursor was not made here.", "/cursor")
    if any(isinstance(value, int) and not 0 <= value < 2**63 for value in position):
        raise invalid("This cursor was not made here.", "/cursor")
    return position
