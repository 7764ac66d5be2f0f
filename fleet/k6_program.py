"""k6: a program of this machine, or a Docker image, or built once from its Go module."""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fleet.console import StartError, last_lines, step
from fleet.layout import DEVELOPMENT
from fleet.services import compose

VERSION = "1.8.1"
_IMAGE = f"grafana/k6:{VERSION}"
_MODULE = f"go.k6.io/k6@v{VERSION}"

# What the scripts read; in Docker nothing else of this environment is known, but for k6's own.
VARIABLES = frozenset(
    {
        *("AMOUNT", "BASE_URL", "CARTS", "CHARGES", "CLIENTS", "COUPON_ID", "COUPON_REQUESTS"),
        *("DURATION", "FIRST_ORDER", "FOLLOW", "HOLD", "ITERATIONS", "JOB_TIMEOUT", "LINES"),
        *("ORDERS", "P99_MS", "PATHS", "PRODUCTS", "RATE", "STAGES", "SUMMARY", "TOKENS"),
        *("USERS", "VARIANT", "WAIT"),
    }
)


@dataclass(frozen=True)
class Native:
    """k6 as a program of this machine."""

    path: str

    def command(
        self, script: Path, words: Sequence[str], environment: Mapping[str, str]
    ) -> list[str]:
        return [self.path, "run", *words, str(script)]


@dataclass(frozen=True)
class Docker:
    """k6 in a container that sees the scripts and the run's files at the paths they have here."""

    platform: str = sys.platform

    def command(
        self, script: Path, words: Sequence[str], environment: Mapping[str, str]
    ) -> list[str]:
        known = {name: environment[name] for name in sorted(VARIABLES & environment.keys())}
        known |= {name: text for name, text in environment.items() if name.startswith("K6_")}
        if self.platform != "linux":
            # There containers live in a virtual machine, whose loopback is not this one.
            known["BASE_URL"] = known.get("BASE_URL", "http://127.0.0.1:8000").replace(
                "//127.0.0.1", "//host.docker.internal"
            )
        mounts = [f"{script.parent}:{script.parent}:ro"]
        mounts += [f"{known[name]}:{known[name]}:ro" for name in ("TOKENS", "PATHS")
                   if name in known]
        if "SUMMARY" in known:
            directory = Path(known["SUMMARY"]).parent
            mounts.append(f"{directory}:{directory}")
        return [
            *("docker", "run", "--rm", f"--user={os.getuid()}:{os.getgid()}"),
            *(["--network=host"] if self.platform == "linux" else []),
            *(f"--volume={mount}" for mount in mounts),
            *(f"--env={name}={text}" for name, text in known.items()),
            *(_IMAGE, "run", *words, str(script)),
        ]


def find(environment: Mapping[str, str]) -> Native | Docker:
    """k6, from wherever it can be had. Raises StartError where that is nowhere."""
    path = environment.get("PATH")
    program = shutil.which("k6", path=path)
    if program is not None:
        return Native(program)
    if compose.works():
        return Docker()
    if shutil.which("go", path=path) is not None:
        return Native(_built(environment))
    raise StartError("k6 is missing: install it, start Docker, or install Go 1.25 or newer.")


def _built(environment: Mapping[str, str]) -> str:
    """The program below `.local/bin`, built if it is missing or another version is pinned."""
    program = DEVELOPMENT.base / "bin" / "k6"
    program.parent.mkdir(parents=True, exist_ok=True)
    log_path = DEVELOPMENT.log / "k6-build.log"
    command = ["go", "install", _MODULE]
    with program.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _is_pinned(program):
            return str(program)
        label = f"building k6 {VERSION} from its Go module (some minutes, once)"
        with step(label), log_path.open("wb") as log:
            built = subprocess.run(
                command,
                env={**environment, "GOBIN": str(program.parent)},
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
    if built.returncode:
        raise StartError(f"k6 could not be built; the end of {log_path}:\n{last_lines(log_path)}")
    return str(program)


def _is_pinned(program: Path) -> bool:
    if not program.exists():
        return False
    told = subprocess.run([program, "version"], capture_output=True, text=True, check=False)
    return told.stdout.startswith(f"k6 v{VERSION} ")
