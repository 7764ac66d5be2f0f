"""``audit``: the proof that nothing was oversold, lost or doubled."""

from contextlib import nullcontext
from typing import TYPE_CHECKING

import click

from commands.console import print_json
from infra.settings import settings

if TYPE_CHECKING:
    from audit import Report
    from audit.report import Finding

_STYLES = {"holds": "green", "broken": "bold red", "unchecked": "yellow"}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="The report as one line of JSON.")
@click.option(
    "--wait", type=click.IntRange(0, 24 * 3600), default=0, metavar="SECONDS",
    help="First wait so long, at most, for work under way to end.",
)
@click.pass_context
def audit(context: click.Context, as_json: bool, wait: int) -> None:
    """Check every invariant in one consistent snapshot of the database.

    From the tables alone, from the events that Kafka still keeps, and from the ranking in Redis.
    Work under way is counted; it is a violation only when it is stuck: held by nobody and due for
    over a minute.

    Exit code: 0 all hold, 1 one is broken, 2 something could not be checked.
    """
    from rich.console import Console

    from audit import audit as examine

    status = nullcontext() if as_json else Console(stderr=True).status("auditing")
    with status as shown:
        report = examine(
            settings(), wait, tell=lambda text: shown.update(text) if shown else None
        )
    if as_json:
        print_json(report.as_json())
    elif report.nothing_checked:
        click.echo(f"Nothing could be checked: {report.nothing_checked}", err=True)
    else:
        _print(report)
    context.exit(report.exit_code)


def _print(report: "Report") -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table("", "invariant", "status", "examined", "under way")
    for finding in report.findings:
        style = _STYLES[finding.status]
        table.add_row(
            str(finding.number), finding.name, f"[{style}]{finding.status}[/]",
            _counts(finding.examined), _counts({k: v for k, v in finding.under_way.items() if v}),
        )
    console = Console(soft_wrap=True)
    console.print(table)
    for finding in report.findings:
        for line in _lines(finding):
            console.print(escape(line), highlight=False)
    console.print(_sentence(report), highlight=False)


def _lines(finding: "Finding") -> list[str]:
    """What is wrong with one invariant: each broken rule with its first examples."""
    lines = []
    for violation in finding.violations:
        lines.append(f"{finding.number} {finding.name}, {violation.rule}: {violation.count:,}")
        lines += [f"    {example.detail}" for example in violation.examples]
        if violation.count > len(violation.examples):
            lines.append(f"    and {violation.count - len(violation.examples):,} more")
    return lines + [f"{finding.number} {finding.name}, unchecked: {one}"
                    for one in finding.unchecked]


def _counts(counts: dict[str, int]) -> str:
    return "\n".join(f"{count:,} {_spaced(name)}" for name, count in counts.items())


def _spaced(name: str) -> str:
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name)


def _sentence(report: "Report") -> str:
    at = report.checked_at.isoformat(sep=" ", timespec="seconds").removesuffix("+00:00")
    return {
        0: f"Every invariant holds, as of {at} UTC.",
        1: f"An invariant is broken, as of {at} UTC.",
        2: f"Not everything could be checked, as of {at} UTC.",
    }[report.exit_code]
