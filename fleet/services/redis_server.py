"""A private Redis with an append-only file."""

from typing import ClassVar

from fleet.packages import executable
from fleet.services.base import LocalService, Role, listening
from fleet.services.checks import redis_process


class RedisServer(LocalService):
    role: ClassVar[Role] = "redis"
    name: ClassVar[str] = "redis"
    label: ClassVar[str] = "Redis"
    stop_seconds: ClassVar[float] = 20

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def ready(self) -> bool:
        """Ours answers (another may have taken the port meanwhile), with its data loaded."""
        pid = self.pid
        return pid is not None and listening(self.port) and redis_process(self.url) == pid

    def _prepare(self) -> None:
        self.data.mkdir(parents=True, exist_ok=True)

    def _command(self) -> list[str]:
        settings = {
            "bind": "127.0.0.1",
            "port": str(self.port),
            "dir": str(self.data),
            "databases": "16",
            "daemonize": "no",
            "appendonly": "yes",
            "appendfsync": "everysec",
            # No snapshots beside the append-only file.
            "save": "",
            # What is written may not be thrown away for want of memory.
            "maxmemory-policy": "noeviction",
        }
        words = [word for name, value in settings.items() for word in (f"--{name}", value)]
        return [executable("redis-server"), *words]
