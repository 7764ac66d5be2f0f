from pathlib import Path

from fleet.environment import effective


def test_dotenv_fills_what_is_not_really_set(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text("PORT=8100\nREDIS_URL='redis://from-file'\nKAFKA_BOOTSTRAP_SERVERS=\n")

    merged = effective({"PORT": "9000", "REDIS_URL": "", "PATH": "/bin"}, dotenv)

    assert merged["PORT"] == "9000"
    assert merged["REDIS_URL"] == "redis://from-file"
    assert "KAFKA_BOOTSTRAP_SERVERS" not in merged


def test_without_a_dotenv_the_environment_stands(tmp_path: Path) -> None:
    assert effective({"A": "1", "PATH": "/bin"}, tmp_path / ".env")["A"] == "1"


def test_the_projects_own_programs_come_first_in_path(tmp_path: Path) -> None:
    first, *_, last = effective({"PATH": "/bin"}, tmp_path / ".env")["PATH"].split(":")

    assert (Path(first) / "python").exists()
    assert last == "/bin"
