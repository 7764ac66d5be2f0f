"""How the stand-in payment provider behaves at the moment."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any


class Mode(StrEnum):
    NORMAL = "normal"
    SILENT = "silent"
    """Decides, and never says so: the caller's time-out."""
    LOST = "lost"
    """Takes the request, decides nothing and never answers."""
    PENDING = "pending"
    """Takes the payment and cannot say yet what becomes of it."""
    ERROR = "error"
    """500, always; nothing is decided."""
    UNAVAILABLE = "unavailable"
    """503 with Retry-After, always; nothing is decided."""
    WRONG_ANSWERS = "wrong-answers"
    """200 with a page where JSON is due; nothing is decided."""
    WRONG_AMOUNT = "wrong-amount"
    """Approves, and answers with another amount."""


_SHARES = {"failureRate": "failure_rate", "declineRate": "decline_rate"}
_SECONDS = {"latencySeconds": "latency", "lateSeconds": "late"}


@dataclass(frozen=True, slots=True)
class Behaviour:
    """``latency`` seconds before a decision; ``late`` seconds between it and the answer, the first
    time that a payment is asked for. ``failure_rate`` of the calls end in a 500 or a cut
    connection, decided or not. ``decline_above`` won, and ``decline_rate`` of the others, are
    declined."""

    latency: float = 0.0
    late: float = 0.0
    failure_rate: float = 0.0
    decline_rate: float = 0.0
    decline_above: int | None = None
    mode: Mode = Mode.NORMAL

    def shown(self) -> dict[str, Any]:
        return {
            "latencySeconds": self.latency, "lateSeconds": self.late,
            "failureRate": self.failure_rate, "declineRate": self.decline_rate,
            "declineAbove": self.decline_above, "mode": self.mode.value,
        }

    def changed(self, wanted: Any) -> "Behaviour":
        """As a PUT asks. Raises ValueError or TypeError naming what cannot be."""
        known = self.shown().keys()
        if not isinstance(wanted, dict) or not wanted.keys() <= known:
            raise ValueError(f"an object with some of {sorted(known)} is due")
        new: dict[str, Any] = {}
        for names, most in ((_SECONDS, 600), (_SHARES, 1)):
            new |= _numbers(wanted, names, most)
        if "declineAbove" in wanted:
            above = wanted["declineAbove"]
            if above is not None and type(above) is not int:
                raise TypeError("declineAbove is a whole number or null")
            new["decline_above"] = above
        if "mode" in wanted:
            new["mode"] = Mode(wanted["mode"])
        return replace(self, **new)


def _numbers(wanted: Mapping[str, Any], names: Mapping[str, str], most: float) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, field in names.items():
        if name not in wanted:
            continue
        value = wanted[name]
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise TypeError(f"{name} is a number")
        if not 0 <= value <= most:
            raise ValueError(f"{name} is from 0 to {most}")
        found[field] = float(value)
    return found
