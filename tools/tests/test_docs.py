"""The documents say what the bus carries: real envelopes are held against the AsyncAPI."""

import json
import re
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import jsonschema
import protos
import pytest
import yaml
from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from kit.bus import CloudEvent

import docs

CONTRACT = protos.read()
DOCUMENT: dict[str, Any] = yaml.safe_load(docs.asyncapi(CONTRACT))
EVENTS = [event.name for event in CONTRACT.events]


def kind_of(name: str) -> type[Message]:
    package, _, short = name.rpartition(".")
    kind: type[Message] = getattr(import_module(f"{package}.events_pb2"), short)
    return kind


def filled(kind: type[Message]) -> Message:
    """A message with something in every field."""
    message = kind()
    for field in message.DESCRIPTOR.fields:
        if field.message_type is not None:
            inner = getattr(message, field.name)
            made = inner.add() if field.is_repeated else inner
            made.CopyFrom(filled(type(made)))
        else:
            value: object = {
                FieldDescriptor.CPPTYPE_STRING: b"x" if field.type == field.TYPE_BYTES else "x",
                FieldDescriptor.CPPTYPE_BOOL: True,
            }.get(field.cpp_type, 1)
            if field.is_repeated:
                getattr(message, field.name).append(value)
            else:
                setattr(message, field.name, value)
    return message


def envelope(message: Message) -> dict[str, Any]:
    """What kit sends of an event."""
    event = next(e for e in CONTRACT.events if e.name == message.DESCRIPTOR.full_name)
    data = json_format.MessageToDict(message, always_print_fields_with_no_presence=True)
    sent = CloudEvent("1", event.name, event.subject, datetime.now(UTC), data, {})
    return dict(json.loads(sent.encode()))


def check(name: str, body: dict[str, Any]) -> None:
    """Hold an envelope against what the document says of its type, and nothing further."""
    short = name.rpartition(".")[2]
    schema = {"$ref": f"#/components/messages/{short}/payload", **DOCUMENT}
    told = json.loads(json.dumps(schema).replace('"properties": {', _CLOSED))
    told["components"]["messages"][short]["payload"]["allOf"][1].pop("additionalProperties")
    jsonschema.Draft202012Validator(told).validate(body)


_CLOSED = '"additionalProperties": false, "properties": {'


@pytest.mark.parametrize("name", EVENTS)
def test_every_event_is_as_the_document_says(name: str) -> None:
    check(name, envelope(filled(kind_of(name))))
    check(name, envelope(kind_of(name)()))


def test_a_field_the_document_does_not_know_is_found() -> None:
    body = envelope(filled(kind_of(EVENTS[0])))
    with pytest.raises(jsonschema.ValidationError):
        check(EVENTS[0], body | {"data": {**body["data"], "more": 1}})
    with pytest.raises(jsonschema.ValidationError):
        check(EVENTS[0], body | {"subject": "identity.v1.other"})


def test_every_reference_of_the_document_leads_somewhere() -> None:
    for reference in re.findall(r"\$ref: '?#/(\S+?)'?\n", docs.asyncapi(CONTRACT)):
        place: Any = DOCUMENT
        for part in reference.split("/"):
            place = place[part]


def test_every_event_has_a_sentence_and_a_subject_of_its_own_service() -> None:
    subjects = [event.subject for event in CONTRACT.events]
    assert len(set(subjects)) == len(subjects) > 20
    for event in CONTRACT.events:
        assert event.comment.endswith("."), event.name
        assert event.subject.startswith(f"{event.name.split('.')[1]}.v1."), event.name


def test_the_page_names_every_event_and_field() -> None:
    page = docs.events_page(CONTRACT)
    for event in CONTRACT.events:
        assert f"`{event.subject}` · `{event.name}`" in page
        assert all(f"| `{field.json_name}` |" in page for field in event.fields)
