"""Reading documents that others wrote: strictly, with the JSON path of whatever is wrong.

A path begins at the field of the request, as in "document.permission[0].constraint[2].operator".
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from kit.errors import FieldInvalid

ROOT = "document"
_PLAIN = re.compile(r"[A-Za-z_@]\w*")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)")
_LEFT_OUT = "is not understood here, and nothing is left out in silence"


@dataclass(frozen=True, slots=True)
class Node:
    """A value of a document, and where it stands."""

    value: Any
    path: str = ROOT

    def fail(self, rule: str, *, reason: str | None = None) -> FieldInvalid:
        """Return the error that says what this value must be."""
        return FieldInvalid(self.path, rule, reason=reason)

    def only(self, allowed: Iterable[str]) -> "Node":
        """Return this object, which has no other keys. Raises FieldInvalid."""
        if not isinstance(self.value, Mapping):
            raise self.fail("must be an object")
        known = frozenset(allowed)
        for key in self.value:
            if key not in known:
                raise self[key].fail(_LEFT_OUT)
        return self

    def __contains__(self, key: str) -> bool:
        """Tell whether this object has a key."""
        return key in self.value

    def __getitem__(self, key: str) -> "Node":
        """Return what stands under a key of this object; None if nothing does."""
        where = f".{key}" if _PLAIN.fullmatch(key) else f'["{key}"]'
        return Node(self.value.get(key), self.path + where)

    def items(self, lowest: int, highest: int) -> "list[Node]":
        """Return the values of a list; a single value is a list of one, as in JSON-LD.

        Raises:
            FieldInvalid: fewer than `lowest`, or more than `highest`.
        """
        found = self.value if isinstance(self.value, list) else [self.value]
        if self.value is None:
            found = []
        if not lowest <= len(found) <= highest:
            raise self.fail(f"must have from {lowest} to {highest} values")
        if found is not self.value:
            return [Node(one, self.path) for one in found]
        return [Node(one, f"{self.path}[{index}]") for index, one in enumerate(found)]

    def text(self) -> str:
        """Return this string. Raises FieldInvalid."""
        if not isinstance(self.value, str):
            raise self.fail("must be a string")
        return self.value

    def within(self, lowest: int, highest: int) -> int:
        """Return this whole number; 3.0 is one, as JSON knows but one kind. Raises FieldInvalid."""
        number = self.value
        is_number = isinstance(number, int | float) and not isinstance(number, bool)
        if not is_number or not lowest <= number <= highest or number != int(number):
            raise self.fail(f"must be a whole number from {lowest:,} to {highest:,}")
        return int(number)

    def time(self) -> datetime:
        """Return this time, in UTC.

        Raises:
            FieldInvalid: no xsd:dateTime, without an offset, finer than a microsecond.
        """
        rule = 'must be an xsd:dateTime with an offset, such as "2026-01-31T00:00:00Z"'
        if _TIME.fullmatch(self.text()) is None:
            raise self.fail(rule)
        try:
            return datetime.fromisoformat(self.text()).astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise self.fail(rule) from error

    def equal(self, *allowed: Any) -> Any:
        """Return this value, which is one of those allowed. Raises FieldInvalid."""
        for one in allowed:
            if type(one) is type(self.value) and one == self.value:
                return one
        said = " or ".join(str(one) for one in allowed)
        raise self.fail(f"must be {said}")


def say_time(value: datetime) -> str:
    """Return a time as an xsd:dateTime in UTC."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
