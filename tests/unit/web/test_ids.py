"""Which words of a URL are ids."""

import re

import pytest

from web.ids import IdConverter


@pytest.mark.parametrize(
    ("word", "is_id"),
    [
        ("1", True), ("10", True), ("999999999999999999", True), ("1000000000000000000", True),
        ("9223372036854775799", True), ("9223372036854775807", True),
        ("9223372036854775808", False), ("9223372036854775810", False),
        ("9300000000000000000", False), ("10000000000000000000", False),
        ("0", False), ("01", False), ("-1", False), ("+1", False), ("1.0", False), ("", False),
        ("1٢", False), ("１", False), ("1 ", False), ("1_0", False),
    ],
)
def test_an_id_has_one_spelling_and_a_bound(word: str, is_id: bool) -> None:
    assert bool(re.fullmatch(IdConverter.regex, word)) == is_id
