"""A backup of the database as operators make it, and its putting back."""

import shutil
import subprocess
from urllib.parse import unquote, urlsplit


def dump(url: str) -> bytes:
    """A consistent copy, whoever works meanwhile, by the server's own program."""
    return _run(("mariadb-dump", "mysqldump"), url, "--single-transaction").stdout


def put_back(url: str, backup: bytes) -> None:
    """Replace every table by what it was."""
    _run(("mariadb", "mysql"), url, given=backup)


def _run(
    names: tuple[str, ...], url: str, *words: str, given: bytes | None = None
) -> subprocess.CompletedProcess[bytes]:
    program = next(found for name in names if (found := shutil.which(name)))
    parts = urlsplit(url)
    return subprocess.run(
        [program, f"--host={parts.hostname}", f"--port={parts.port}", "--protocol=tcp",
         f"--user={unquote(parts.username or '')}", *words, parts.path.lstrip("/")],
        input=given, stdout=subprocess.PIPE, check=True, timeout=60,
        env={"MYSQL_PWD": unquote(parts.password or "")},
    )
