"""Media and places a license may name; what they are is data."""

from collections.abc import Mapping
from dataclasses import dataclass

from kit.errors import FieldInvalid

WORLD = "WORLD"


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The codes of media, countries and regions."""

    media: Mapping[str, str]
    """Code -> its place in the PLUS Media Matrix, as category / type / detail."""
    countries: frozenset[str]
    """ISO 3166-1 alpha-2."""
    regions: Mapping[str, frozenset[str]]
    """Name -> its countries; WORLD is all of them."""

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
