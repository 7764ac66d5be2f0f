"""Commands of the command line, run in the tests' process."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import click
from click.testing import CliRunner, Result

from commands.registry import COMMANDS
from infra.database import database
from infra.settings import settings


def run(*words: str, **environment: str) -> Result:
    """What typing ``words`` does with these variables set; the process is left as it was."""
    group = click.Group(commands={one.name or "": one for one in COMMANDS})
    with _process_kept(), patch.dict(os.environ, environment):
        settings.cache_clear()
        return CliRunner().invoke(group, list(words))


@contextmanager
def _process_kept() -> Iterator[None]:
    """A command points the process's database and its logs; whoever runs after it must not care."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    name, params = database.database, dict(database.connect_params)
    try:
        yield
    finally:
        settings.cache_clear()
        root.handlers[:] = handlers
        root.setLevel(level)
        if name:
            database.forget_idle()
            database.init(name, **params)
