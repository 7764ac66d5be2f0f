"""What an audit found, and its stable JSON form."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

EXAMPLES = 10
"""How many of a rule's violations are shown; all are counted."""


class Verdict(StrEnum):
    """What is known of an invariant. A broken one stays broken whatever else was not checked."""

    HOLDS = "holds"
    BROKEN = "broken"
    UNCHECKED = "unchecked"


@dataclass(frozen=True, slots=True)
class Example:
    """One violation: what is wrong, in words and as the ids and numbers behind them."""

    detail: str
    values: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        return {
            "detail": self.detail,
            "values": {name: plain(value) for name, value in self.values.items()},
        }


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that is broken ``count`` times, with its first examples."""

    rule: str
    count: int
    examples: Sequence[Example]

    def as_json(self) -> dict[str, Any]:
        examples = [example.as_json() for example in self.examples]
        return {"rule": self.rule, "count": self.count, "examples": examples}


@dataclass(slots=True)
class Finding:
    """All that was found out about one invariant."""

    number: int
    name: str
    examined: dict[str, int] = field(default_factory=dict)
    violations: list[Violation] = field(default_factory=list)
    under_way: dict[str, int] = field(default_factory=dict)
    unchecked: list[str] = field(default_factory=list)
    """What could not be checked, and why; one line each."""

    @property
    def status(self) -> Verdict:
        if self.violations:
            return Verdict.BROKEN
        return Verdict.UNCHECKED if self.unchecked else Verdict.HOLDS

    def as_json(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "name": self.name,
            "status": str(self.status),
            "examined": self.examined,
            "violations": [violation.as_json() for violation in self.violations],
            "underWay": self.under_way,
            "unchecked": self.unchecked,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """The whole audit, as one snapshot of the database at ``checked_at`` (UTC) says."""

    checked_at: datetime
    findings: Sequence[Finding]

    @property
    def ok(self) -> bool:
        return all(finding.status is Verdict.HOLDS for finding in self.findings)

    @property
    def nothing_checked(self) -> str | None:
        """The one reason why no invariant could be checked at all, if that is so."""
        reasons = {tuple(finding.unchecked) for finding in self.findings if not finding.examined}
        if len(reasons) == 1 and not any(finding.examined for finding in self.findings):
            return "; ".join(reasons.pop())
        return None

    @property
    def exit_code(self) -> int:
        """0 all hold, 1 one is broken, 2 something could not be checked."""
        statuses = {finding.status for finding in self.findings}
        if Verdict.BROKEN in statuses:
            return 1
        return 2 if Verdict.UNCHECKED in statuses else 0

    def as_json(self) -> dict[str, Any]:
        return {
            "ok": self.ok,
            "checkedAt": plain(self.checked_at),
            "invariants": [finding.as_json() for finding in self.findings],
        }


def plain(value: Any) -> Any:
    """``value`` as JSON and people can read it: UUIDs spelled out, instants in RFC 3339."""
    if isinstance(value, bytes):
        return str(UUID(bytes=value)) if len(value) == 16 else value.hex()
    if isinstance(value, datetime):
        text = value.replace(tzinfo=value.tzinfo or UTC).isoformat(timespec="milliseconds")
        return text.replace("+00:00", "Z")
    if value is None or isinstance(value, bool | int | str):
        return value
    return int(value)  # DECIMAL, which sums of whole numbers come as
