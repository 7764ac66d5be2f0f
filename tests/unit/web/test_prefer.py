"""The Prefer header."""

import pytest

from web.prefer import wait_seconds


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, 0), ("", 0), ("wait=5", 5), ("Wait = 5", 5), ('wait="7"', 7), ("wait=0", 0),
        ("wait=31", 30), ("wait=999999999", 30), ("respond-async, wait=10", 10),
        ("respond-async; x=1, wait=10; y", 10), ("wait=-1", 0), ("wait=abc", 0), ("await=5", 0),
        ("wait=5x", 0), ("return=minimal", 0),
    ],
)
def test_wait(header: str | None, seconds: int) -> None:
    assert wait_seconds(header) == seconds
