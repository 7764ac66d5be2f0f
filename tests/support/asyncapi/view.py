"""The committed AsyncAPI document, as whoever consumes the events reads it."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator, FormatChecker

PROJECT = Path(__file__).parents[3]
META_SCHEMA = Path(__file__).with_name("3.0.0.json")


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


@cache
def asyncapi() -> dict[str, Any]:
    """The document in the repository."""
    found: dict[str, Any] = read(PROJECT / "docs" / "asyncapi.json")
    return found


def resolve(reference: dict[str, str]) -> Any:
    """What ``{"$ref": "#/…"}`` points to in the document, references followed to their end."""
    found: Any = reference
    while isinstance(found, dict) and "$ref" in found:
        path = found["$ref"].removeprefix("#/").split("/")
        found = asyncapi()
        for part in path:
            found = found[part]
    return found


def messages_of(topic: str) -> dict[str, Any]:
    """The messages that the document knows of a topic, by name."""
    [channel] = [one for one in asyncapi()["channels"].values() if one["address"] == topic]
    return {name: resolve(message) for name, message in channel["messages"].items()}


def strictly(schema: dict[str, str]) -> Draft7Validator:
    """Validates by one of the document's schemas, with every object closed: a field that it does
    not tell of is an error, though consumers are asked to ignore such."""
    whole = {"$ref": schema["$ref"], "components": closed(asyncapi()["components"])}
    return Draft7Validator(whole, format_checker=FormatChecker(["date-time", "uuid"]))


def closed(schema: Any) -> Any:
    """A copy of a schema in which no object may have a property without a schema."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    copy = {name: closed(part) for name, part in schema.items()}
    if schema.get("type") == "object" and "properties" in schema:
        copy["additionalProperties"] = False
    return copy


def complaints(validator: Draft7Validator, value: Any) -> list[str]:
    """What is wrong with ``value``, each with its place."""
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]
