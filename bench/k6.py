"""The same load by k6, with the scripts of k6/: for whoever trusts no generator of our own.

k6 runs a JavaScript engine for each client and takes several times the CPU, of the same cores. Its
figures include the warm-up. Filling carts before a run is left to our own generator.
"""

import json
import resource
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bench.generator.plan import Loaded, Plan
from bench.loads import LoadMaker
from bench.stage import Stage
from fleet import k6_program
from fleet.console import StartError
from fleet.layout import PROJECT

_SCRIPTS = {"front": "front", "coupon": "coupon", "charge": "charge", "order": "order",
            "cancel": "cancel", "read": "poll"}
_MISSED = 99
"""k6's exit status when a threshold was not held."""


class K6LoadMaker(LoadMaker):
    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self._program = k6_program.find(stage.checkout.environment)

    def _carry_out(self, plan: Plan, during: Callable[[], None] | None) -> Loaded:
        if plan.act not in _SCRIPTS:
            return super()._carry_out(plan, during)
        summary = self._path("k6.json")
        summary.unlink(missing_ok=True)
        variables = {"BASE_URL": self._stage.url, "TOKENS": plan.tokens, "SUMMARY": str(summary),
                     **self._variables(plan)}
        environment = {"K6_NO_USAGE_REPORT": "true", **self._stage.checkout.environment,
                       **variables}
        script = PROJECT / "k6" / f"{_SCRIPTS[plan.act]}.js"
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = self._program.command(script, ["--quiet"], environment)
        status = self._wait_for(command, environment, plan, during)
        if status not in (0, _MISSED) or not summary.exists():
            raise StartError(f"k6 failed ({status}); see {self._path('generator.log')}")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return loaded_of(json.loads(summary.read_text()), used)

    def _variables(self, plan: Plan) -> dict[str, str]:
        """What the scripts are told, as text."""
        told: dict[str, Any] = {
            "CLIENTS": plan.clients, "DURATION": f"{max(1, round(plan.seconds))}s",
            "USERS": len(Path(plan.tokens).read_text().split()),
        }
        if plan.rate or plan.think:
            told["RATE"] = max(1, round(plan.rate or 0.5 / plan.think))
        elif plan.total:
            told["ITERATIONS"] = plan.total
        return {name: str(value) for name, value in (told | self._of_act(plan)).items()}

    def _of_act(self, plan: Plan) -> dict[str, Any]:
        arguments: Mapping[str, Any] = plan.arguments
        followed = {"FOLLOW": int(plan.follow), "WAIT": 1}
        match plan.act:
            case "coupon":
                return followed | {"COUPON_ID": arguments["coupon_id"]}
            case "order":
                return followed | {"CARTS": "filled"}
            case "cancel":
                return followed | {"FIRST_ORDER": arguments["first_order"]}
            case "read":
                path = self._path("paths")
                path.write_text("\n".join(self._spelled_out(plan)))
                return {"PATHS": path, "HOLD": arguments.get("wait", 0)}
            case _:
                return followed

    @staticmethod
    def _spelled_out(plan: Plan) -> list[str]:
        found: list[str] = plan.arguments["paths"]
        return found


def loaded_of(run: Mapping[str, Any], cpu_seconds: float) -> Loaded:
    """k6's summary, as our own generator would tell it."""
    row = run["rows"][0]
    latency = {name: row.get(name) or 0.0 for name in ("p50", "p95", "p99")}
    latency["max"] = row.get("max") or latency["p99"]
    if "answers" in row:
        errors = {"not answered 200": row["notAnswered"]} if row["notAnswered"] else {}
        return Loaded(run["seconds"], row["answers"], 0, 0, {}, errors, 0, latency, 0, cpu_seconds)
    rate = row["endedPerSecond"] or row["acceptedPerSecond"]
    count = row["ended"] or row["accepted"]
    errors = {"server error": run["serverErrors"]} if run["serverErrors"] else {}
    refused = sum(row["refusals"].values())
    return Loaded(
        seconds=count / rate if rate else run["seconds"],
        sent=row["accepted"] or refused,
        accepted=row["accepted"],
        ended=row["ended"],
        refusals=row["refusals"],
        errors=errors,
        not_ended=run["jobsNotEnded"],
        latency=latency,
        held_back=0,
        cpu_seconds=cpu_seconds,
    )
