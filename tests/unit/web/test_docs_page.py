"""The page of the documentation works without the internet, under a strict policy."""

import re
from html.parser import HTMLParser

import pytest
from flask.testing import FlaskClient

from web.app import create_app
from web.routes.docs import ASSETS


class Page(HTMLParser):
    """What a page loads, and whether it holds script or style of its own."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.inline: list[str] = []
        self._within: str | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        named = dict(attributes)
        source = named.get("src") or (named.get("href") if tag == "link" else None)
        if source:
            self.loads.append(source)
        self._within = tag if tag in ("script", "style") else None
        self.inline += [name for name in named if name.startswith("on") or name == "style"]

    def handle_data(self, data: str) -> None:
        if self._within and data.strip():
            self.inline.append(data)


@pytest.fixture(scope="module")
def client() -> FlaskClient:
    return create_app().test_client()


def test_all_that_the_page_loads_is_served_here(client: FlaskClient) -> None:
    answer = client.get("/docs")
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    page = Page(answer.text)
    assert set(page.loads) == {f"/docs/{name}" for name in ASSETS}
    types = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}
    for url in page.loads:
        served = client.get(url)
        assert served.status_code == 200, url
        assert served.mimetype == types[url.rpartition(".")[2]]
        assert len(served.data) > 10
    assert not re.search(r"(?:https?:)?//", answer.text.replace("<!DOCTYPE html>", ""))


def test_what_it_loads_names_no_other_host(client: FlaskClient) -> None:
    # Style sheets may load pictures and fonts: none but those that they bring along
    for name in ("swagger-ui.css", "page.css"):
        for url in re.findall(r"url\(\s*[\"']?([^)\"']{0,40})", client.get(f"/docs/{name}").text):
            assert url.startswith("data:"), url
    # And Swagger UI is told not to have the document checked by a server on the internet
    assert "validatorUrl: null" in client.get("/docs/start.js").text


def test_the_page_needs_no_script_or_style_within_it(client: FlaskClient) -> None:
    answer = client.get("/docs")
    assert Page(answer.text).inline == []
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in policy
    assert "http" not in policy


@pytest.mark.parametrize(
    "path", ["/docs/nothing.js", "/docs/index.html", "/docs/../app.py", "/docs/%2e%2e%2fapp.py"]
)
def test_nothing_else_is_served_from_there(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 404
