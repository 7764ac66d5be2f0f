"""``settings``: every setting, as ``.env.example`` holds them."""

import textwrap
import types
from typing import Any, Literal, Union, get_args, get_origin

import click

_WIDTH = 96
_HEAD = """\
# Every setting with its meaning, type and default. Copy to .env and uncomment what you change; the
# environment takes precedence. Made by: ./dev settings > .env.example
"""


@click.command()
def settings() -> None:
    """Print every setting with its type, default and meaning: the text of .env.example."""
    click.echo(render(), nl=False)


def render() -> str:
    """The text of ``.env.example``."""
    from infra.settings import Settings

    blocks = [_HEAD]
    for name, field in Settings.model_fields.items():
        about = f"{field.description or ''} ({describe_type(field.annotation, field.metadata)})"
        lines = [f"# {line}" for line in textwrap.wrap(about, _WIDTH)]
        default = "" if field.default is None else field.default
        shown = str(default).lower() if isinstance(default, bool) else default
        blocks.append("\n".join([*lines, f"# {name.upper()}={shown}"]) + "\n")
    return "\n".join(blocks)


def describe_type(annotation: Any, metadata: list[Any]) -> str:
    """A setting's type in words, with its bounds."""
    origin = get_origin(annotation)
    if origin is Literal:
        return "one of " + ", ".join(map(str, get_args(annotation)))
    if origin in (Union, types.UnionType):
        inner = [one for one in get_args(annotation) if one is not type(None)]
        return f"{describe_type(inner[0], metadata)} or empty"
    words = {bool: "true or false", int: "whole number", float: "number", str: "text"}
    return ", ".join([words.get(annotation, str(annotation)), *_bounds(metadata)])


def _bounds(metadata: list[Any]) -> list[str]:
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
    bounds = [
        f"{sign} {getattr(part, name)}"
        for part in metadata
        for name, sign in signs.items()
        if hasattr(part, name)
    ]
    lengths = [part.min_length for part in metadata if hasattr(part, "min_length")]
    return bounds + [f"{length} characters or more" for length in lengths]
