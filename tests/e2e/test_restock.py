"""Told by e-mail, through the running fleet: routes, workers, consumers, and a real SMTP server."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.api import Api
from tests.support.fleet import Fleet
from tests.support.mail_server import MailServer
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def server(fleet: Fleet, tmp_path: Path) -> Iterator[MailServer]:
    """A mail server, which the fleet's consumers know."""
    running = MailServer(tmp_path).start()
    restart_consumers(fleet, running)
    yield running
    fleet.kill("consumers")  # mended without a mail server
    running.kill()


def restart_consumers(fleet: Fleet, server: MailServer) -> None:
    fleet.kill("consumers")
    fleet.start(
        "consumers", SMTP_URL=server.url, MAIL_FROM="Shop <no-reply@shop.kr>", SMTP_TIMEOUT="1"
    )


def subscribe(api: Api, user: int, product: int) -> str:
    """The address at which the user is told."""
    address = f"user{user}@example.org"
    path = f"/api/products/{product}/restock-notification"
    assert api.call("PUT", path, {"email": address}, user=user).status == 204
    return address


def restock(api: Api, product: int) -> None:
    answer = api.call(
        "POST", f"/api/products/{product}/restock", {"quantity": 3}, user=1, admin=True
    )
    assert answer.status == 200, answer


def told(api: Api) -> float:
    """How many mails went out, as /metrics says."""
    page = api.call("GET", "/metrics").body.decode()
    found = re.search(r'^notices_ended_total{outcome="told"} (\S+)$', page, re.MULTILINE)
    return float(found[1]) if found else 0.0


def test_a_cancelled_order_and_a_delivery_are_told(
    fleet: Fleet, api: Api, server: MailServer
) -> None:
    # Given a product whose last piece somebody ordered, and two who wait for it
    product, buyer = api.new_product(1), api.new_user(10_000)
    api.put_in_cart(buyer, product)
    order = api.ended(api.order(buyer), buyer)["result"]["orderId"]
    first, second = api.new_user(), api.new_user()
    addresses = [subscribe(api, user, product) for user in (first, second)]
    api.call("DELETE", f"/api/products/{product}/restock-notification", user=second)
    # When the order is cancelled
    api.ended(api.call("POST", f"/api/orders/{order}/cancel", user=buyer), buyer)
    # Then the one who still waited is told
    eventually(lambda: server.recipients() == addresses[:1], 20)
    # When it is delivered while there is some, and while there is none
    addresses[1] = subscribe(api, second, product)
    restock(api, product)
    for _ in range(4):
        api.put_in_cart(buyer, product)
    assert api.ended(api.order(buyer), buyer)["status"] == "succeeded"
    restock(api, product)
    eventually(lambda: server.recipients() == sorted(addresses), 20)
    [mail, _] = server.mails()
    assert mail.message["Subject"] == "Back in stock: thing"
    # And operators see that
    ready = api.call("GET", "/readyz").body["dependencies"]["mail"]
    assert ready == {"state": "up", "neededToAccept": False}
    eventually(lambda: told(api) >= 2)
    assert "@example.org" not in fleet.log("consumers").read_text()
    fleet.assert_audit_holds()


def test_consumers_killed_while_they_send_lose_no_mail(
    fleet: Fleet, api: Api, server: MailServer
) -> None:
    # Given thirty who wait for a product that comes back, and a server that takes its time
    server.behave(seconds=0.3)
    product = api.new_product(0)
    addresses = sorted(subscribe(api, api.new_user(), product) for _ in range(30))
    restock(api, product)
    eventually(lambda: len(server.mails()) >= 6, 20)
    # When the consumers are killed, and started again, and then end in an orderly way
    restart_consumers(fleet, server)
    eventually(lambda: len(server.mails()) >= 16, 20)
    fleet.stop("consumers")
    restart = len(server.mails())
    fleet.start("consumers", SMTP_URL=server.url, MAIL_FROM="no-reply@shop.kr", SMTP_TIMEOUT="1")
    # Then all are told; those under way at the kill perhaps twice, by what is known as one mail
    eventually(lambda: sorted(set(server.recipients())) == addresses, 60)
    sent = server.mails()
    assert len(sent) <= len(addresses) + 4
    assert len({mail.message["Message-ID"] for mail in sent[:restart]}) >= restart - 4
    by_address = {mail.recipient: mail.message["Message-ID"] for mail in sent}
    assert all("@shop.kr>" in message_id for message_id in by_address.values())
    assert {mail.message["Message-ID"] for mail in sent} == set(by_address.values())
