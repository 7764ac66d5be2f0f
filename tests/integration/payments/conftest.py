"""A provider for the tests of this package, which the shop's settings name."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.payments import answers
from domain.payments import asker as asker_module
from infra import callers
from infra.settings import settings
from tests.support.payments import Provider


@pytest.fixture(scope="module")
def _provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    made = Provider(Path(tmp_path_factory.mktemp("provider")))
    yield made
    made.stop()


@pytest.fixture
def provider(_provider: Provider, monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    """A provider that holds nothing; the shop's settings name it."""
    _provider.reset()
    monkeypatch.setenv("PAYMENT_GATEWAY_URL", _provider.url)
    monkeypatch.setattr(callers, "IDLE_SECONDS", 0.5)
    monkeypatch.setattr(asker_module, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(asker_module, "VOID_SECONDS", 0.05)
    monkeypatch.setattr(answers, "random", lambda: 0.1)
    settings.cache_clear()
    yield _provider
    monkeypatch.delenv("PAYMENT_GATEWAY_URL")
    settings.cache_clear()
