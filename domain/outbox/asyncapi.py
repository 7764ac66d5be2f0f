"""The AsyncAPI 3.0 document of the topics, from what the slices declare of their events.

https://www.asyncapi.com/docs/reference/specification/v3.0.0, with the Kafka bindings 0.5.0 and the
CloudEvents 1.0 Kafka binding in binary mode.
"""

from collections.abc import Sequence
from typing import Any

import orjson
from pydantic.json_schema import models_json_schema

from domain.outbox.event_types import EventType
from domain.outbox.events import TOPICS, body_of, source_of
from domain.outbox.rules import Pending, headers
from infra.topic_settings import (
    CLEANUP_POLICY,
    PARTITIONS,
    RETENTION_MILLISECONDS,
    TOPIC_MAX_MESSAGE_BYTES,
)

_BINDING = "0.5.0"
_REF = "#/components/schemas/{model}"
_ABOUT = """\
What the ordering core tells others. Each message is a CloudEvent 1.0 in binary mode: its attributes
are headers, its value is JSON.

- **At least once.** A message may come again; drop repeats by `ce_id`.
- **In order, aggregate by aggregate.** The key is the aggregate's id, so all of its events are in
  one partition. Repeats apart, they come in the order in which they happened; an event that could
  not be sent and was sent again by an operator comes late.
- **Nothing lost.** An event is written in the transaction of its effect, and sent until Kafka has
  confirmed it.
- **Kept for seven days**, so a consumer may be away for as long.
- **Open to what is new.** Ignore fields and event types that you do not know; a `schemaVersion`
  that you do not know may mean something else.
"""
_EXAMPLE_ID = bytes.fromhex("01a20ade9a117562aba5ac96a5f83db7")


def document(types: Sequence[EventType], version: str) -> dict[str, Any]:
    """The document of ``types``; ``version`` is the application's."""
    messages = {one.name: _message(one) for one in types}
    schemas = _payload_schemas(types)
    schemas.update({f"{one.data.__name__}Headers": _headers(one) for one in types})
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Ordering core: events",
            "version": version,
            "description": _ABOUT,
            "license": {
                "name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0",
            },
        },
        "defaultContentType": "application/json",
        "channels": {
            _channel_name(topic): _channel(topic, _of_topic(types, topic))
            for topic in TOPICS.values()
        },
        "operations": {
            f"send.{topic}": _operation(topic, _of_topic(types, topic)) for topic in TOPICS.values()
        },
        "components": {"messages": messages, "schemas": dict(sorted(schemas.items()))},
    }


def payload_schema(event_type: EventType) -> dict[str, Any]:
    """The JSON Schema (2020-12) of one type's payload, complete in itself."""
    schema = event_type.data.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _of_topic(types: Sequence[EventType], topic: str) -> list[EventType]:
    return [one for one in types if TOPICS[one.aggregate_type] == topic]


def _channel_name(topic: str) -> str:
    return topic.removesuffix(".events")


def _channel(topic: str, types: Sequence[EventType]) -> dict[str, Any]:
    return {
        "address": topic,
        "description": f"Keyed by {types[0].key}.",
        "messages": {one.name: {"$ref": f"#/components/messages/{one.name}"} for one in types},
        "bindings": {
            "kafka": {
                "topic": topic,
                "partitions": PARTITIONS,
                "topicConfiguration": {
                    "cleanup.policy": [CLEANUP_POLICY],
                    "retention.ms": RETENTION_MILLISECONDS,
                    "max.message.bytes": TOPIC_MAX_MESSAGE_BYTES,
                },
                "bindingVersion": _BINDING,
            }
        },
    }


def _operation(topic: str, types: Sequence[EventType]) -> dict[str, Any]:
    """What we do with a topic: the document is written from the application's side."""
    channel = f"#/channels/{_channel_name(topic)}"
    return {
        "action": "send",
        "channel": {"$ref": channel},
        "summary": "Send what has happened, after the commit that made it true.",
        "messages": [{"$ref": f"{channel}/messages/{one.name}"} for one in types],
    }


def _message(event_type: EventType) -> dict[str, Any]:
    example = event_type.example
    schema = event_type.data.__name__
    return {
        "name": event_type.name,
        "title": event_type.name,
        "summary": event_type.summary,
        "contentType": "application/json",
        "headers": {"$ref": _REF.format(model=f"{schema}Headers")},
        "payload": {"$ref": _REF.format(model=schema)},
        "bindings": {
            "kafka": {
                "key": {
                    "type": "string", "pattern": "^[1-9][0-9]*$",
                    "description": f"{event_type.key}, in decimal digits".capitalize(),
                },
                "bindingVersion": _BINDING,
            }
        },
        "examples": [
            {
                "name": event_type.name,
                "headers": dict(headers(_sent(event_type))),
                "payload": orjson.loads(body_of(example)),
            }
        ],
    }


def _sent(event_type: EventType) -> Pending:
    """The example as the relay would read it."""
    one = event_type.example
    return Pending(
        1, _EXAMPLE_ID, one.aggregate_type, one.aggregate_id, one.type, body_of(one),
        one.traceparent, "2026-11-23 22:01:58.123", 0,
    )


def _headers(event_type: EventType) -> dict[str, Any]:
    """Kafka's headers are bytes; these are all UTF-8 text."""
    fixed = {
        "ce_specversion": "1.0",
        "ce_type": event_type.name,
        "ce_source": source_of(event_type.aggregate_type),
        "content-type": "application/json",
    }
    free = {
        "ce_id": {
            "format": "uuid", "description": "The event's id, a UUIDv7; the same in every repeat",
        },
        "ce_time": {
            "format": "date-time",
            "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
            "description": "When it happened: RFC 3339, UTC, with milliseconds",
        },
        "ce_subject": {
            "pattern": "^[1-9][0-9]*$", "description": f"{event_type.key}: the key".capitalize(),
        },
        "traceparent": {
            "pattern": "^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$",
            "description": "W3C Trace Context of the request that led to it; absent without one",
        },
    }
    return {
        "type": "object",
        "required": [*fixed, *(name for name in free if name != "traceparent")],
        "properties": {
            **{name: {"type": "string", "const": value} for name, value in fixed.items()},
            **{name: {"type": "string", **about} for name, about in free.items()},
        },
    }


def _payload_schemas(types: Sequence[EventType]) -> dict[str, Any]:
    _, made = models_json_schema(
        [(one.data, "validation") for one in types], ref_template=_REF
    )
    schemas: dict[str, Any] = made["$defs"]
    return schemas
