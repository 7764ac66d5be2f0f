"""``python -m bench.generator PLAN RESULT``."""

import gc
import json
import sys
from dataclasses import asdict
from pathlib import Path

from bench.generator.acts import Users, request_of
from bench.generator.loop import Loop
from bench.generator.plan import Plan


def main(plan_path: Path, result_path: Path) -> None:
    plan = Plan.load(plan_path)
    arguments = dict(plan.arguments)
    users = Users.read(Path(plan.tokens), plan.port, arguments.pop("first_user", 0))
    loop = Loop(plan, users, request_of(plan.act, users, arguments))
    gc.disable()  # nothing here makes circles, and a pause would count as the server's
    result_path.write_text(json.dumps(asdict(loop.run())))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
