"""A TCP proxy that fails on purpose, as a process of its own.

``python -m tests.support.chaos.proxy LISTEN TARGET CONTROL`` (three loopback ports). Whoever
connects to CONTROL sends one JSON object a line and gets one back: :class:`Behaviour`'s fields to
be changed, answered by what has happened so far.
"""

import asyncio
import contextlib
import json
import random
import socket
import sys
from dataclasses import asdict, dataclass, fields
from typing import Literal

_COMMIT = b"\x03COMMIT"
"""A COM_QUERY packet (MySQL protocol, command 0x03) without its four bytes of header."""
_AND_COMMIT = b"; COMMIT"
"""The end of one that holds a transaction's last statement too."""
_ROLLBACK = b"\x03ROLLBACK"
CHUNK = 64 * 1024
KEPT = 256 * 1024


@dataclass
class Behaviour:
    """How connections are served, those under way included.

    ``mode``: ``pass``; ``silent`` (half-open: bytes are taken and go nowhere); ``refuse`` (cut, and
    new ones are cut at once). ``latency`` in seconds before each answer; up to ``latency_to``, by
    chance, where that is more. ``cut_commits``: so many of the next COMMITs reach the server, whose
    answer is then kept and the connection cut; ``cut_after``: only those of transactions in which
    this text was sent.
    """

    mode: Literal["pass", "silent", "refuse"] = "pass"
    latency: float = 0.0
    latency_to: float = 0.0
    cut_commits: int = 0
    cut_after: str = ""

    def seconds(self) -> float:
        """How long the next answer is kept."""
        return random.uniform(self.latency, max(self.latency, self.latency_to))


class Proxy:
    def __init__(self, target: int) -> None:
        self._target = target
        self._behaviour = Behaviour()
        self._open: set[asyncio.Task[None]] = set()
        self.commits_cut = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client, until either side ends or the behaviour cuts it."""
        if self._behaviour.mode == "refuse":
            writer.transport.abort()
            return
        try:
            upstream, to_server = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        link = _Link()
        ways = [
            asyncio.ensure_future(self._requests(reader, to_server, link)),
            asyncio.ensure_future(self._answers(upstream, writer, link)),
        ]
        self._open.update(ways)
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            self._open.difference_update(ways)
            writer.transport.abort()
            to_server.transport.abort()

    async def _requests(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, link: "_Link"
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK):
                if self._behaviour.mode == "silent":
                    continue
                link.said = (link.said + data)[-KEPT:]
                if data[4:] == _COMMIT or data.endswith(_AND_COMMIT):
                    if self._behaviour.cut_commits > 0 and self._wanted(link):
                        self._behaviour.cut_commits -= 1
                        link.cut_at_answer = True
                    link.said = b""
                elif data[4:] == _ROLLBACK:
                    link.said = b""
                writer.write(data)
                await writer.drain()

    def _wanted(self, link: "_Link") -> bool:
        return self._behaviour.cut_after.encode() in link.said

    async def _answers(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, link: "_Link"
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK):
                if link.cut_at_answer:
                    self.commits_cut += 1
                    return
                if seconds := self._behaviour.seconds():
                    await asyncio.sleep(seconds)
                if self._behaviour.mode == "silent":
                    continue
                writer.write(data)
                await writer.drain()

    async def control(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Orders, one a line."""
        while line := await reader.readline():
            wanted = {**asdict(self._behaviour), **json.loads(line)}
            self._behaviour = Behaviour(**{one.name: wanted[one.name] for one in fields(Behaviour)})
            if self._behaviour.mode == "refuse":
                for way in list(self._open):
                    way.cancel()
            told = {"commits_cut": self.commits_cut, "open": len(self._open) // 2}
            writer.write(json.dumps(told).encode() + b"\n")
            await writer.drain()


@dataclass
class _Link:
    """What is known of one connection."""

    cut_at_answer: bool = False
    said: bytes = b""
    """What the client has sent since its transaction before."""


class Dial:
    """The test's hand on a running proxy."""

    def __init__(self, control: int) -> None:
        self._control = control

    def set(self, **behaviour: object) -> dict[str, int]:
        """Change the behaviour; what has happened so far."""
        with socket.create_connection(("127.0.0.1", self._control), timeout=10) as link:
            link.sendall(json.dumps(behaviour).encode() + b"\n")
            told: dict[str, int] = json.loads(link.makefile().readline())
            return told

    def ready(self) -> bool:
        try:
            self.set()
        except (OSError, ValueError):
            return False
        return True


async def _main(listen: int, target: int, control: int) -> None:
    proxy = Proxy(target)
    servers = [
        await asyncio.start_server(proxy.serve, "127.0.0.1", listen, backlog=1024),
        await asyncio.start_server(proxy.control, "127.0.0.1", control),
    ]
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    asyncio.run(_main(*map(int, sys.argv[1:4])))
