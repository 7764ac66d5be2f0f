"""``asyncapi``: the document of the events, and the JSON Schemas of their payloads."""

from pathlib import Path

import click
import orjson


@click.command()
@click.option(
    "--write", "directory", type=click.Path(file_okay=False, path_type=Path), metavar="DIRECTORY",
    help="Write asyncapi.json there, and schemas/ with one file a payload.",
)
def asyncapi(directory: Path | None) -> None:
    """Print the AsyncAPI 3.0 document of the Kafka topics. Needs no service."""
    made = files()
    if directory is None:
        click.echo(made["asyncapi.json"], nl=False)
        return
    for name, text in made.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        click.echo(path)


def files() -> dict[str, str]:
    """The text of each file by its path below ``docs/``."""
    from domain.event_types import EVENT_TYPES
    from domain.outbox.asyncapi import document, payload_schema
    from web.app import VERSION

    made = {"asyncapi.json": _text(document(EVENT_TYPES, VERSION))}
    for one in EVENT_TYPES:
        made[f"schemas/{one.name}.json"] = _text(payload_schema(one))
    return made


def _text(value: object) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()
