"""The one table of all steps, and the same as JSON."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from tests.support.upgrade.crossing import Taken

_COLUMNS = (
    "order", "step", "s", "requests", "to old", "to new", "accepted", "repeated", "jobs done old",
    "new", "events sent old", "new", "exports old", "new", "5xx", "no answer", "verdict",
)


def as_json(taken: Taken) -> dict[str, Any]:
    to = Counter(one.release for one in taken.seen)
    judged = taken.judged
    return {
        "order": taken.order,
        "step": taken.step,
        "seconds": round(taken.seconds, 1),
        "requests": len(taken.seen),
        "toOld": to["old"],
        "toNew": to["new"],
        "accepted": taken.accepted,
        "repeated": taken.repeated,
        "did": {program: {"old": old, "new": new} for program, (old, new) in taken.did.items()},
        "5xx": sum(one.status >= 500 for one in taken.failed),
        "noAnswer": sum(one.status == 0 for one in taken.failed),
        "judged": judged and {
            "promised": judged.promised, "events": judged.events, "lost": judged.lost,
            "twice": judged.twice, "outOfOrder": judged.disordered,
        },
        "verdict": "broken" if taken.wrong else "holds",
        "wrong": taken.wrong,
    }


def as_markdown(all_taken: Sequence[Taken]) -> str:
    """The table, and below it what is wrong."""
    lines = [f"| {' | '.join(_COLUMNS)} |", f"|{'---|' * len(_COLUMNS)}"]
    for told in map(as_json, all_taken):
        lines.append(f"| {' | '.join(map(str, _cells(told)))} |")
    wrong = [f"{one.order}, {one.step}: {text}" for one in all_taken for text in one.wrong]
    return "\n".join([*lines, *(["", *wrong] if wrong else [])])


def _cells(told: dict[str, Any]) -> list[object]:
    if told["judged"]:
        one = told["judged"]
        summary = (
            f"{told['step']}: {one['promised']} jobs and {one['events']} events promised, "
            f"{one['lost']} lost, {one['twice']} twice, {one['outOfOrder']} out of order"
        )
        return [told["order"], summary, told["seconds"], *["–"] * 13, told["verdict"]]
    did = told["did"]
    jobs = [did["users"][one] + did["coupons"][one] for one in ("old", "new")]
    return [
        told["order"], told["step"], told["seconds"], told["requests"], told["toOld"],
        told["toNew"], told["accepted"], told["repeated"], *jobs, *did["scheduler"].values(),
        *did["consumers"].values(), told["5xx"], told["noAnswer"], told["verdict"],
    ]
