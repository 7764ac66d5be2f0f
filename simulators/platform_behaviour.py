"""How the stand-in platform behaves at the moment."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any


class Mode(StrEnum):
    NORMAL = "normal"
    WRONG_ANSWERS = "wrong-answers"
    """200 with a page where JSON is due; nothing is booked."""
    REJECT = "reject"
    """422: wants none of them."""
    ERROR = "error"
    """500, always."""
    UNAVAILABLE = "unavailable"
    """503 with Retry-After, always."""
    HANG = "hang"
    """Takes the request and does not answer."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    latency: float
    failure_rate: float
    mode: Mode = Mode.NORMAL

    def shown(self) -> dict[str, Any]:
        return {
            "latencySeconds": self.latency,
            "failureRate": self.failure_rate,
            "mode": self.mode.value,
        }

    def changed(self, wanted: Any) -> "Behaviour":
        """As a PUT asks. Raises ValueError or TypeError naming what cannot be."""
        known = {"latencySeconds", "failureRate", "mode"}
        if not isinstance(wanted, dict) or not wanted.keys() <= known:
            raise ValueError(f"an object with some of {sorted(known)} is due")
        latency = wanted.get("latencySeconds", self.latency)
        rate = wanted.get("failureRate", self.failure_rate)
        for name, value, most in (("latencySeconds", latency, 600), ("failureRate", rate, 1)):
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise TypeError(f"{name} is a number")
            if not 0 <= value <= most:
                raise ValueError(f"{name} is from 0 to {most}")
        mode = Mode(wanted.get("mode", self.mode))
        return replace(self, latency=float(latency), failure_rate=float(rate), mode=mode)
