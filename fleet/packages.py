"""Programs of the operating system's own packages: found, or installed after saying so."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from fleet.console import StartError, last_lines, say, step
from fleet.layout import DEVELOPMENT

_OLDEST_JAVA = 17

# The Debian and Ubuntu packages that hold each program.
_PACKAGES = {
    "mariadbd": "mariadb-server",
    "mariadb-install-db": "mariadb-server",
    "redis-server": "redis-server",
    "java": "default-jre-headless",
    "gcc": "gcc",
    "mvn": "maven",
}

# Debian keeps servers out of an ordinary user's PATH.
_ALSO = ("/usr/sbin", "/usr/local/sbin", "/usr/libexec")

# A policy that forbids invoke-rc.d anything keeps the installation from starting the distribution's
# own servers on the default ports; one that is there already is the machine's, and stays.
_INSTALL = """
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\\nexit 101\\n' > "$policy" && chmod 755 "$policy"
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -o Acquire::Retries=3
apt-get install --yes --no-install-recommends -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 "$@"
"""


def find(program: str) -> str | None:
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *_ALSO])
    return shutil.which(program, path=path)


def executable(program: str) -> str:
    """The program's path. Raises FileNotFoundError; `ensure` is to be called before."""
    found = find(program)
    if found is None:
        raise FileNotFoundError(f"{program} is not installed")
    return found


def java() -> str:
    """The Java to run Kafka with: JAVA_HOME's if set, as its own scripts do, or the PATH's."""
    home = os.environ.get("JAVA_HOME")
    return str(Path(home) / "bin" / "java") if home else executable("java")


def ensure(programs: Iterable[str]) -> None:
    """Install what is missing of these programs, where that is allowed. Raises StartError."""
    programs = list(programs)
    missing = sorted({_PACKAGES[program] for program in programs if not _usable(program)})
    if not missing:
        return
    hint = f"missing: {', '.join(missing)}"
    privilege = _privilege()
    if find("apt-get") is None:
        raise StartError(
            f"{hint}. Install them, start Docker, or set DATABASE_URL, REDIS_URL and "
            "KAFKA_BOOTSTRAP_SERVERS to services of your own."
        )
    if privilege is None:
        raise StartError(f"{hint}. Run: sudo apt-get install {' '.join(missing)}")
    say(f"Installing from the distribution's packages: {', '.join(missing)}")
    _install(missing, privilege)
    unusable = sorted({program for program in programs if not _usable(program)})
    if unusable:
        raise StartError(
            f"installed {', '.join(missing)}, but still cannot use: {', '.join(unusable)}"
            + (f" (Java {_OLDEST_JAVA} or newer is needed)" if "java" in unusable else "")
        )


def _privilege() -> list[str] | None:
    """The words before a command that needs root; None if it may not be run without a password."""
    if os.getuid() == 0:
        return []
    if find("sudo") and subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode == 0:
        return ["sudo", "-n"]
    return None


def _install(packages: list[str], privilege: list[str]) -> None:
    log_path = DEVELOPMENT.log / "apt.log"
    command = [*privilege, "sh", "-c", _INSTALL, "install", *packages]
    with step("installing packages"), log_path.open("wb") as log:
        installed = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, check=False
        )
        if installed.returncode:
            raise StartError(f"apt-get failed; the end of {log_path}:\n{last_lines(log_path)}")


def _usable(program: str) -> bool:
    if program != "java":
        return find(program) is not None
    if not os.environ.get("JAVA_HOME") and find("java") is None:
        return False
    version = _java_version()
    return version is not None and version >= _OLDEST_JAVA


def _java_version() -> int | None:
    """The major version, from the first line of `java -version`; None if it does not run."""
    try:
        told = subprocess.run([java(), "-version"], capture_output=True, text=True, check=False)
    except OSError:
        return None
    found = re.search(r'version "(\d+)', told.stderr)
    return int(found.group(1)) if found else None
