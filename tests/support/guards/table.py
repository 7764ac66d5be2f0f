"""The table of guards, as Markdown."""

from collections.abc import Iterable, Sequence

from tests.support.guards.cases import Case
from tests.support.guards.guards import GUARDS
from tests.support.guards.runs import Verdict

_HEAD = (
    "| guard | protects | removed how | caught by | stays green, held by | s |",
    "|---|---|---|---|---|---|",
)


def table(verdicts: Iterable[Verdict]) -> str:
    """A row a case that was run, and what is wrong below."""
    verdicts = list(verdicts)
    lines = [*_HEAD, *(row(verdict) for verdict in verdicts)]
    caught = sum(not verdict.wrong for verdict in verdicts)
    lines += ["", f"{caught} of {len(verdicts)} as they should be."]
    return "\n".join(lines)


def row(verdict: Verdict) -> str:
    """``NOT CAUGHT`` where a test did not do what it should have done."""
    case = verdict.case
    guards = [GUARDS[name] for name in case.removed]
    alone = guards[0] if len(guards) == 1 else None
    protects, how = (alone.protects, alone.removed) if alone else ("", "each as by itself")
    caught = _tests([catch.test for catch in case.caught_by])
    if verdict.wrong:
        caught = f"**NOT AS IT SHOULD BE:** {verdict.wrong[0].splitlines()[0]}"
    green = f"{_tests(case.green)}: {case.held_by}" if case.green else ""
    cells = [case.name, protects, how, caught, green, f"{verdict.seconds:.0f}"]
    return f"| {' | '.join(cell or '–' for cell in cells)} |"


def listed(cases: Iterable[Case]) -> str:
    """The guards and what each protects, without running anything."""
    names = dict.fromkeys(name for case in cases for name in case.removed)
    return "\n".join(f"{name:42} {GUARDS[name].protects}" for name in names)


def _tests(tests: Sequence[str]) -> str:
    """Tests by file and name; one with several parameters once, with their number."""
    counts: dict[str, int] = {}
    for test in tests:
        name = test.partition("[")[0] if sum(
            other.partition("[")[0] == test.partition("[")[0] for other in tests
        ) > 1 else test
        counts[name] = counts.get(name, 0) + 1
    return ", ".join(
        f"`{name.removeprefix('tests/')}`" + (f" × {count}" if count > 1 else "")
        for name, count in counts.items()
    )
