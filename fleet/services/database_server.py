"""A private database server, MariaDB's or MySQL's: every commit durable, one database, one user
with the rights it needs."""

import os
import secrets
import shutil
import subprocess
from abc import abstractmethod
from pathlib import Path
from typing import ClassVar

from fleet.console import StartError, last_lines
from fleet.environment import effective
from fleet.services.base import LocalService, Role, listening
from fleet.services.checks import database_answers

REDO_LOG_VARIABLE = "FLEET_REDO_LOG"
DEFAULT_REDO_LOG = "1G"

USER = "shop"
DATABASE = "shop"

# Rights on `shop` and on databases named `shop_...` (tests make their own), and to see all of the
# server's threads, as `SHOW ENGINE INNODB STATUS` needs. Run by root at every start, so idempotent.
_GRANTS = r"""
CREATE DATABASE IF NOT EXISTS `{database}` CHARACTER SET utf8mb4;
CREATE USER IF NOT EXISTS '{user}'@'127.0.0.1' IDENTIFIED BY '{password}';
ALTER USER '{user}'@'127.0.0.1' IDENTIFIED BY '{password}';
GRANT ALL PRIVILEGES ON `{database}`.* TO '{user}'@'127.0.0.1';
GRANT ALL PRIVILEGES ON `{database}\_%`.* TO '{user}'@'127.0.0.1';
GRANT PROCESS ON *.* TO '{user}'@'127.0.0.1';
"""


class DatabaseServer(LocalService):
    role: ClassVar[Role] = "database"
    # Replaying the log after a crash under load takes its time.
    start_seconds: ClassVar[float] = 120

    @property
    def url(self) -> str:
        return f"mysql://{USER}:{self._password()}@127.0.0.1:{self.port}/{DATABASE}"

    @property
    def socket(self) -> Path:
        return self.layout.socket(f"{self.name}.sock")

    def ready(self) -> bool:
        """Its own user, whose password no other server knows, gets an answer."""
        return self.running() and listening(self.port) and database_answers(self.url)

    @abstractmethod
    def _initialization(self, directory: Path) -> list[str]:
        """The command that makes a data directory there."""

    @abstractmethod
    def _program(self) -> str:
        """The server's executable. Raises FileNotFoundError."""

    @abstractmethod
    def _own_options(self) -> list[str]:
        """What only this server knows of, or calls by a name of its own."""

    def _own_grants(self) -> str:
        """Further statements for each start, one a line."""
        return ""

    def _prepare(self) -> None:
        self._make_data_directory()
        grants = _GRANTS.format(user=USER, database=DATABASE, password=self._password())
        # One statement a line, and no blank ones: the server reads the file line by line.
        _write_private(self._grants_file, grants.strip() + "\n" + self._own_grants())

    @property
    def _temporary(self) -> Path:
        """Its own: a starting server deletes the temporary tables of all that share its tmpdir."""
        directory = self.layout.run / f"{self.name}-tmp"
        directory.mkdir(exist_ok=True)
        return directory

    @property
    def _grants_file(self) -> Path:
        return self.layout.run / f"{self.name}-grants.sql"

    def _make_data_directory(self) -> None:
        """Made beside its place and moved there whole, so that an interrupted start leaves none."""
        if self.data.exists():
            return
        draft = self.data.with_name(f"{self.name}.new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        command = [*self._initialization(draft), f"--tmpdir={self._temporary}", *_as_root()]
        with self.log.open("ab") as log:
            made = subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, check=False)
        if made.returncode:
            raise StartError(
                f"{self.label}'s data directory could not be made; the end of {self.log}:\n"
                f"{last_lines(self.log)}"
            )
        draft.replace(self.data)

    def _password(self) -> str:
        kept = self.layout.run / f"{self.name}-password"
        try:
            return kept.read_text()
        except FileNotFoundError:
            _write_private(kept, secrets.token_hex(16))
            return kept.read_text()

    def _command(self) -> list[str]:
        return [
            self._program(),
            "--no-defaults",
            f"--datadir={self.data}",
            f"--tmpdir={self._temporary}",
            f"--port={self.port}",
            f"--socket={self.socket}",
            f"--pid-file={self.layout.run / f'{self.name}d.pid'}",
            f"--init-file={self._grants_file}",
            "--bind-address=127.0.0.1",
            "--skip-name-resolve",
            "--skip-log-bin",
            # The promise behind every 202: what was committed survives anything.
            "--innodb-flush-log-at-trx-commit=1",
            "--innodb-buffer-pool-size=512M",
            "--transaction-isolation=READ-COMMITTED",
            "--character-set-server=utf8mb4",
            "--default-time-zone=+00:00",
            "--max-connections=300",
            "--max-allowed-packet=64M",
            *self._own_options(),
            *_as_root(),
        ]


def redo_log() -> str:
    """How large the log of changes may become before their pages have to be written: what
    FLEET_REDO_LOG says, or :data:`DEFAULT_REDO_LOG`.

    An order takes some 14 KB of it. Towards its end pages are written as fast as it grows, beside
    the commits: with 256 MB from 12 s of the greatest load on. It has its room on the disk from the
    first start on.
    """
    return effective(os.environ).get(REDO_LOG_VARIABLE, DEFAULT_REDO_LOG)


def _as_root() -> list[str]:
    """These servers run as root only when told so."""
    return ["--user=root"] if os.getuid() == 0 else []


def _write_private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
