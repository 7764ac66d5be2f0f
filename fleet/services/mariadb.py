"""A private MariaDB."""

import os
import pwd
from pathlib import Path
from typing import ClassVar

from fleet.packages import executable
from fleet.services.database_server import DatabaseServer, redo_log


class MariaDb(DatabaseServer):
    name: ClassVar[str] = "mariadb"
    label: ClassVar[str] = "MariaDB"

    def _initialization(self, directory: Path) -> list[str]:
        account = pwd.getpwuid(os.getuid()).pw_name
        return [
            executable("mariadb-install-db"),
            "--no-defaults",
            f"--datadir={directory}",
            "--skip-test-db",
            "--skip-name-resolve",
            "--auth-root-authentication-method=socket",
            f"--auth-root-socket-user={account}",
        ]

    def _program(self) -> str:
        return executable("mariadbd")

    def _own_options(self) -> list[str]:
        return [f"--innodb-log-file-size={redo_log()}"]
