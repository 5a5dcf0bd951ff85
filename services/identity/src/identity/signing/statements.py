"""Statements: canonical JSON (RFC 8785) of what somebody signs."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import rfc8785


def canonical(statement: Mapping[str, Any]) -> bytes:
    """Return the one way to write a statement; times become RFC 3339 in UTC with "Z"."""
    return rfc8785.dumps({key: _plain(value) for key, value in statement.items()})


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value
