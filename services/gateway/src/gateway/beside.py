"""What was wrong with a form, said beside the field it is about."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from kit.errors import DomainError


@dataclass(frozen=True, slots=True)
class Fault:
    """An error, and where in the form it belongs."""

    error: DomainError
    places: Mapping[str, str] = field(default_factory=dict)
    """Path of a call's field -> name of the form's; of several that begin a path the longest."""

    @property
    def name(self) -> str:
        """Return the form's field it is about; nothing where it is about none, or the whole."""
        path = self.error.metadata.get("field", "")
        known = [
            one for one in self.places if path == one or path.startswith((f"{one}.", f"{one}["))
        ]
        return self.places[max(known, key=len)] if known else ""

    def at(self, name: str) -> str:
        """Return the rule that a field of the form broke; nothing if it broke none."""
        if self.name != name:
            return ""
        return self.error.metadata.get("rule", "") or str(self.error)
