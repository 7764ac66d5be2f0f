import multiprocessing
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from fleet import ports
from fleet.ports import PortBook, find_free_port, is_free


@contextmanager
def listening(port: int = 0) -> Iterator[int]:
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", port))
        server.listen()
        yield server.getsockname()[1]


def test_a_port_is_remembered(tmp_path: Path) -> None:
    port = PortBook(tmp_path / "ports.json").reserve("redis")

    again = PortBook(tmp_path / "ports.json")

    assert again.known("redis") == port
    assert again.reserve("redis") == port


def test_a_port_taken_by_another_program_is_given_up(tmp_path: Path) -> None:
    book = PortBook(tmp_path / "ports.json")
    port = book.reserve("redis")

    with listening(port):
        moved = book.reserve("redis")

    assert moved != port
    assert book.known("redis") == moved


def test_the_preferred_port_is_taken_while_free(tmp_path: Path) -> None:
    preferred = find_free_port()

    assert PortBook(tmp_path / "ports.json").reserve("web", prefer=preferred) == preferred


def test_another_port_is_found_where_the_preferred_one_is_taken(tmp_path: Path) -> None:
    with listening() as taken:
        found = PortBook(tmp_path / "ports.json").reserve("web", prefer=taken)

    assert found != taken
    assert is_free(found)


def test_no_two_names_share_a_port(tmp_path: Path) -> None:
    book = PortBook(tmp_path / "ports.json")
    first = book.reserve("web", prefer=find_free_port())

    assert book.reserve("platform", prefer=first) != first


def test_a_spoilt_file_is_begun_anew(tmp_path: Path) -> None:
    (tmp_path / "ports.json").write_text("{half a")

    port = PortBook(tmp_path / "ports.json").reserve("redis")

    assert PortBook(tmp_path / "ports.json").known("redis") == port


def test_ports_stay_clear_of_the_defaults_and_of_outgoing_connections() -> None:
    port = find_free_port()

    assert 20_000 <= port < 32_768


def _look(port: int, begun: Event) -> None:
    while True:
        is_free(port)
        begun.set()


def test_looking_at_a_port_keeps_no_server_from_it() -> None:
    # Given another process that looks at a port again and again, as one waits for a service
    spawning = multiprocessing.get_context("spawn")
    port, begun = find_free_port(), spawning.Event()
    looking = spawning.Process(target=_look, args=(port, begun), daemon=True)
    looking.start()
    try:
        assert begun.wait(30)
        # When servers start on it all the while, Then each of them can
        for _ in range(3_000):
            with listening(port):
                pass
    finally:
        looking.kill()
        looking.join()


def test_running_out_of_ports_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "is_free", lambda port: False)

    with pytest.raises(OSError, match="no free port"):
        find_free_port()
