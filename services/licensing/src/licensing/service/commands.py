"""What every command carries, so that it takes effect once."""

from dataclasses import dataclass

from kit import once
from kit.db import Database, Tx


@dataclass(frozen=True, slots=True)
class Command:
    """The id of a request, and the SHA-256 of its content."""

    request_id: str
    content: str


async def claim(tx: Tx, command: Command, new_id: str) -> str:
    """Note the command and return the id of its result: `new_id`, or on a repeat the first one.

    Raises:
        FieldInvalid, RequestReused: as `kit.once.claim`.
    """
    return await once.claim(tx, command.request_id, command.content, new_id)


async def find_repeat(database: Database, command: Command) -> str | None:
    """Return the id of what the command made before, None if it did not.

    Raises:
        FieldInvalid, RequestReused: as `kit.once.claim`.
    """
    async with database.begin() as tx:
        return await once.find(tx, command.request_id, command.content)
