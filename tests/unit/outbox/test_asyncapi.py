"""The AsyncAPI document: valid, whole, and what the code says."""

from typing import Any

import pytest
from click.testing import CliRunner
from jsonschema import Draft7Validator, Draft202012Validator

from commands.asyncapi import asyncapi as command
from commands.asyncapi import files
from domain.event_types import EVENT_TYPES
from domain.outbox.events import TOPICS
from infra.topic_settings import PARTITIONS, RETENTION_MILLISECONDS
from tests.support.asyncapi.view import (
    META_SCHEMA,
    PROJECT,
    asyncapi,
    complaints,
    messages_of,
    read,
    resolve,
    strictly,
)
from web.app import create_app

EVENTS = {
    "orders.events": {"order.completed", "order.cancelled"},
    "coupons.events": {"coupon.issued"},
    "wallet.events": {"balance.charged"},
    "products.events": {"product.restocked"},
}
HEADERS = {
    "ce_id", "ce_type", "ce_source", "ce_time", "ce_subject", "ce_specversion", "content-type"
}


@pytest.fixture(params=[(topic, name) for topic, names in EVENTS.items() for name in names])
def message(request: pytest.FixtureRequest) -> Any:
    topic, name = request.param
    return messages_of(topic)[name]


def test_the_committed_files_are_what_the_command_prints() -> None:
    # If this fails: ./dev asyncapi --write docs
    for name, text in files().items():
        assert (PROJECT / "docs" / name).read_text(encoding="utf-8") == text, name
    kept = {f"schemas/{path.name}" for path in (PROJECT / "docs" / "schemas").iterdir()}
    assert kept == files().keys() - {"asyncapi.json"}
    assert CliRunner().invoke(command).stdout == files()["asyncapi.json"]


def test_it_is_an_asyncapi_3_document() -> None:
    meta_schema = read(META_SCHEMA)
    assert complaints(Draft7Validator(meta_schema), asyncapi()) == []


def test_anybody_may_read_it_from_the_web() -> None:
    answer = create_app().test_client().get("/asyncapi.json")
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    assert answer.get_json() == asyncapi()


def test_it_tells_every_topic_and_every_type_and_no_other() -> None:
    channels = {one["address"]: one for one in asyncapi()["channels"].values()}
    assert set(channels) == set(TOPICS.values()) == set(EVENTS)
    for topic, names in EVENTS.items():
        assert set(channels[topic]["messages"]) == names
        kafka = channels[topic]["bindings"]["kafka"]
        assert kafka["partitions"] == PARTITIONS == 3
        assert kafka["topicConfiguration"]["retention.ms"] == RETENTION_MILLISECONDS
    assert {one.name for one in EVENT_TYPES} == set.union(*EVENTS.values())
    sent = [ref for one in asyncapi()["operations"].values() for ref in one["messages"]]
    assert sorted(resolve(one)["name"] for one in sent) == sorted(one.name for one in EVENT_TYPES)


def test_headers_are_told_whole(message: Any) -> None:
    headers = resolve(message["headers"])
    assert set(headers["required"]) == HEADERS
    assert set(headers["properties"]) == {*HEADERS, "traceparent"}
    assert headers["properties"]["ce_type"]["const"] == message["name"]


def test_examples_are_what_the_schemas_say(message: Any) -> None:
    for example in message["examples"]:
        assert complaints(strictly(message["headers"]), example["headers"]) == []
        assert complaints(strictly(message["payload"]), example["payload"]) == []
        # And a file of its own, complete in itself, says the same of the payload
        own = read(PROJECT / "docs" / "schemas" / f"{message['name']}.json")
        Draft202012Validator.check_schema(own)
        assert complaints(Draft202012Validator(own), example["payload"]) == []


def test_a_payload_that_lacks_or_adds_a_field_is_found(message: Any) -> None:
    [example] = message["examples"]
    payload, validator = example["payload"], strictly(message["payload"])
    required = resolve(message["payload"])["required"]
    assert set(payload) - set(required) <= {"couponId", "transactionId"}
    for name in required:
        less = {field: value for field, value in payload.items() if field != name}
        assert complaints(validator, less) != [], name
    assert complaints(validator, {**payload, "surprise": 1}) != []
    # Consumers, though, are asked to take what is added
    own = read(PROJECT / "docs" / "schemas" / f"{message['name']}.json")
    assert complaints(Draft202012Validator(own), {**payload, "surprise": 1}) == []
