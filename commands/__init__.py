"""The application's command line: ``python -m flask --app commands …``, typed as ``./dev …``.

A bare Flask application that only carries the commands: none of them needs the web.
"""

from flask import Flask


def create_app() -> Flask:
    """The application behind ``flask --app commands``."""
    from commands.registry import COMMANDS

    app = Flask("commands")
    for command in COMMANDS:
        app.cli.add_command(command)
    return app
