"""The overload's one table, and the same as JSON."""

from typing import Any

from tests.support.chaos.memory import Held
from tests.support.chaos.overload import Flooded, Phase, Result

_COLUMNS = (
    "lane flooded", "asked/s", "sent/s", "202/s", "503/s", "other answers", "none", "done/s",
    "accepted p99 ms", "503 p99 ms", "the other lane's accepted→ended p50, p99 ms: before",
    "meanwhile", "afterwards", "its refusals", "empty after s",
)
_MEMORY = ("process", "lane flooded", "began MiB", "most MiB", "ended MiB", "growth MiB", "level")


def as_json(result: Result) -> dict[str, Any]:
    return {
        "settings": {
            "seconds": result.extent.seconds, "rate": result.extent.rate,
            "maxQueued": result.extent.max_queued, "maxAgeSeconds": result.extent.max_age,
            "drainBatch": result.extent.drain_batch, "connections": result.extent.connections,
        },
        "lanes": [_lane(one) for one in result.flooded],
        "fleetMebibytes": round(result.memory_mebibytes, 1),
        "overloaded": result.overloaded(),
        "wrong": result.all_wrong(),
    }


def _lane(one: Flooded) -> dict[str, Any]:
    tally = one.tally
    rates = {name: count / tally.seconds for name, count in tally.answers.items()}
    others = {name: n for name, n in tally.answers.items() if name not in ("202", "503")}
    return {
        "lane": str(one.lane),
        "asked": round((tally.sent + tally.held_back) / tally.seconds, 1),
        "sent": round(tally.sent / tally.seconds, 1),
        "accepted": round(rates.get("202", 0.0), 1),
        "refused": round(rates.get("503", 0.0), 1),
        "others": others,
        "noAnswer": tally.no_answer,
        "without Retry-After or COMMON008": tally.bare,
        "done": round(one.done / tally.seconds, 1),
        "unkept": one.unkept,
        "acceptedP99": round(tally.accepted_p99),
        "refusedP99": round(tally.refused_p99),
        "floodCpu": round(tally.cpu, 2),
        "otherLane": [_phase(phase) for phase in (one.before, one.meanwhile, one.after)],
        "drainedAfter": round(one.drained_after, 1),
        "processes": {name: _held(held) for name, held in one.held.items()},
        "services": {name: _held(held) for name, held in one.services.items()},
    }


def _phase(phase: Phase) -> dict[str, Any]:
    return {
        "name": phase.name, "seconds": round(phase.seconds, 1), "requests": len(phase.entries),
        "p50": round(phase.p50), "p99": round(phase.p99), "answeredP99": round(phase.answered_p99),
        "refused": sum(entry.status not in (200, 201) for entry in phase.entries),
    }


def _held(held: Held) -> dict[str, Any]:
    sizes = {"began": held.began, "most": held.most, "ended": held.ended, "growth": held.growth}
    return {**{name: round(size / 2**20, 1) for name, size in sizes.items()}, "level": held.level}


def as_markdown(result: Result) -> str:
    """What came of each flood, the memory of each process, and below it what is wrong."""
    told = as_json(result)
    lines = [_row(_COLUMNS), _rule(_COLUMNS)]
    for one in told["lanes"]:
        phases = one["otherLane"]
        lines.append(_row((
            one["lane"], one["asked"], one["sent"], one["accepted"], one["refused"],
            one["others"] or 0, one["noAnswer"], one["done"], one["acceptedP99"],
            one["refusedP99"],
            *(f"{phase['p50']}, {phase['p99']}" for phase in phases),
            sum(phase["refused"] for phase in phases), one["drainedAfter"],
        )))
    lines += ["", _row(_MEMORY), _rule(_MEMORY)]
    for one in told["lanes"]:
        for judged, group in ((True, "processes"), (False, "services")):
            for name, held in one[group].items():
                level = ("yes" if held["level"] else "NO") if judged else "not judged"
                sizes = (held[size] for size in ("began", "most", "ended", "growth"))
                lines.append(_row((name, one["lane"], *sizes, level)))
    lines += ["", f"The fleet's processes together held {told['fleetMebibytes']} MiB at most."]
    if not told["overloaded"]:
        lines.append("NOT OVERLOADED: a lane turned nothing away.")
    return "\n".join([*lines, *(f"BROKEN: {text}" for text in told["wrong"])])


def _row(cells: Any) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def _rule(cells: tuple[str, ...]) -> str:
    return f"|{'---|' * len(cells)}"
