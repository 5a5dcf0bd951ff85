"""Uploads: files on their way into a capture set, part by part."""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from kit.errors import (
    FailedPrecondition,
    FieldInvalid,
    InvalidArgument,
    NotFound,
    ResourceExhausted,
)
from kit.fields import check_sha256

from identity.domain import captures
from identity.domain.captures import Facts

MOST_PARTS = 1000
"""Of one file: a caller with a bad line sends small ones."""
MOST_OPEN_BYTES = 2**30
"""Said lengths of one caller's open uploads: what can come without being judged."""
PARTS_FOLDER = "uploads"
"""Inside the folder of a capture set."""


class UploadNotFound(NotFound):
    """No such upload, or none the caller may know of."""

    reason = "UPLOAD_NOT_FOUND"


class UploadEnded(FailedPrecondition):
    """It takes no more parts."""

    reason = "UPLOAD_ENDED"


class UploadOffsetWrong(FailedPrecondition):
    """The part begins elsewhere than where the last one ended."""

    reason = "UPLOAD_OFFSET_WRONG"


class UploadTooLong(InvalidArgument):
    """More bytes than a file may have, or than this one was said to have."""

    reason = "UPLOAD_TOO_LONG"
    field = "length"


class UploadHashWrong(InvalidArgument):
    """What came is not what was said would come."""

    reason = "UPLOAD_HASH_WRONG"
    field = "content"


class UploadQuotaSpent(ResourceExhausted):
    """The caller has too much on its way."""

    reason = "UPLOAD_QUOTA_SPENT"


class Kind(StrEnum):
    """What a file is."""

    PHOTO = "photo"
    CLIP = "clip"


class State(StrEnum):
    """How far an upload has come."""

    OPEN = "open"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a file was not taken."""

    reason: str
    rule: str


@dataclass(frozen=True, slots=True)
class NewUpload:
    """A file as it was announced: its length in bytes and its SHA-256, hex."""

    capture_set_id: str
    filename: str
    kind: Kind | None
    facts: Facts
    length: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Upload:
    """A file on its way: `offset` bytes of `length` are here, in `parts` pieces.

    Attributes:
        expires_at: when it is given up unless more comes; once it ended, when it is forgotten.
    """

    id: str
    capture_set_id: str
    talent_id: str
    filename: str
    kind: Kind
    facts: Facts
    length: int
    sha256: str
    offset: int
    parts: int
    state: State
    opened_by: str
    created_at: datetime
    expires_at: datetime
    photo_id: str = ""
    fault: Fault | None = None

    @property
    def folder(self) -> str:
        """Return where its parts lie, beside the photos of its set."""
        return f"captures/{self.talent_id}/{self.capture_set_id}/{PARTS_FOLDER}/{self.id}"


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a file from byte `start` on, and where it lies sealed."""

    upload_id: str
    start: int
    length: int
    object_key: str
    sha256: str


def check_new(new: NewUpload) -> NewUpload:
    """Return an announced file tidied.

    Raises:
        FieldInvalid, UploadTooLong: no file that could be taken is like this.
    """
    if new.kind is not Kind.PHOTO:
        raise FieldInvalid("kind", "must be photo: a capture set takes no clips yet")
    filename, facts = captures.check_filename(new.filename), captures.check_facts(new.facts)
    check_sha256(new.sha256, "sha256")
    if new.length < 1:
        raise FieldInvalid("length", "must be at least 1 byte")
    if new.length > captures.MOST_BYTES:
        raise UploadTooLong(f"must be at most {captures.MOST_BYTES} bytes", filename=filename)
    return replace(new, filename=filename, facts=facts)


def take_up(upload: Upload, new: NewUpload, *, expires_at: datetime) -> Upload:
    """Return an open upload that is announced again, with what is said of it now.

    Raises:
        FieldInvalid: the same content cannot have another length.
    """
    if new.length != upload.length:
        raise FieldInvalid("length", f"must be {upload.length}, as was said of this content before")
    return replace(upload, filename=new.filename, facts=new.facts, expires_at=expires_at)


def check_part(upload: Upload, *, offset: int, length: int, following: int = 0) -> None:
    """Check that a part may come next.

    Raises:
        UploadEnded, UploadOffsetWrong, UploadTooLong, FieldInvalid: in this order.
    """
    told = {"uploadId": upload.id, "filename": upload.filename}
    if upload.state is not State.OPEN:
        raise UploadEnded(f"upload {upload.id} is {upload.state}", state=upload.state, **told)
    if offset != upload.offset:
        rule = f"the next part begins at {upload.offset}, not at {offset}"
        raise UploadOffsetWrong(rule, offset=upload.offset, **told)
    if following < 0:
        raise FieldInvalid("following", "must not be negative")
    if offset + length + following > upload.length:
        raise UploadTooLong(f"the file was said to have {upload.length} bytes", **told)
    if upload.parts >= MOST_PARTS:
        raise FieldInvalid("content", f"must come in at most {MOST_PARTS} parts")


def add_part(upload: Upload, part: Part, *, expires_at: datetime) -> Upload:
    """Return the upload with a part more. Errors: as `check_part`."""
    check_part(upload, offset=part.start, length=part.length)
    return replace(
        upload,
        offset=part.start + part.length,
        parts=upload.parts + 1,
        expires_at=expires_at,
    )


def check_whole(upload: Upload, content: bytes) -> None:
    """Check that the parts make the file that was announced. Raises UploadHashWrong."""
    found = hashlib.sha256(content).hexdigest()
    if found != upload.sha256:
        raise UploadHashWrong("the file has another SHA-256 than was said", sha256=found)


def complete(upload: Upload, photo_id: str, *, expires_at: datetime) -> Upload:
    """Return the upload as it is once its photo is in the set."""
    return replace(
        upload,
        state=State.DONE,
        offset=upload.length,
        photo_id=photo_id,
        expires_at=expires_at,
    )


def fail(upload: Upload, fault: Fault, *, expires_at: datetime) -> Upload:
    """Return the upload as it is once its file was refused, or given up."""
    return replace(upload, state=State.FAILED, fault=fault, expires_at=expires_at)
