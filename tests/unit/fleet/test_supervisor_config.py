import configparser
import shlex
from pathlib import Path

import pytest

from fleet.console import StartError
from fleet.layout import Layout
from fleet.supervision.config import render
from fleet.supervision.procfile import Program

WEB = Program("web", 'gunicorn -c conf.py "web.app:create_app()"')
USERS = Program("users", "dramatiq workers.main --queues users")


def sections(
    directory: Path, *programs: Program, tied: bool = True
) -> configparser.RawConfigParser:
    text = render(programs, Layout(directory), 8123, death_signal=tied, root=False)
    # As the supervisor's own parser is set up.
    parser = configparser.RawConfigParser(inline_comment_prefixes=(";", "#"), strict=False)
    parser.read_string(text)
    return parser


def test_the_web_gets_its_socket_from_the_supervisor(tmp_path: Path) -> None:
    web = sections(tmp_path, WEB, USERS)["fcgi-program:web"]

    assert web["socket"] == "tcp://127.0.0.1:8123"
    assert web["socket_backlog"] == "2048"
    assert web["environment"] == 'WEB_SOCKET_FD="0"'


def test_the_shell_becomes_the_program_and_dies_with_the_supervisor(tmp_path: Path) -> None:
    command = sections(tmp_path, WEB)["fcgi-program:web"]["command"]

    assert shlex.split(command) == [
        *("setpriv", "--pdeathsig", "TERM"),
        *("/bin/sh", "-c", f"exec {WEB.command}"),
    ]


def test_without_setpriv_the_command_stands_alone(tmp_path: Path) -> None:
    command = sections(tmp_path, USERS, tied=False)["program:users"]["command"]

    assert shlex.split(command) == ["/bin/sh", "-c", f"exec {USERS.command}"]


def test_a_process_that_ends_is_started_again_and_again(tmp_path: Path) -> None:
    users = sections(tmp_path, USERS)["program:users"]

    assert users["autorestart"] == "true"
    assert int(users["startretries"]) >= 1_000_000


def test_a_process_may_finish_for_thirty_seconds_after_one_signal(tmp_path: Path) -> None:
    users = sections(tmp_path, USERS)["program:users"]

    assert int(users["stopwaitsecs"]) > 30
    assert users["stopasgroup"] == "false"
    assert users["killasgroup"] == "true"


def test_percent_signs_are_not_expansions(tmp_path: Path) -> None:
    command = sections(tmp_path, Program("users", "date +%s"))["program:users"]["command"]

    assert "date +%%s" in command


def test_what_the_format_would_take_for_a_comment_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="space before"):
        sections(tmp_path, Program("users", "run ; echo done"))
