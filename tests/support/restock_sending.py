"""When: senders carry restock notices to a mail server. Then: how far they came."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import orjson

from domain.restock.delivery import Mailer
from domain.restock.sender import Sender
from infra.mail import MailServer as Client
from tests.support.mail_server import MailServer
from tests.support.market import given_product, select
from tests.support.restock import address, restock, waiting

FROM = "멋진 가게 <no-reply@shop.kr>"


def client_of(server: MailServer) -> Client:
    return Client(server.url, "no-reply@shop.kr", 2.0)


@contextmanager
def sending(
    server: MailServer | Mailer | None, at_end: Callable[[], object] = lambda: None,
    **options: float,
) -> Iterator[Sender]:
    """A sender as long as the block runs; ``at_end`` is called when it has been told to end."""
    mailer = client_of(server) if isinstance(server, MailServer) else server
    values = {"concurrency": 4, "tries": 8, "lease_seconds": 30, **options}
    sender, stop = Sender(mailer, mail_from=FROM, **values), threading.Event()  # type: ignore[arg-type]
    thread = threading.Thread(target=sender.run, args=(stop,))
    thread.start()
    try:
        yield sender
    finally:
        stop.set()
        at_end()
        thread.join(40)
        assert not thread.is_alive()


def came_back(count: int) -> tuple[int, list[int]]:
    """A product that came back, and those who waited for it."""
    product = given_product(0)
    users = waiting(product, count)
    restock(product)
    return product, users


def addresses(users: list[int]) -> list[str]:
    return sorted(map(address, users))


def faults() -> list[tuple[str, int, str | None]]:
    """(status, tries used up, last error) of each mail."""
    found = select("SELECT status, faults, last_error FROM restock_mails ORDER BY id")
    return [(status, count, error) for status, count, error in found]


def state() -> str:
    """What the sender last wrote of the mail server, for /readyz."""
    found = select("SELECT detail FROM heartbeats WHERE name = 'mail'")
    return orjson.loads(found[0][0])["mail"] if found else ""
