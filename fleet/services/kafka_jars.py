"""Apache Kafka's jars, fetched once by Maven as `deploy/kafka/pom.xml` pins them."""

import fcntl
import hashlib
import shutil
import subprocess
from pathlib import Path

from fleet.console import StartError, last_lines, step
from fleet.layout import DEVELOPMENT, PROJECT
from fleet.packages import executable

_LIBRARY = DEVELOPMENT.base / "kafka" / "lib"
_STAMP = _LIBRARY / "pom.sha256"
_POM = PROJECT / "deploy" / "kafka" / "pom.xml"
LOGGING = PROJECT / "deploy" / "kafka" / "log4j2.properties"


def present() -> bool:
    """Whether the jars are there as the pom names them."""
    try:
        return _STAMP.read_text() == _digest()
    except FileNotFoundError:
        return False


def ensure() -> Path:
    """The directory of the jars, filled if it is missing or the pom has changed.

    All of a checkout's brokers share it, those of its tests too. Raises StartError.
    """
    _LIBRARY.parent.mkdir(parents=True, exist_ok=True)
    with (_LIBRARY.parent / "lib.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not present():
            with step("fetching Apache Kafka's jars with Maven (43 MB, once)"):
                _fetch()
    return _LIBRARY


def _digest() -> str:
    return hashlib.sha256(_POM.read_bytes()).hexdigest()


def _fetch() -> None:
    """Into a directory beside it, moved into place whole."""
    draft = _LIBRARY.with_name("lib.new")
    shutil.rmtree(draft, ignore_errors=True)
    log_path = DEVELOPMENT.log / "maven.log"
    command = [
        *(executable("mvn"), "--batch-mode", "--strict-checksums", "--no-transfer-progress"),
        f"--file={_POM}",
        "dependency:copy-dependencies",
        f"-DoutputDirectory={draft}",
    ]
    with log_path.open("wb") as log:
        found = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, check=False
        )
    if found.returncode or not any(draft.glob("kafka_*.jar")):
        raise StartError(
            f"Maven could not fetch Apache Kafka; the end of {log_path}:\n{last_lines(log_path)}"
        )
    (draft / _STAMP.name).write_text(_digest())
    shutil.rmtree(_LIBRARY, ignore_errors=True)
    draft.replace(_LIBRARY)
