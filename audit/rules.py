"""How a rule is written down and applied: a query that finds what breaks it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from audit.report import EXAMPLES, Example, Finding, Violation, plain
from infra.settings import Settings
from infra.snapshot import Snapshot, SnapshotFailed

OVER_AGE = timedelta(seconds=60)
"""Work that nobody holds, and that is no nearer its end after so long, is stuck."""
SETTLING = timedelta(seconds=5)
"""An order may take so long to show in the ranking before it counts (promised: 2 s)."""


@dataclass(frozen=True, slots=True)
class Rule:
    """``sql`` selects what breaks the rule; ``says`` is its sentence, with columns in braces.

    The query may use what :meth:`Audited.params` names; its columns are called what they are
    called in the report.
    """

    name: str
    sql: str
    says: str


@dataclass(frozen=True, slots=True)
class Audited:
    """What is being audited: one snapshot, and how far back it must answer for things."""

    snapshot: Snapshot
    settings: Settings

    @property
    def kept_since(self) -> datetime:
        """From when on ended jobs and published events must still be there."""
        return self.snapshot.now - timedelta(days=self.settings.retention_days)

    def count(self, sql: str) -> int:
        """A query's one number; 0 for NULL. Raises SnapshotFailed."""
        return int(self.snapshot.value(sql, self.params()) or 0)

    def params(self) -> dict[str, Any]:
        """What every query may name."""
        return {
            "now": self.snapshot.now,
            "kept_since": self.kept_since,
            "over_age": self.snapshot.now - OVER_AGE,
            "settling": self.snapshot.now - SETTLING,
        }


Check = Callable[[Audited, Finding], None]
"""Looks at what no single query can tell, and adds what it finds."""


@dataclass(frozen=True, slots=True)
class Invariant:
    """One invariant of the contract, as the rules and checks that together say that it holds.

    ``examined`` counts what was looked at, ``under_way`` what has not ended yet, by name.
    """

    number: int
    name: str
    examined: Mapping[str, str]
    rules: Sequence[Rule]
    under_way: Mapping[str, str] = field(default_factory=dict)
    checks: Sequence[Check] = ()

    def examine(self, audited: Audited) -> Finding:
        """Apply every rule and check; what cannot be applied is named as unchecked."""
        finding = Finding(self.number, self.name)
        for name, sql in self.examined.items():
            with _guarded(finding, name):
                finding.examined[name] = audited.count(sql)
        for name, sql in self.under_way.items():
            with _guarded(finding, name):
                finding.under_way[name] = audited.count(sql)
        for rule in self.rules:
            with _guarded(finding, rule.name):
                apply(rule, audited, finding)
        for check in self.checks:
            with _guarded(finding, check.__name__):
                check(audited, finding)
        return finding


@contextmanager
def _guarded(finding: Finding, name: str) -> Iterator[None]:
    try:
        yield
    except SnapshotFailed as error:
        finding.unchecked.append(f"{name}: {error}")


def apply(rule: Rule, audited: Audited, finding: Finding) -> None:
    """Add what breaks ``rule`` to ``finding``. Raises SnapshotFailed."""
    collect(finding, rule.name, rule.says, audited.snapshot.rows(rule.sql, audited.params()))


def collect(finding: Finding, name: str, says: str, broken: Iterable[Mapping[str, Any]]) -> None:
    """Count ``broken`` and keep its first ten as examples; nothing is added when it is empty."""
    count, examples = 0, []
    for values in broken:
        count += 1
        if count <= EXAMPLES:
            shown = {key: plain(value) for key, value in values.items()}
            examples.append(Example(says.format_map(shown), shown))
    if count:
        finding.violations.append(Violation(name, count, examples))
