"""Ids in URLs: one spelling each, and nothing beyond what the database can hold."""

from werkzeug.routing import IntegerConverter

from web.schemas import MAX_ID


def _numbers_to(bound: int) -> str:
    """A pattern of the whole numbers from 1 to ``bound``, without leading zeros."""
    digits = str(bound)
    count = len(digits)
    shapes = [rf"[1-9][0-9]{{0,{count - 2}}}", digits]
    for place, digit in enumerate(digits):
        lowest = 0 if place else 1
        if int(digit) > lowest:  # less at this place, so anything behind it
            below = f"[{lowest}-{int(digit) - 1}]"
            shapes.append(f"{digits[:place]}{below}[0-9]{{{count - place - 1}}}")
    return f"(?:{'|'.join(shapes)})"


class IdConverter(IntegerConverter):
    """1 to 2⁶³−1 in its one spelling; anything else names nothing (404).

    The pattern alone decides: a converter that refuses what its pattern took makes Werkzeug answer
    405 where another method of the same path exists.
    """

    regex = _numbers_to(MAX_ID)
