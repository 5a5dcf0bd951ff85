"""Media, places and product categories a license may name; what they are is data."""

from collections.abc import Mapping
from dataclasses import dataclass

from kit.errors import FieldInvalid

WORLD = "WORLD"


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The codes of media, countries, regions and product categories."""

    media: Mapping[str, str]
    """Code -> its place in the PLUS Media Matrix, as category / type / detail."""
    countries: frozenset[str]
    """ISO 3166-1 alpha-2."""
    regions: Mapping[str, frozenset[str]]
    """Name -> its countries; WORLD is all of them."""
    categories: Mapping[str, str]
    """Product category -> its path from the widest on, as in "apparel.outerwear.coats"."""

    def expand(self, code: str) -> frozenset[str]:
        """Return the countries of a territory, none if there is no such territory."""
        if code in self.countries:
            return frozenset({code})
        return self.regions.get(code, frozenset())

    def check_media(self, code: str, field: str) -> str:
        """Return the code of a medium. Raises FieldInvalid, MEDIA_UNKNOWN."""
        if code not in self.media:
            rule = f"must be one of {', '.join(self.media)}"
            raise FieldInvalid(field, rule, reason="MEDIA_UNKNOWN")
        return code

    def check_territory(self, code: str, field: str) -> frozenset[str]:
        """Return the countries of a territory. Raises FieldInvalid, TERRITORY_UNKNOWN."""
        countries = self.expand(code)
        if not countries:
            rule = f"must be an ISO 3166-1 alpha-2 code or one of {', '.join(self.regions)}"
            raise FieldInvalid(field, rule, reason="TERRITORY_UNKNOWN")
        return countries

    def check_category(self, code: str, field: str) -> str:
        """Return the code of a product category. Raises FieldInvalid, CATEGORY_UNKNOWN."""
        if code not in self.categories:
            rule = f"must be one of {', '.join(self.categories)}"
            raise FieldInvalid(field, rule, reason="CATEGORY_UNKNOWN")
        return code


def find_paths(parents: Mapping[str, str]) -> dict[str, str]:
    """Return the path of every category, given each one's parent (empty: it is a widest one).

    Raises:
        ValueError: a parent is no category, comes after its child, or a code is malformed.
    """
    paths: dict[str, str] = {}
    for code, parent in parents.items():
        if not code.isascii() or not code.replace("_", "").isalnum() or not code.islower():
            raise ValueError(f"category {code}: lower-case letters, digits and underscores only")
        if parent and parent not in paths:
            raise ValueError(f"category {code}: its parent {parent} must come before it")
        paths[code] = f"{paths[parent]}.{code}" if parent else code
    return paths


def is_within(path: str, wider: str) -> bool:
    """Tell whether a category's path is that of another category or of one within it."""
    return path == wider or path.startswith(f"{wider}.")
