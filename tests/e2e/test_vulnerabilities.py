"""What `./dev vulnerabilities` says of the pinned libraries, by what their database says."""

import pytest

from fleet import cli
from fleet.layout import PROJECT
from fleet.ports import find_free_port
from tests.support.vulnerability_database import VULNERABILITY, vulnerability_database


def look(url: str) -> int:
    return cli.main(["vulnerabilities", "--vulnerability-service", "osv", "--osv-url", url])


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def test_none_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    with vulnerability_database("some-other") as (url, asked):
        assert look(url) == 0
    assert "none with a known vulnerability" in capsys.readouterr().out
    # And every library was asked about that is installed here
    text = (PROJECT / "requirements.txt").read_text()
    pinned = {line.partition("==")[0] for line in text.splitlines() if "==" in line}
    assert {"flask", "gunicorn", "pymysql"} <= pinned & asked
    assert {"pytest", "schemathesis"} <= asked


def test_those_that_are_known_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    with vulnerability_database("flask") as (url, _):
        assert look(url) == 1
    told = capsys.readouterr().out.splitlines()
    assert len(told) == 1
    assert told[0].startswith("flask ")
    assert f"{VULNERABILITY}, mended in 999.0" in told[0]


def test_a_database_that_does_not_answer_is_told_in_one_line(
    capsys: pytest.CaptureFixture[str]
) -> None:
    # When nothing listens there
    assert look(f"http://127.0.0.1:{find_free_port(set())}/v1/query") == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert len(told.err.splitlines()) == 1
    assert told.err.startswith("./dev vulnerabilities: not known: the database of vulnerabilities")
