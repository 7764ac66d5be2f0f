"""Starting processes of our own, tied to this one or not, and remembering them in pid files."""

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from fleet.identity import ProcessIdentity

# The kernel ties PR_SET_PDEATHSIG to the *thread* that started the child, not to its process. One
# thread that lives as long as this process starts them all, so that a caller's may end at will.
_starter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="starter")

# Those that have ended are reaped when the next one starts.
_children: list[subprocess.Popen[bytes]] = []


@dataclass(frozen=True)
class Spawned:
    """A process with the one it is tied to, if any, as a pid file remembers them."""

    process: ProcessIdentity
    owner: ProcessIdentity | None

    def abandoned(self) -> bool:
        """Its owner has died, so its own end is under way."""
        return self.owner is not None and not self.owner.alive()


class PidFile:
    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Spawned | None:
        """The remembered process if it still runs."""
        try:
            kept = json.loads(self._path.read_text())
            process = ProcessIdentity(**kept["process"])
            owner = kept["owner"] and ProcessIdentity(**kept["owner"])
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None
        return Spawned(process, owner) if process.alive() else None

    def write(self, spawned: Spawned) -> None:
        draft = self._path.with_suffix(".new")
        draft.write_text(json.dumps(asdict(spawned)))
        draft.replace(self._path)

    def clear(self) -> None:
        self._path.unlink(missing_ok=True)


def spawn(
    command: Sequence[str],
    log: Path,
    *,
    environment: Mapping[str, str] | None = None,
    death_signal: str | None = None,
    working_directory: Path | None = None,
) -> Spawned:
    """Start a process in a session of its own, its output appended to `log`.

    With `death_signal` ("TERM", "KILL") it is tied to this process: the kernel sends it that
    signal should this one die in any way. Without, it outlives this process.
    """
    tied = death_signal is not None and shutil.which("setpriv") is not None
    words = [*(["setpriv", "--pdeathsig", str(death_signal)] if tied else []), *command]
    _keep_small(log)

    def start() -> subprocess.Popen[bytes]:
        with log.open("ab") as output:
            return subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=None if environment is None else dict(environment),
                cwd=working_directory,
                start_new_session=True,
            )

    child = _starter.submit(start).result()
    _children[:] = [child, *(one for one in _children if one.poll() is None)]
    identity = ProcessIdentity.of(child.pid)
    owner = ProcessIdentity.of_this_process() if tied else None
    return Spawned(identity or ProcessIdentity(child.pid, "ended at once"), owner)


def _keep_small(log: Path, largest: int = 10 * 1024 * 1024) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > largest:
        log.replace(log.with_suffix(".log.1"))
