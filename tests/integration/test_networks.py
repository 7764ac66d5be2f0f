"""Who may look at the machinery: whoever asks from a network in METRICS_ALLOW, and nobody else."""

import pytest
from redis import Redis
from werkzeug.test import TestResponse

from tests.support.apps import app_with
from tests.support.catalog import refused
from tests.support.client import Client

PAGES = ("/metrics", "/ops", "/ops/figures.json", "/ops/static/ops.css", "/ops/static/ops.js",
         "/ops/static/icon.svg")


def ask(client: Client, path: str, address: str) -> TestResponse:
    return client.get(path, environ_overrides={"REMOTE_ADDR": address})


@pytest.mark.parametrize("path", PAGES)
def test_loopback_is_let_in_and_a_stranger_is_refused(client: Client, path: str) -> None:
    for near in ("127.0.0.1", "127.8.9.1", "::1"):
        assert ask(client, path, near).status_code == 200
    for stranger in ("10.1.2.3", "2001:db8::1", ""):
        refused(ask(client, path, stranger), 403, "COMMON003")


@pytest.mark.parametrize("path", PAGES)
def test_metrics_allow_lets_networks_in_and_loopback_out(
    database: None, redis: Redis, path: str
) -> None:
    # A comma too many is no network
    with app_with(METRICS_ALLOW="10.0.0.0/8, 2001:db8::/32,") as client:
        for near in ("10.1.2.3", "2001:db8::1"):
            assert ask(client, path, near).status_code == 200
        for stranger in ("11.1.2.3", "127.0.0.1", "::1"):
            refused(ask(client, path, stranger), 403, "COMMON003")


@pytest.mark.parametrize("networks", ["10.0.0.1/8", "10.0.0.0/33", "shop.example", "::1;::2"])
def test_a_network_that_is_none_stops_the_start(networks: str) -> None:
    with (
        pytest.raises(SystemExit, match=r"METRICS_ALLOW: .*must look like"),
        app_with(METRICS_ALLOW=networks),
    ):
        pass
