"""What the protos say, comments included: events, their fields, and the messages these use."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
)
from sosia.common.v1 import event_pb2

ROOT = Path(__file__).resolve().parents[1]
_MESSAGES, _ENUMS, _FIELDS = 4, 5, 2  # field numbers in descriptor.proto, as paths name them


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a message."""

    name: str
    json_name: str
    kind: str
    """A scalar's name in proto, or the full name of a message or an enum."""
    is_list: bool
    comment: str


@dataclass(frozen=True, slots=True)
class Message:
    """One message; an event if it has a subject."""

    name: str
    """Full, as in sosia.identity.v1.ConsentSigned."""
    comment: str
    subject: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Contract:
    """Every message and enum of the protos, by full name."""

    messages: dict[str, Message]
    enums: dict[str, tuple[str, ...]]

    @property
    def events(self) -> list[Message]:
        """The messages with a subject, in the order of their files."""
        return [message for message in self.messages.values() if message.subject]


def read(folder: Path = ROOT / "proto") -> Contract:
    """Compile the protos in `folder` and return what they say."""
    messages: dict[str, Message] = {}
    enums: dict[str, tuple[str, ...]] = {}
    for file in _compile(folder).file:
        if file.package.startswith("sosia."):
            comments = _comments(file)
            for enum in file.enum_type:
                enums[f"{file.package}.{enum.name}"] = _values(enum)
            for number, message in enumerate(file.message_type):
                made = _message(file.package, message, comments, (_MESSAGES, number))
                messages[made.name] = made
                enums |= {f"{made.name}.{enum.name}": _values(enum) for enum in message.enum_type}
    return Contract(messages, enums)


def _compile(folder: Path) -> FileDescriptorSet:
    protos = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.proto"))
    with tempfile.NamedTemporaryFile(suffix=".binpb") as out:
        options = ["--include_source_info", f"--descriptor_set_out={out.name}"]
        command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{folder}", *options, *protos]
        subprocess.run(command, check=True)
        return FileDescriptorSet.FromString(Path(out.name).read_bytes())


def _comments(file: FileDescriptorProto) -> dict[tuple[int, ...], str]:
    """Return the comment above each thing, by its path in the file."""
    return {
        tuple(location.path): " ".join(location.leading_comments.split())
        for location in file.source_code_info.location
        if location.leading_comments
    }


def _message(
    package: str,
    message: DescriptorProto,
    comments: dict[tuple[int, ...], str],
    path: tuple[int, ...],
) -> Message:
    fields = tuple(
        Field(
            name=field.name,
            json_name=field.json_name,
            kind=_kind(field),
            is_list=field.label == FieldDescriptorProto.LABEL_REPEATED,
            comment=comments.get((*path, _FIELDS, number), ""),
        )
        for number, field in enumerate(message.field)
    )
    subject = message.options.Extensions[event_pb2.subject]
    return Message(f"{package}.{message.name}", comments.get(path, ""), subject, fields)


def _kind(field: FieldDescriptorProto) -> str:
    if field.type_name:
        return field.type_name.removeprefix(".")
    return FieldDescriptorProto.Type.Name(field.type).removeprefix("TYPE_").lower()


def _values(enum: EnumDescriptorProto) -> tuple[str, ...]:
    return tuple(value.name for value in enum.value)


def used_by(contract: Contract, message: Message) -> Iterator[str]:
    """Yield the messages and enums that a message's fields are made of, each once."""
    seen: set[str] = set()
    waiting = [field.kind for field in message.fields]
    while waiting:
        kind = waiting.pop(0)
        if kind in seen or not (kind in contract.messages or kind in contract.enums):
            continue
        seen.add(kind)
        yield kind
        if kind in contract.messages:
            waiting += [field.kind for field in contract.messages[kind].fields]
