"""The checks that keep the code as it is meant to be; one test a tool."""

import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "words",
    [
        ["ruff", "check", "."],
        ["mypy"],
        ["lint-imports"],
        ["bandit", "-q", "-c", "pyproject.toml", "-r", "audit", "bench", "commands", "domain",
         "fleet", "infra", "schedulers", "simulators", "web", "workers"],
    ],
    ids=lambda words: words[0],
)
def test_nothing_to_say(words: list[str]) -> None:
    program = Path(sys.executable).parent / words[0]
    done = subprocess.run(
        [program, *words[1:]], cwd=PROJECT, text=True, capture_output=True, timeout=280
    )
    assert done.returncode == 0, done.stdout + done.stderr
