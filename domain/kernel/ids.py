"""UUIDv7 (RFC 9562 section 5.7): time-ordered, so that a unique index grows at its end."""

import os
import time
from uuid import UUID


def uuid7() -> UUID:
    """A new UUIDv7: 48 bits of Unix milliseconds, then 74 random bits."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10), "big")
    value = (milliseconds & 0xFFFF_FFFF_FFFF) << 80
    value |= 0x7 << 76
    value |= ((random >> 62) & 0xFFF) << 64
    value |= 0b10 << 62
    value |= random & 0x3FFF_FFFF_FFFF_FFFF
    return UUID(int=value)


def parse_uuid(text: str) -> UUID | None:
    """The UUID that ``text`` spells canonically, or None: ids in URLs have one spelling."""
    try:
        value = UUID(text)
    except ValueError:
        return None
    return value if str(value) == text else None
