"""The environment the runner works in: `.env` where present, below what is really set."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values

from fleet.layout import PROJECT


def effective(environment: Mapping[str, str], dotenv: Path = PROJECT / ".env") -> dict[str, str]:
    """The environment with `.env` filling what it leaves unset or empty.

    This Python's own programs (gunicorn, dramatiq) come first in PATH, as a Procfile expects.
    """
    merged = {name: value for name, value in dotenv_values(dotenv).items() if value}
    merged.update({name: value for name, value in environment.items() if value})
    programs = str(Path(sys.executable).parent)
    merged["PATH"] = os.pathsep.join([programs, merged.get("PATH", os.defpath)])
    return merged
