"""A command may arrive twice; it takes effect once per request id."""

import hashlib

from google.protobuf.message import Message
from sqlalchemy import Column, DateTime, Table, Text, func, select
from sqlalchemy.dialects.postgresql import insert

from kit.db import Tx, metadata
from kit.errors import FieldInvalid, RequestReused

_requests = Table(
    "requests",
    metadata,
    Column("request_id", Text, primary_key=True),
    Column("content_sha256", Text, nullable=False),
    Column("result_id", Text, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)


def digest(*parts: object) -> str:
    """Return the SHA-256 of a request's content, hex, the request id itself left out.

    Messages count by their deterministic serialization without `request_id`; everything else by
    its `repr`.
    """
    sha256 = hashlib.sha256()
    for part in parts:
        data = _content(part) if isinstance(part, Message) else repr(part).encode()
        sha256.update(len(data).to_bytes(8, "big") + data)
    return sha256.hexdigest()


def _content(message: Message) -> bytes:
    copy = type(message)()
    copy.CopyFrom(message)
    if "request_id" in message.DESCRIPTOR.fields_by_name:
        copy.ClearField("request_id")
    return message.DESCRIPTOR.full_name.encode() + copy.SerializeToString(deterministic=True)


async def claim(tx: Tx, request_id: str, content: str, new_id: str) -> str:
    """Note the request and return the id of its result.

    The answer is `new_id` the first time and the first time's id on a repeat. Two racing
    transactions take turns here: the second waits for the first to commit.

    Raises:
        FieldInvalid: the request id is empty or longer than 200 characters.
        RequestReused: it was used before with other content.
    """
    _check_id(request_id)
    row = {"request_id": request_id, "content_sha256": content, "result_id": new_id}
    note = insert(_requests).values(row).on_conflict_do_nothing()
    if (await tx.execute(note)).rowcount:
        return new_id
    return await find(tx, request_id, content) or new_id


async def find(tx: Tx, request_id: str, content: str) -> str | None:
    """Return the id of what the request made before, None if it did not; nothing is noted.

    For commands that ask another service before they may open their transaction.

    Raises:
        FieldInvalid, RequestReused: as `claim`.
    """
    _check_id(request_id)
    query = select(_requests).where(_requests.c.request_id == request_id)
    noted = (await tx.execute(query)).one_or_none()
    if noted is None:
        return None
    if noted.content_sha256 != content:
        raise RequestReused(
            f"request {request_id} was made before with other content", requestId=request_id
        )
    return str(noted.result_id)


def _check_id(request_id: str) -> None:
    if not 0 < len(request_id) <= 200 or not request_id.isprintable():
        raise FieldInvalid("request_id", "must have 1 to 200 printable characters")
