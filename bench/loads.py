"""Running the generator, as a process of its own, against the stage."""

import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.generator.plan import Loaded, Plan
from bench.stage import Stage
from fleet.console import StartError
from fleet.layout import PROJECT


class LoadMaker:
    """Makes load on a stage; knows the generator's process while it runs."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.pid: int | None = None

    def run(
        self, act: str, *, first_user: int, users: int, seconds: float, admin: bool = False,
        during: Callable[[], None] | None = None, **more: Any,
    ) -> Loaded:
        """Run one plan to its end; :class:`Plan` says what ``more`` may tell.

        admin: whether the users' tokens are admins'.
        during: called while the load is on, in this process. Raises StartError if the generator
        fails.
        """
        arguments = {"first_user": first_user, **more.pop("arguments", {})}
        tokens = self._stage.tokens(first_user, users, admin)
        plan = Plan(
            port=self._stage.port, act=act, tokens=str(tokens),
            arguments=arguments, seconds=seconds, **more,
        )
        return self._carry_out(plan, during)

    def _carry_out(self, plan: Plan, during: Callable[[], None] | None) -> Loaded:
        plan_path, result_path = self._path("plan.json"), self._path("loaded.json")
        plan.save(plan_path)
        result_path.unlink(missing_ok=True)
        command = [sys.executable, "-m", "bench.generator", str(plan_path), str(result_path)]
        status = self._wait_for(command, None, plan, during)
        if status:
            raise StartError(f"the load generator failed ({status})")
        return Loaded.load(result_path)

    def _path(self, name: str) -> Path:
        return self._stage.directory / "run" / name

    def _wait_for(
        self, command: Sequence[str], environment: Mapping[str, str] | None, plan: Plan,
        during: Callable[[], None] | None,
    ) -> int:
        """Its exit status."""
        with (
            self._path("generator.log").open("ab") as log,
            subprocess.Popen(
                command, cwd=PROJECT, env=environment, stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT,
            ) as child,
        ):
            self.pid = child.pid
            try:
                if during is not None:
                    during()
                return child.wait(timeout=plan.seconds + plan.patience + 60)
            except BaseException:
                child.kill()
                raise
            finally:
                self.pid = None
