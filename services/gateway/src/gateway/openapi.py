"""The OpenAPI document, made from the table of routes and the messages behind it."""

import json
from functools import cache
from importlib import resources
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from gateway.routes import ROUTES, Body, Route
from gateway.transcode import name_of

_KINDS: dict[int, dict[str, Any]] = {
    FieldDescriptor.TYPE_STRING: {"type": "string"},
    FieldDescriptor.TYPE_BYTES: {"type": "string", "format": "byte"},
    FieldDescriptor.TYPE_BOOL: {"type": "boolean"},
    FieldDescriptor.TYPE_DOUBLE: {"type": "number", "format": "double"},
    FieldDescriptor.TYPE_INT32: {"type": "integer", "format": "int32"},
    FieldDescriptor.TYPE_INT64: {"type": "string", "format": "int64"},
}
_WELL_KNOWN: dict[str, dict[str, Any]] = {
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.Struct": {"type": "object"},
}
"""Messages that JSON has a form of its own for."""
_PARTS = {"content", "filename", "facts"}  # of a form
_PROBLEM = {
    "type": "object",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "reason": {"type": "string", "description": "A constant that is never renamed."},
        "request_id": {"type": "string"},
        "field": {"type": "string", "description": "The field at fault, as a path."},
        "rule": {"type": "string", "description": "The rule it breaks."},
    },
}


@cache
def document() -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of the whole API."""
    schemas: dict[str, Any] = {"Problem": _PROBLEM}
    paths: dict[str, Any] = {}
    for route in ROUTES:
        paths.setdefault(route.path.replace(":path}", "}"), {})[route.method.lower()] = _operation(
            route, schemas
        )
    paths["/v1/events"] = {"get": _events()}
    for path, spoken in json.loads((resources.files("gateway") / "tus.json").read_text()).items():
        paths.setdefault(path, {}).update(spoken)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Sosia",
            "version": "1",
            "description": "Digital twins of real models, owned by the models. JSON is the proto3"
            " mapping with the protos' names; bytes are base64, int64 are strings, times are"
            " RFC 3339. Errors are RFC 9457 problem documents.",
        },
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(route: Route, schemas: dict[str, Any]) -> dict[str, Any]:
    taken = {*route.parts, *dict(route.constants), "request_id", route.address}
    made: dict[str, Any] = {
        "operationId": route.operation or route.call,
        "tags": [route.service],
        "parameters": _parameters(route, taken),
        "responses": {
            str(route.status): {"description": "Done", "content": _answer(route, schemas)},
            "default": {
                "description": "What was refused, and why",
                "content": {
                    "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
                },
            },
        },
    }
    if route.body is Body.JSON:
        body = _object(route.request, schemas, without=taken)
        made["requestBody"] = {"content": {"application/json": {"schema": body}}}
    elif route.body is Body.FILE:
        parts: dict[str, Any] = {"file": {"type": "string", "format": "binary"}}
        if "facts" in route.request.fields_by_name:
            parts["facts"] = _field(route.request.fields_by_name["facts"], schemas)
        form = {"type": "object", "properties": parts, "required": ["file"]}
        made["requestBody"] = {
            "required": True,
            "content": {"multipart/form-data": {"schema": form}},
        }
    elif route.body is Body.IMAGE:
        image = {"schema": {"type": "string", "format": "binary"}}
        made["requestBody"] = {"required": True, "content": {"image/*": image}}
    return made


def _parameters(route: Route, taken: set[str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in route.parts
    ]
    if route.is_command:
        key = {"type": "string", "minLength": 1, "maxLength": 150}
        found.append({"name": "Idempotency-Key", "in": "header", "required": True, "schema": key})
    if route.body is not Body.JSON:
        for field in route.request.fields:
            if field.name not in taken | (set() if route.body is Body.NONE else _PARTS):
                found += _query(field)
    return found


def _query(field: FieldDescriptor) -> list[dict[str, Any]]:
    if field.message_type is not None:
        return [
            {"name": f"{field.name}.{inner.name}", "in": "query", "schema": _field(inner, {})}
            for inner in field.message_type.fields
        ]
    return [{"name": name_of(field), "in": "query", "schema": _field(field, {})}]


def _answer(route: Route, schemas: dict[str, Any]) -> dict[str, Any]:
    if route.media:
        return {route.media: {"schema": {"type": "string", "format": "binary"}}}
    return {"application/json": {"schema": _reference(route.answer, schemas)}}


def _reference(kind: Descriptor, schemas: dict[str, Any]) -> dict[str, Any]:
    name = kind.full_name.removeprefix("sosia.")
    if name not in schemas:
        schemas[name] = {}  # it may hold itself
        schemas[name] = _object(kind, schemas, without=set())
    return {"$ref": f"#/components/schemas/{name}"}


def _object(kind: Descriptor, schemas: dict[str, Any], *, without: set[str]) -> dict[str, Any]:
    fields = {name_of(f): _field(f, schemas) for f in kind.fields if f.name not in without}
    return {"type": "object", "properties": fields, "additionalProperties": False}


def _field(field: FieldDescriptor, schemas: dict[str, Any]) -> dict[str, Any]:
    if field.message_type is not None:
        known = _WELL_KNOWN.get(field.message_type.full_name)
        one = dict(known) if known else _reference(field.message_type, schemas)
    elif field.enum_type is not None:
        one = {"type": "string", "enum": [value.name for value in field.enum_type.values]}
    else:
        one = _KINDS[field.type]
    return {"type": "array", "items": one} if field.is_repeated else one


def _events() -> dict[str, Any]:
    return {
        "operationId": "StreamEvents",
        "tags": ["house"],
        "description": "The house's CloudEvents as server-sent events; staff only.",
        "responses": {"200": {"description": "A stream", "content": {"text/event-stream": {}}}},
    }
