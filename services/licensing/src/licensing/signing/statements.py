"""Statements: canonical JSON (RFC 8785) of what somebody signs."""

from collections.abc import Mapping
from typing import Any

import rfc8785


def canonical(statement: Mapping[str, Any]) -> bytes:
    """Return the one way to write a statement."""
    return rfc8785.dumps(dict(statement))
