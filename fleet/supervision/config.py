"""The supervisor's configuration, made from the programs of the Procfile."""

import os
import re
import shlex
from collections.abc import Iterable
from pathlib import Path

from fleet.console import StartError
from fleet.layout import PROJECT, Layout
from fleet.supervision.procfile import Program

# What a process holds may take it 30 s to finish, by contract; then it is killed.
STOP_SECONDS = 35

# A process that cannot start is tried again for ever, a second later each time.
_RETRIES = 1_000_000

_SUPERVISOR = """\
[supervisord]
nodaemon=true
silent=true
{user}logfile={log}/supervisor.log
logfile_maxbytes=10MB
logfile_backups=1
pidfile={run}/supervisord.pid
childlogdir={log}
nocleanup=true

[unix_http_server]
file={socket}
chmod=0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""

_PROGRAM = """
[{section}:{name}]
command={command}
directory={directory}
autostart=true
autorestart=true
startsecs=2
startretries={retries}
stopsignal=TERM
stopwaitsecs={stop_seconds}
stopasgroup=false
killasgroup=true
redirect_stderr=true
stdout_logfile={log}/{name}.log
stdout_logfile_maxbytes=10MB
stdout_logfile_backups=3
"""

# The supervisor opens the web's socket and keeps it, so that connections made while the web
# processes restart wait in its backlog. The program finds it as file descriptor 0.
_WEB = """\
socket=tcp://127.0.0.1:{port}
socket_backlog=2048
environment=WEB_SOCKET_FD="0"
"""


def socket_path(layout: Layout) -> Path:
    """Where the supervisor takes orders."""
    return layout.socket("supervisor.sock")


def render(
    programs: Iterable[Program], layout: Layout, port: int, *, death_signal: bool, root: bool
) -> str:
    """The configuration file's text.

    death_signal: whether `setpriv` is there, to have the kernel stop each program should the
        supervisor die.
    """
    parts = [
        _SUPERVISOR.format(
            log=_escaped(str(layout.log)),
            run=_escaped(str(layout.run)),
            socket=_escaped(str(socket_path(layout))),
            user="user=root\n" if root else "",
        )
    ]
    for program in programs:
        web = program.kind == "web"
        parts.append(
            _PROGRAM.format(
                section="fcgi-program" if web else "program",
                name=program.name,
                command=_escaped(_command(program, death_signal=death_signal)),
                directory=_escaped(str(PROJECT)),
                retries=_RETRIES,
                stop_seconds=STOP_SECONDS,
                log=_escaped(str(layout.log)),
            )
        )
        if web:
            parts.append(_WEB.format(port=port))
    return "".join(parts)


def write(programs: Iterable[Program], layout: Layout, port: int, *, death_signal: bool) -> Path:
    path = layout.run / "supervisor.conf"
    root = os.getuid() == 0
    path.write_text(render(programs, layout, port, death_signal=death_signal, root=root))
    return path


def _command(program: Program, *, death_signal: bool) -> str:
    """The shell becomes the program (`exec`), so that signals reach the program itself."""
    tie = ["setpriv", "--pdeathsig", "TERM"] if death_signal else []
    return shlex.join([*tie, "/bin/sh", "-c", f"exec {program.command}"])


def _escaped(value: str) -> str:
    """As the configuration's format takes it: `%` doubled. It cannot hold ` ;` or ` #`."""
    if re.search(r"\s[;#]", value):
        raise StartError(f"a command or path may not hold a space before ; or #: {value}")
    return value.replace("%", "%%")
