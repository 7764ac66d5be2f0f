"""An identity provider as a process of its own: publishes a key set by HTTP, well or badly.

``python -m tests.support.identity_provider DIRECTORY PORT`` answers with what lies in the directory
at the moment of each request; :class:`IdentityProvider` starts it and puts things there.
"""

import json
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from fleet.layout import PROJECT
from fleet.ports import find_free_port
from tests.support.issuer import Key, key_set
from tests.support.waiting import eventually

KEYS, BEHAVIOUR, CERTIFICATE = "keys.json", "behaviour.json", "server.pem"
LONG_SECONDS = 60


class IdentityProvider:
    """Given: an issuer that can be away, slow, wrong, and change its keys."""

    def __init__(self, directory: Path, scheme: str = "http") -> None:
        self._directory = directory
        self.port = find_free_port(set())
        self.url = f"{scheme}://127.0.0.1:{self.port}/keys"
        self._process: subprocess.Popen[bytes] | None = None
        self.behave()

    def publish(self, *keys: Key | dict[str, Any]) -> None:
        self._put(KEYS, key_set(keys))

    def behave(self, **behaviour: Any) -> None:
        """From now on: ``seconds`` of silence before, another ``status`` or ``body``, a
        ``location``, a ``trickle`` or an ``endless`` body; nothing said: well."""
        self._put(BEHAVIOUR, json.dumps(behaviour).encode())

    @property
    def requests(self) -> int:
        """How many were made."""
        log = self._directory / "requests"
        return len(log.read_bytes()) if log.exists() else 0

    def start(self) -> None:
        ready = self._directory / "ready"
        ready.unlink(missing_ok=True)
        words = [sys.executable, "-m", "tests.support.identity_provider", str(self._directory)]
        self._process = subprocess.Popen([*words, str(self.port)], cwd=PROJECT)
        eventually(ready.exists, 20, "the identity provider listens")

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def _put(self, name: str, content: bytes) -> None:
        draft = self._directory / f"{name}.new"
        draft.write_bytes(content)
        draft.replace(self._directory / name)


def serve(directory: Path, port: int) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", port), _handler(directory))
    if (directory / CERTIFICATE).exists():
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(directory / CERTIFICATE)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    (directory / "ready").touch()
    server.serve_forever()


def _handler(directory: Path) -> type[BaseHTTPRequestHandler]:
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with lock, (directory / "requests").open("ab") as log:
                log.write(b".")
            behaviour = json.loads((directory / BEHAVIOUR).read_bytes())
            time.sleep(behaviour.get("seconds", 0))
            self.send_response(behaviour.get("status", 200))
            if "location" in behaviour:
                self.send_header("Location", behaviour["location"])
            self.send_header("Connection", "close")
            self.end_headers()
            for part in self._parts(behaviour):
                self.wfile.write(part)

        def _parts(self, behaviour: dict[str, Any]) -> Iterable[bytes]:
            if behaviour.get("endless"):
                while True:
                    yield b" " * 65_536
            if behaviour.get("trickle"):
                for _ in range(LONG_SECONDS * 10):
                    yield b" "
                    time.sleep(0.1)
            if "body" in behaviour:
                yield behaviour["body"].encode()
            else:
                yield (directory / KEYS).read_bytes()

        def log_message(self, *words: Any) -> None:
            pass

    return Handler


if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2]))
