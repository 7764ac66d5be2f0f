"""A private MySQL, from a server program that FLEET_MYSQLD names."""

from pathlib import Path
from typing import ClassVar

from fleet.packages import executable
from fleet.services.base import DeathSignal
from fleet.services.database_server import DatabaseServer, redo_log

VARIABLE = "FLEET_MYSQLD"


class MySql(DatabaseServer):
    """program: the path of a mysqld, or its name if it is in PATH."""

    name: ClassVar[str] = "mysql"
    label: ClassVar[str] = "MySQL"

    def __init__(
        self,
        directory: Path,
        *,
        death_signal: DeathSignal | None = None,
        program: str = "mysqld",
    ) -> None:
        super().__init__(directory, death_signal=death_signal)
        self._named = program

    def _initialization(self, directory: Path) -> list[str]:
        return [
            self._program(),
            "--no-defaults",
            "--initialize-insecure",
            f"--datadir={directory}",
            "--secure-file-priv=NULL",
        ]

    def _program(self) -> str:
        return executable(self._named)

    def _own_options(self) -> list[str]:
        return [
            f"--innodb-redo-log-capacity={redo_log()}",
            # No second protocol, with a port of its own, and no directory to import files from.
            "--mysqlx=OFF",
            "--secure-file-priv=NULL",
        ]

    def _own_grants(self) -> str:
        """Root is made without a password, so nobody may come in as root."""
        return "ALTER USER 'root'@'localhost' ACCOUNT LOCK;\n"
