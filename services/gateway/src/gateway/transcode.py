"""JSON to the message of a call and back: proto3's own mapping, with the names of the protos."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from kit.errors import FieldInvalid, InvalidArgument

_UNKNOWN = re.compile(r'has no field named "([^"]+)"(?: at "([^"]+)")?')
_FAILED = re.compile(r"Failed to parse (\S+?) field: (.+?)\.?$", re.S)


_CAMEL = frozenset({"sosia/render/v1/softbinding.proto"})
"""Protos that follow another standard's JSON, whose names are camel case."""


class BodyInvalid(InvalidArgument):
    """The body is not a JSON object."""

    reason = "BODY_INVALID"


def name_of(field: FieldDescriptor) -> str:
    """Return what a field is called in JSON and in a query."""
    message = field.containing_type
    is_camel = message is not None and message.file.name in _CAMEL
    return field.json_name if is_camel else field.name


def parse_body(text: bytes) -> dict[str, Any]:
    """Read a JSON object; an empty body is an empty object.

    Raises:
        BodyInvalid: it is something else.
    """
    try:
        body = json.loads(text) if text.strip() else {}
    except (ValueError, RecursionError) as error:
        raise BodyInvalid(f"the body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise BodyInvalid("the body must be a JSON object")
    return body


def to_message(kind: Descriptor, fields: Mapping[str, Any]) -> Message:
    """Return the message that JSON fields stand for.

    Raises:
        FieldInvalid: a field is unknown or of another type; names its path in the JSON.
    """
    message: Message = GetMessageClass(kind)()
    try:
        json_format.ParseDict(dict(fields), message)
    except json_format.ParseError as error:
        raise _explained(str(error)) from error
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise BodyInvalid(f"the body does not fit {kind.name}: {error}") from error
    return message


def from_query(kind: Descriptor, items: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Read a query string into fields; a name may come several times for a repeated field.

    Raises:
        FieldInvalid: a parameter the call does not know.
    """
    fields: dict[str, Any] = {}
    known = {name_of(field): field for field in kind.fields}
    for name, value in items:
        field = known.get(name.split(".")[0])
        if field is None:
            raise FieldInvalid(name, "is no parameter of this path")
        if field.message_type is not None:
            _nest(fields, name, value)
        elif field.is_repeated:
            fields.setdefault(field.name, []).append(value)
        else:
            fields[field.name] = _plain(field, value)
    return fields


def to_json(message: Message) -> dict[str, Any]:
    """Return a message as JSON fields, those at their default included."""
    return json_format.MessageToDict(
        message,
        preserving_proto_field_name=message.DESCRIPTOR.file.name not in _CAMEL,
        always_print_fields_with_no_presence=True,
    )


def sha256(content: bytes) -> str:
    """Return the SHA-256 of a file, hex."""
    return hashlib.sha256(content).hexdigest()


def _plain(field: FieldDescriptor, value: str) -> str | bool:
    """Read a word of a query, where true and false are words as well."""
    is_flag = field.type == FieldDescriptor.TYPE_BOOL and value in ("true", "false")
    return value == "true" if is_flag else value


def _nest(fields: dict[str, Any], name: str, value: str) -> None:
    """Put "page.page_size" where it belongs."""
    outer, _, inner = name.partition(".")
    if not inner:
        raise FieldInvalid(name, "has parts of its own: name one, as in page.page_size")
    fields.setdefault(outer, {})[inner] = value


def _explained(text: str) -> FieldInvalid:
    """Say which field a parse error is about and which rule it breaks."""
    unknown = _UNKNOWN.search(text)
    if unknown:
        name, place = unknown.groups()
        return FieldInvalid(_path(place, name), "is no field of this request")
    names: list[str] = []
    while (failed := _FAILED.match(text)) is not None:
        names.append(failed[1])
        text = failed[2]
    path = _joined(names) or "body"
    return FieldInvalid(path, text.split(" at ")[0].removesuffix("..").strip() or "is malformed")


def _path(place: str | None, name: str) -> str:
    """Join the place of an object, as in "SomeRequest.terms", with a field in it."""
    inner = place.partition(".")[2] if place else ""
    return f"{inner}.{name}" if inner else name


def _joined(names: list[str]) -> str:
    """Join the fields a parse error nests: each may repeat the whole path before it."""
    path = ""
    for name in names:
        path = name if not path or name.startswith(f"{path}.") else f"{path}.{name}"
    return path
