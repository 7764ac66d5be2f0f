"""What an error of the database means: begin again, come later, or nobody knows."""

import peewee
from pymysql.constants import ER

ER_RECORD_CHANGED = 1020  # MariaDB from 11.6.2, in snapshot conflicts
RESTARTABLE = frozenset({ER.LOCK_DEADLOCK, ER.LOCK_WAIT_TIMEOUT, ER_RECORD_CHANGED})
_NOT_NOW = frozenset({
    ER.DISK_FULL, ER.CON_COUNT_ERROR, ER.RECORD_FILE_FULL, ER.HOST_IS_BLOCKED,
    ER.TOO_MANY_USER_CONNECTIONS, ER.USER_LIMIT_REACHED, ER.OPTION_PREVENTS_STATEMENT,
    ER.QUERY_INTERRUPTED, 1836,  # 1836: InnoDB is read-only
})


class ConnectionsExhausted(peewee.OperationalError):
    """Every connection of this process is in use, and stayed so for seconds."""


def error_code(error: BaseException) -> int:
    """The server's or client's error number behind a Peewee error, 0 if there is none."""
    for candidate in (error, *error.args[:1]):
        if isinstance(candidate, BaseException) and candidate.args:
            code = candidate.args[0]
            if isinstance(code, int):
                return code
    return 0


def is_restartable(error: BaseException) -> bool:
    """Whether the same transaction may well succeed when begun again."""
    return error_code(error) in RESTARTABLE


def is_connection_lost(error: BaseException) -> bool:
    """Whether the connection broke or could not be made; an open COMMIT's outcome is unknown."""
    if isinstance(error, ConnectionsExhausted):
        return False
    if isinstance(error, peewee.InterfaceError):
        return True
    code = error_code(error)
    return 2000 <= code < 2100 or code in (
        ER.SERVER_SHUTDOWN, ER.NEW_ABORTING_CONNECTION, ER.ABORTING_CONNECTION, 1927, 4031,
    )


def is_unavailable(error: BaseException) -> bool:
    """Whether the database cannot do it now, and may well do it later: away, full, read-only while
    another node takes over, or others are in the way."""
    return (
        isinstance(error, ConnectionsExhausted)
        or is_connection_lost(error)
        or is_restartable(error)
        or error_code(error) in _NOT_NOW
    )
