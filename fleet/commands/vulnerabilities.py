"""`./dev vulnerabilities`: does a library that we pin have a known vulnerability?"""

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from fleet.console import say
from fleet.layout import PROJECT

NONE, FOUND, UNKNOWN = 0, 1, 2
_PINNED = ("requirements.txt", "requirements-dev.txt")


def vulnerabilities(words: Sequence[str]) -> int:
    """Ask pip-audit about every pinned library; further words go to it.

    Returns 0 when none has a known vulnerability, 1 when some have, which are listed, and 2 when
    that is not known: the database did not answer, or knows nothing of a library.
    """
    requirements = [word for file in _PINNED for word in ("--requirement", str(PROJECT / file))]
    done = subprocess.run(
        [
            sys.executable, "-m", "pip_audit", *requirements, "--disable-pip", "--require-hashes",
            "--format", "json", "--progress-spinner", "off", *words,
        ],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )
    try:
        told: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        say(f"./dev vulnerabilities: not known: {_reason(done.stderr)}")
        return UNKNOWN
    return _report(told)


def _reason(told: str) -> str:
    """The last thing that pip-audit says, which is why it has given up."""
    lines = [line.strip() for line in told.splitlines() if line.strip()]
    return f"the database of vulnerabilities did not answer ({lines[-1][:300] if lines else '-'})"


def _report(told: Sequence[dict[str, Any]]) -> int:
    skipped = [one for one in told if "skip_reason" in one]
    found = [(one, vulnerability) for one in told for vulnerability in one.get("vulns", ())]
    for library, vulnerability in found:
        mended = ", ".join(vulnerability["fix_versions"]) or "no release yet"
        print(f"{library['name']} {library['version']}: {vulnerability['id']}, mended in {mended}")
    if skipped:
        first = skipped[0]["skip_reason"]
        say(f"./dev vulnerabilities: not known of {len(skipped)} of {len(told)} libraries: {first}")
    if found:
        return FOUND
    if skipped or not told:
        return UNKNOWN
    print(f"{len(told)} libraries, none with a known vulnerability.")
    return NONE
