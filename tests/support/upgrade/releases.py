"""The two releases: this checkout, and an earlier one taken out of its history."""

import hashlib
import io
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fleet.console import StartError, last_lines, step
from fleet.layout import DEVELOPMENT, PROJECT


class NotInThisClone(StartError):
    """The release to upgrade from cannot be had here."""


@dataclass(frozen=True)
class Release:
    """Where its programs stand, and the interpreter that has its requirements."""

    name: str
    source: Path
    python: Path


def this_release() -> Release:
    return Release("new", PROJECT, Path(sys.executable))


def earlier_release(reference: str, directory: Path) -> Release:
    """The release that a tag or commit names: its files below ``directory``, and its virtual
    environment, which is kept for the next time. Raises NotInThisClone."""
    commit = _commit(reference)
    source = directory / "source"
    packed = _git("archive", "--format=tar", commit)
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        archive.extractall(source, filter="data")
    return Release("old", source, _interpreter(source / "requirements.txt"))


def _commit(reference: str) -> str:
    try:
        found = _git("rev-parse", "--verify", "--quiet", f"{reference}^{{commit}}", check=False)
    except FileNotFoundError:
        raise NotInThisClone("git is missing, and with it the release to upgrade from") from None
    if found.returncode:
        raise NotInThisClone(
            f"{reference} is not in this clone; `git fetch --tags` brings it "
            "(with --unshallow where the clone is shallow), --from names another one"
        )
    return found.stdout.decode().strip()


def _git(*words: str, check: bool = True) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["git", *words], cwd=PROJECT, capture_output=True, check=check)


def _interpreter(requirements: Path) -> Path:
    """Python with exactly these packages, made once for each content of the file."""
    digest = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()[:12]
    place = DEVELOPMENT.base / "releases" / f"venv-{digest}"
    python, filled = place / "bin" / "python", place / "filled"
    if not filled.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        log = place.parent / f"venv-{digest}.log"
        with step("the earlier release's own Python packages, once"):
            _run([sys.executable, "-m", "venv", "--clear", str(place)], log)
            _run([
                str(python), "-m", "pip", "install", "--no-input", "--disable-pip-version-check",
                "--require-hashes", "--requirement", str(requirements),
            ], log)
        filled.touch()
    return python


def _run(words: Sequence[str], log: Path) -> None:
    with log.open("ab") as output:
        done = subprocess.run(words, stdout=output, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        raise StartError(f"its packages could not be installed; the end of {log}:\n"
                         f"{last_lines(log)}")
