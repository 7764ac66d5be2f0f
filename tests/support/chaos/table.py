"""The long form's one table, and the same as JSON."""

from collections.abc import Sequence
from typing import Any

from tests.support.chaos.faults.base import TAKEN_UP_MAX, TAKEN_UP_P99, percentile
from tests.support.chaos.play import Played

_COLUMNS = (
    "fault", "ran/asked", "p50 s", "p99 s", "max s", "5xx", "503", "no answer", "lost", "twice",
    "out of order", "fenced", "verdict",
)


def verdict(played: Played) -> str:
    """``holds``, ``broken``, or ``not run``."""
    if not played.runs and not played.broke:
        return "not run"
    return "broken" if wrong(played) else "holds"


def wrong(played: Played) -> list[str]:
    """What must not be, the figures of being taken up among it."""
    found = played.wrong()
    taken = played.taken_up
    if played.fault.name.startswith("kill -9") and taken:
        p99, most = percentile(taken, 0.99), max(taken)
        if p99 > TAKEN_UP_P99 or most > TAKEN_UP_MAX:
            found.append(f"taken up again: p99 {p99:.1f} s, at most {most:.1f} s")
    return found


def as_json(played: Played) -> dict[str, Any]:
    """One line of the table, with the figures that it has no room for."""
    taken = played.taken_up
    names = dict.fromkeys(name for run in played.runs for name in run.figures)
    return {
        "fault": played.fault.name,
        "ran": len(played.runs),
        "asked": played.fault.times,
        "takenUpSeconds": {
            "jobs": len(taken),
            "p50": round(percentile(taken, 0.5), 2),
            "p99": round(percentile(taken, 0.99), 2),
            "max": round(max(taken, default=0.0), 2),
        },
        "requests": len(played.entries),
        "5xx": sum(n for status, n in played.statuses.items() if status >= 500 and status != 503),
        "503": played.statuses[503],
        "noAnswer": played.statuses[0],
        "lost": played.verdict.lost if played.verdict else None,
        "twice": played.verdict.twice if played.verdict else None,
        "outOfOrder": played.verdict.disordered if played.verdict else None,
        "promised": played.verdict.promised if played.verdict else None,
        "fenced": int(sum(run.figures.get("fenced", 0) for run in played.runs)),
        "figures": {
            name: [round(run.figures[name], 3) for run in played.runs if name in run.figures]
            for name in names
        },
        "verdict": verdict(played),
        "wrong": wrong(played),
    }


def as_markdown(all_played: Sequence[Played]) -> str:
    """The table, and below it what is wrong."""
    lines = [
        f"| {' | '.join(_COLUMNS)} |",
        f"|{'---|' * len(_COLUMNS)}",
    ]
    broken: list[str] = []
    for played in all_played:
        told = as_json(played)
        taken = told["takenUpSeconds"]
        ran = verdict(played) != "not run"
        cells = [
            told["fault"], f"{told['ran']}/{told['asked']}",
            *(str(taken[one]) if taken["jobs"] else "–" for one in ("p50", "p99", "max")),
            *(str(told[one]) if ran else "–" for one in (
                "5xx", "503", "noAnswer", "lost", "twice", "outOfOrder", "fenced"
            )),
            told["verdict"],
        ]
        lines.append(f"| {' | '.join(cells)} |")
        broken += [f"{told['fault']}: {text}" for text in told["wrong"]]
    return "\n".join([*lines, *(["", *broken] if broken else [])])
