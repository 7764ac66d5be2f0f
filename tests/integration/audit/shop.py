"""What the tests of audit do to a healthy shop, and see of a report."""

from audit import Report
from infra.database import execute, rows, session, transaction

KEPT = "healthy_"
"""The copies of the tables are called what the tables are, after this."""


def tables() -> list[str]:
    return [row[0] for row in rows("SHOW TABLES") if not row[0].startswith(KEPT)]


def restore(*names: str) -> None:
    with transaction():
        for name in names:
            execute(f"DELETE FROM {name}")
            execute(f"INSERT INTO {name} SELECT * FROM {KEPT}{name}")


def broken(report: Report) -> dict[int, set[str]]:
    """The rules that do not hold, by invariant."""
    return {
        finding.number: {violation.rule for violation in finding.violations}
        for finding in report.findings
        if finding.violations
    }


def corrupt(*statements: str) -> None:
    with session():
        for statement in statements:
            execute(statement.replace("%", "%%"))
