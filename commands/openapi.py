"""``openapi``: the document of the HTTP API."""

import click


@click.command()
def openapi() -> None:
    """Print the OpenAPI 3.1 document, as /openapi.json serves it. Needs no service."""
    from web.app import create_app

    app = create_app()
    click.echo(app.document_bytes)
