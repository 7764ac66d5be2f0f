"""Running the generator, as a process of its own, against the stage."""

import subprocess
import sys
from collections.abc import Callable
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
        self.cpu_seconds = 0.0

    def run(
        self, act: str, *, first_user: int, users: int, seconds: float,
        during: Callable[[], None] | None = None, **more: Any,
    ) -> Loaded:
        """Run one plan to its end; :class:`Plan` says what ``more`` may tell.

        during: called while the load is on, in this process. Raises StartError if the generator
        fails.
        """
        arguments = {"first_user": first_user, **more.pop("arguments", {})}
        plan = Plan(
            port=self._stage.port, act=act, tokens=str(self._stage.tokens(first_user, users)),
            arguments=arguments, seconds=seconds, **more,
        )
        directory = self._stage.directory / "run"
        plan_path, result_path = directory / "plan.json", directory / "loaded.json"
        plan.save(plan_path)
        result_path.unlink(missing_ok=True)
        command = [sys.executable, "-m", "bench.generator", str(plan_path), str(result_path)]
        with subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.DEVNULL) as child:
            self.pid = child.pid
            try:
                if during is not None:
                    during()
                child.wait(timeout=seconds + plan.patience + 60)
            except BaseException:
                child.kill()
                raise
            finally:
                self.pid = None
        if child.returncode:
            raise StartError(f"the load generator failed ({child.returncode})")
        loaded = Loaded.load(result_path)
        self.cpu_seconds += loaded.cpu_seconds
        return loaded
