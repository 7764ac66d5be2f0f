"""JSON Schemas from shapes, bodies and queries, said as plainly as they can be."""

from collections.abc import Iterable
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, models_json_schema

Mode = Literal["validation", "serialization"]

REF = "#/components/schemas/{model}"


class _Plain(GenerateJsonSchema):
    """Without titles that only repeat a member's name, and without null as a default: what may be
    left out is simply not required."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def default_schema(self, schema: Any) -> dict[str, Any]:
        told = super().default_schema(schema)
        if told.get("default", ...) is None:
            del told["default"]
        return told


class Schemas:
    """The schemas of all models of a document: each is a component, found by its model."""

    def __init__(
        self, answers: Iterable[type[BaseModel]], bodies: Iterable[type[BaseModel]]
    ) -> None:
        asked: list[tuple[type[BaseModel], JsonSchemaMode]] = [
            *((model, "serialization") for model in dict.fromkeys(answers)),
            *((model, "validation") for model in dict.fromkeys(bodies)),
        ]
        self._refs, whole = models_json_schema(
            asked, ref_template=REF, schema_generator=_Plain
        )
        self.components: dict[str, Any] = whole.get("$defs", {})

    def answer(self, *models: type[BaseModel]) -> dict[str, Any]:
        """The schema of a body that is one of ``models``."""
        refs = [dict(self._refs[model, "serialization"]) for model in models]
        return refs[0] if len(refs) == 1 else {"anyOf": refs}

    def body(self, model: type[BaseModel]) -> dict[str, Any]:
        return dict(self._refs[model, "validation"])

    def parameters(self, model: type[BaseModel], place: str) -> list[dict[str, Any]]:
        """A Parameter Object for each variable of a query or a path."""
        schema = model.model_json_schema(ref_template=REF, schema_generator=_Plain)
        self.components.update(schema.get("$defs", {}))
        needed = set(schema.get("required", ()))
        told = []
        for name, one in schema.get("properties", {}).items():
            one = _without_null(one)
            description = one.pop("description", None)
            parameter = {"name": name, "in": place, "required": name in needed, "schema": one}
            told.append({**parameter, **({"description": description} if description else {})})
        return told


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A word in a URL is never null: it is there, or it is not."""
    choices = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
    rest = {name: value for name, value in schema.items() if name != "anyOf"}
    if not choices:
        return rest
    return {**choices[0], **rest} if len(choices) == 1 else {**rest, "anyOf": choices}


def may_be_left_out(schema: dict[str, Any]) -> bool:
    """Whether no body at all, which reads as an empty object, keeps to ``schema``."""
    return not schema.get("required") and not schema.get("minProperties")
