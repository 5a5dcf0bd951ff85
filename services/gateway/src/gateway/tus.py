"""tus 1.0.0 as it is spoken here: its headers, read and written.

https://tus.io/protocols/resumable-upload, the core and the extensions creation,
creation-with-upload, checksum, expiration and termination.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from kit.errors import FieldInvalid, InvalidArgument
from starlette.requests import ClientDisconnect, Request

VERSION = "1.0.0"
PART_TYPE = "application/offset+octet-stream"
MOST_BYTES = 12 * 2**20
"""Of a file: what identity takes for a photo. It is said here, and refused there."""
PIECE_BYTES = 2**20
"""What of a long part is kept together: if the line breaks, so much at most is sent again."""
LEAST_TAIL_BYTES = 2**16
"""Of a piece the line broke in: less is not worth a file of its own."""
ABOUT = {
    "Tus-Version": VERSION,
    "Tus-Max-Size": str(MOST_BYTES),
    "Tus-Extension": "creation,creation-with-upload,checksum,expiration,termination",
    "Tus-Checksum-Algorithm": "sha256,sha1",
}
"""What OPTIONS answers."""
CHECKSUM_MISMATCH = 460
"""The protocol's own status."""


class ChecksumWrong(InvalidArgument):
    """A part is not what its checksum says: the line broke it."""

    reason = "UPLOAD_CHECKSUM_WRONG"
    field = "Upload-Checksum"


def read_number(request: Request, name: str) -> int:
    """Return a header that is a whole number of bytes. Raises FieldInvalid."""
    value = request.headers.get(name, "")
    if not (value.isascii() and value.isdigit() and len(value) <= 15):
        raise FieldInvalid(name, "must be a header, a whole number of bytes")
    return int(value)


def read_metadata(request: Request) -> dict[str, str]:
    """Return what Upload-Metadata says: pairs of a key and a text in Base64.

    Raises:
        FieldInvalid: it is malformed.
    """
    found: dict[str, str] = {}
    for pair in filter(None, request.headers.get("upload-metadata", "").split(",")):
        key, _, value = pair.strip().partition(" ")
        try:
            found[key] = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, ValueError) as error:
            raise FieldInvalid("Upload-Metadata", f"{key[:40]} must be UTF-8 in Base64") from error
    return found


def to_fields(metadata: Mapping[str, str]) -> dict[str, Any]:
    """Return the fields of CreateUpload that metadata stand for.

    Keys that are none of ours are let be: clients add some of their own, as "filetype".

    Raises:
        FieldInvalid: the facts are not JSON.
    """
    fields: dict[str, Any] = {name: metadata.get(name, "") for name in ("filename", "sha256")}
    fields["kind"] = f"UPLOAD_KIND_{metadata.get('kind', 'photo').upper()}"
    try:
        fields["facts"] = json.loads(metadata.get("facts") or "{}")
    except (ValueError, RecursionError) as error:
        raise FieldInvalid("facts", f"must be JSON: {error}") from error
    return fields


def write_metadata(said: Mapping[str, str]) -> str:
    """Write Upload-Metadata."""
    pairs = ((key, base64.b64encode(value.encode()).decode()) for key, value in said.items())
    return ",".join(f"{key} {value}" for key, value in pairs)


def write_time(stamp: Any) -> str:
    """Write a protobuf time as HTTP does, to the second."""
    return format_datetime(datetime.fromtimestamp(stamp.seconds, UTC), usegmt=True)


def check_sum(request: Request, body: bytes) -> None:
    """Check a part by its Upload-Checksum.

    Raises:
        FieldInvalid: the header is malformed or of another algorithm.
        ChecksumWrong: it is of other bytes.
    """
    algorithm, _, value = request.headers["upload-checksum"].partition(" ")
    made = {"sha256": hashlib.sha256, "sha1": hashlib.sha1}.get(algorithm)
    try:
        said = base64.b64decode(value.strip(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise FieldInvalid("Upload-Checksum", "must be an algorithm and Base64") from error
    if made is None:
        raise FieldInvalid("Upload-Checksum", "must be of sha256 or sha1")
    if not hmac.compare_digest(made(body).digest(), said):
        raise ChecksumWrong("the part is not what its checksum says")


async def read_pieces(request: Request) -> AsyncIterator[bytes]:
    """Yield a part as it comes, a piece at a time, and as much of it as came if the line breaks."""
    buffer = bytearray()
    least = 1
    try:
        async for chunk in request.stream():
            buffer += chunk
            while len(buffer) >= PIECE_BYTES:
                yield bytes(buffer[:PIECE_BYTES])
                del buffer[:PIECE_BYTES]
    except ClientDisconnect:
        least = LEAST_TAIL_BYTES
    if len(buffer) >= least:
        yield bytes(buffer)


def length_of(request: Request) -> int:
    """Return how long the body is said to be, 0 where nothing is said."""
    said = request.headers.get("content-length", "")
    return int(said) if said.isascii() and said.isdigit() else 0
