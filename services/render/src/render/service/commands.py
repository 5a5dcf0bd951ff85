"""What every command carries, so that it takes effect once."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Command:
    """The id of a request, and the SHA-256 of its content."""

    request_id: str
    content: str
