"""Licenses in the vocabularies of others, out and in."""

from enum import StrEnum
from typing import Any

from kit import trace
from kit.errors import FieldInvalid

from licensing.domain.odrl import to_odrl
from licensing.domain.odrl_reading import Policy, read_policy
from licensing.domain.plus import from_plus, to_plus
from licensing.domain.vocabulary import Vocabulary
from licensing.service.licenses import Licenses
from licensing.signing.statements import canonical


class Format(StrEnum):
    """How a license is written for others."""

    ODRL = "odrl"
    """ODRL 2.2 JSON-LD."""
    PLUS = "plus"
    """PLUS License Data Format 2.0.1."""


class Exchange:
    """What others read and write of licenses; nothing is stored."""

    def __init__(self, licenses: Licenses, vocabulary: Vocabulary) -> None:
        self._licenses = licenses
        self._vocabulary = vocabulary

    async def export(self, license_id: str, format: Format) -> bytes:
        """Return a license as canonical JSON, to whoever may see it.

        Raises:
            LicenseNotFound: there is none, or none the caller may know of.
        """
        license = await self._licenses.get(license_id)
        if format is Format.ODRL:
            return canonical(to_odrl(license, self._vocabulary))
        return canonical(to_plus(license))

    def read(self, document: Any) -> Policy:
        """Return the terms a document says, for anybody with a key.

        Raises:
            Unauthenticated: nobody in particular asks.
            FieldInvalid: something in it is missing, malformed or not understood.
        """
        trace.require_actor()
        if "@context" in document:
            return read_policy(document, self._vocabulary)
        if "plus:Version" in document:
            return Policy(from_plus(document, self._vocabulary), fee=None, per_image=None)
        raise FieldInvalid("document", "must have an @context (ODRL) or a plus:Version (PLUS)")
