"""Given: the web application, made with other settings than the tests' usual ones."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from infra.settings import settings
from tests.support.client import Client


@contextmanager
def app_with(**variables: str) -> Iterator[Client]:
    """A client of an application of its own, which was made with these variables set."""
    from web.app import create_app

    with patch.dict(os.environ, variables):
        settings.cache_clear()
        try:
            yield Client(create_app())
        finally:
            settings.cache_clear()
