"""``openapi``: the document of the HTTP API."""

import click

from commands.console import print_json


@click.command()
def openapi() -> None:
    """Print the OpenAPI 3.1 document, made from the routes themselves. Needs no service."""
    from web.app import create_app

    app = create_app()
    with app.test_request_context():
        print_json(app.api_doc)
