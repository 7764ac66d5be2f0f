"""What an answer's headers are when they leave the application."""

import pytest
from werkzeug.test import create_environ

from web.responses import ShopResponse


def headers(response: ShopResponse) -> dict[str, str]:
    return dict(response.get_wsgi_headers(create_environ("/api/orders/1")))


def test_the_length_is_told() -> None:
    assert headers(ShopResponse("héllo"))["Content-Length"] == "6"
    assert headers(ShopResponse([b"ab", b"c"]))["Content-Length"] == "3"
    assert headers(ShopResponse(b""))["Content-Length"] == "0"


def test_a_length_that_was_set_stays() -> None:
    assert headers(ShopResponse([b""], headers={"Content-Length": "7"}))["Content-Length"] == "7"


@pytest.mark.parametrize("status", [204, 304])
def test_without_a_body_there_is_no_length(status: int) -> None:
    assert "Content-Length" not in headers(ShopResponse(status=status))


def test_our_own_address_leaves_as_it_is() -> None:
    response = ShopResponse(b"{}", 201, headers={"Location": "/api/orders/1"})
    assert headers(response)["Location"] == "/api/orders/1"


def test_where_a_client_is_sent_is_spelt_out() -> None:
    # Given a redirect to a path that came from outside
    response = ShopResponse(b"", 308, headers={"Location": "/api/é"})
    # Then it is an address that HTTP can carry
    assert headers(response)["Location"].isascii()
