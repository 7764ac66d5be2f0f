"""Where the runner keeps what it makes: everything lies under one directory, `.local`."""

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent

# sockaddr_un.sun_path holds 108 bytes on Linux and 104 on macOS, the closing NUL included.
_LONGEST_SOCKET_PATH = 103


@dataclass(frozen=True)
class Layout:
    """The paths below one base directory (`.local` of a checkout, or a test's own directory)."""

    base: Path

    @property
    def run(self) -> Path:
        """Pid files, sockets, and the supervisor's generated files."""
        return self._made(self.base / "run")

    @property
    def log(self) -> Path:
        return self._made(self.base / "log")

    @property
    def ports(self) -> Path:
        return self.base / "ports.json"

    def data(self, name: str) -> Path:
        """The directory a service keeps its data in; not created here."""
        return self.base / name

    def socket(self, name: str) -> Path:
        """A path for a unix socket that the operating system accepts, however deep the base is.

        Too long a path is replaced by one in a private directory below the system's own for
        temporary files, named by the base, so that it is the same at every start.
        """
        wanted = self.run / name
        if len(os.fsencode(wanted)) <= _LONGEST_SOCKET_PATH:
            return wanted
        digest = hashlib.sha256(os.fsencode(self.base.resolve())).hexdigest()[:12]
        private = Path(tempfile.gettempdir()) / f"shop-{os.getuid()}-{digest}"
        private.mkdir(mode=0o700, exist_ok=True)
        if private.stat().st_uid != os.getuid():
            raise PermissionError(f"{private} belongs to someone else")
        return private / name

    @staticmethod
    def _made(path: Path) -> Path:
        path.mkdir(parents=True, exist_ok=True)
        return path


DEVELOPMENT = Layout(PROJECT / ".local")
