"""Loopback ports, found free once and remembered, so that a service keeps its address."""

import fcntl
import json
import random
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Away from the services' default ports, and below the ports that Linux hands to outgoing
# connections (32768 up): one of those could sit on a port while its service restarts.
_FIRST, _LAST = 20_000, 31_999


class PortBook:
    """The ports of one base directory, kept in a small JSON file that several processes may use."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def known(self, name: str) -> int | None:
        return self._read().get(name)

    def reserve(self, name: str, prefer: int | None = None) -> int:
        """The port of `name`, which is not running now: the remembered one while it is free.

        Otherwise `prefer` if that is free, or else any free one; it is remembered from then on.
        """
        with self._locked():
            ports = self._read()
            others = {port for owner, port in ports.items() if owner != name}
            wanted = [port for port in (ports.get(name), prefer) if port is not None]
            port = next(
                (port for port in wanted if port not in others and is_free(port)), None
            ) or find_free_port(others)
            if ports.get(name) != port:
                ports[name] = port
                draft = self._path.with_suffix(".new")
                draft.write_text(json.dumps(ports, indent=2, sort_keys=True) + "\n")
                draft.replace(self._path)
            return port

    def _read(self) -> dict[str, int]:
        try:
            kept = json.loads(self._path.read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return {str(name): int(port) for name, port in kept.items()}

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def is_free(port: int) -> bool:
    """Whether a server could listen there, judged by its own means: bind with SO_REUSEADDR.

    The look disturbs no server that starts at the same instant: a socket that is bound so, and does
    not listen, stands in nobody's way (socket(7)). A probe that listened once kept Kafka's port
    from it.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def find_free_port(taken: set[int] | None = None) -> int:
    """A free port, drawn at random so that two searches at once seldom meet.

    Raises OSError if none is left.
    """
    candidates = list(range(_FIRST, _LAST + 1))
    random.shuffle(candidates)
    for port in candidates:
        if port not in (taken or set()) and is_free(port):
            return port
    raise OSError(f"no free port between {_FIRST} and {_LAST}")
