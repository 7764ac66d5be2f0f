import pytest

from fleet.console import StartError
from fleet.layout import PROJECT
from fleet.supervision.procfile import Program, parse


def test_names_commands_and_comments_are_told_apart() -> None:
    text = """
    # a comment: not a process
    web: gunicorn "web.app:create_app()"

    users:dramatiq workers.main --queues users
    """

    assert parse(text) == [
        Program("web", 'gunicorn "web.app:create_app()"'),
        Program("users", "dramatiq workers.main --queues users"),
    ]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("web gunicorn", "line 1: not of the form"),
        ("web: a\nweb: b", "line 2: web is named twice"),
        ("web:", "line 1: not of the form"),
        ("# nothing", "names no process"),
    ],
)
def test_a_wrong_line_is_named(text: str, complaint: str) -> None:
    with pytest.raises(StartError, match=complaint):
        parse(text)


def test_the_projects_own_procfile_holds_the_fleet() -> None:
    programs = parse((PROJECT / "Procfile").read_text())

    assert {program.name: program.kind for program in programs} == {
        "web": "web",
        "users": "worker",
        "coupons": "worker",
        "scheduler": "scheduler",
        "consumers": "consumer",
        "platform": "platform",
        "payments": "platform",
    }
