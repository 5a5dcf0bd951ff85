"""Whether uses are licensed, as things stand when the question is answered.

Terms never change, so they are compiled once and kept; where a license stands is read from the
database for every answer, and its consent asked of identity. Nothing that was ended is ever
remembered as live.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from kit import db, trace
from kit.db import Database
from kit.errors import FieldInvalid

from licensing.clients import Identity
from licensing.domain import decisions as domain
from licensing.domain.decisions import Actor, Codes, Consent, Decision, Terms, Use, Word
from licensing.domain.licenses import License
from licensing.service.licenses import is_visible
from licensing.store import approvals as approvals_store
from licensing.store import licenses as store

_MOST_QUESTIONS = 100
_MOST_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Question:
    """A use somebody asks about; empty, None or 0 where nothing was said."""

    license_id: str
    render_id: str
    brand_id: str
    media: str
    territory: str
    starts_at: datetime | None
    ends_at: datetime | None
    category: str
    contexts: frozenset[str]
    pictures: int


class Decisions:
    """Answers, and changes nothing."""

    def __init__(self, database: Database, identity: Identity, codes: Codes) -> None:
        self._db = database
        self._identity = identity
        self._codes = codes
        self._terms: dict[str, Terms] = {}

    async def decide(self, questions: Sequence[Question]) -> list[Decision]:
        """Answer questions as of one moment, in their order.

        A license or a picture the caller may not know of is answered as one that is not there.

        Raises:
            FieldInvalid: more than 100 questions, or one asks for fewer than no pictures.
        """
        caller = trace.require_actor().party_id
        if len(questions) > _MOST_QUESTIONS:
            raise FieldInvalid("questions", f"must be at most {_MOST_QUESTIONS}")
        if any(question.pictures < 0 for question in questions):
            raise FieldInvalid("pictures", "must be 0 or more")
        pictures = await self._find_pictures(questions)
        asked = [_license_of(question, pictures) for question in questions]
        consents = await self._find_consents(set(asked))
        async with self._db.begin() as tx:
            now = await db.now(tx)
            found = await store.find_many(tx, consents.keys())
        return [
            domain.decide(
                Actor(question.brand_id or caller),
                _use(question, pictures, now),
                self._compiled(found.get(license_id)),
                consents.get(license_id),
                now,
            )
            for question, license_id in zip(questions, asked, strict=True)
        ]

    async def _find_pictures(self, questions: Sequence[Question]) -> "Pictures":
        """Return whose license the pictures asked about are of, and whether she said yes."""
        render_ids = {question.render_id for question in questions if question.render_id}
        async with self._db.begin() as tx:
            return await approvals_store.find_words(tx, render_ids)

    async def _find_consents(self, license_ids: set[str]) -> dict[str, Consent | None]:
        """Return the consent of each license the caller may know of."""
        async with self._db.begin() as tx:
            found = list((await store.find_many(tx, license_ids)).values())
        seen = [one for one in found if await is_visible(self._identity, one)]
        consents = await asyncio.gather(*map(self._identity.find_consent, seen))
        return {one.id: consent for one, consent in zip(seen, consents, strict=True)}

    def _compiled(self, license: License | None) -> domain.Compiled | None:
        if license is None:
            return None
        terms = self._terms.get(license.id)
        if terms is None:
            if len(self._terms) >= _MOST_KEPT:
                self._terms.pop(next(iter(self._terms)))
            terms = self._terms[license.id] = domain.compile_terms(license, self._codes)
        return domain.stand(terms, license)


Pictures = Mapping[str, tuple[str, bool]]
"""Render -> its license, and whether the talent said yes to it."""


def _license_of(question: Question, pictures: Pictures) -> str:
    """Return the license a question is about; nothing if its picture is of another one."""
    if not question.render_id:
        return question.license_id
    license_id, _ = pictures.get(question.render_id, ("", False))
    return license_id if question.license_id in ("", license_id) else ""


def _use(question: Question, pictures: Pictures, now: datetime) -> Use:
    starts_at = question.starts_at or now
    word = Word.NO_PICTURE
    if question.render_id in pictures:
        word = Word.GIVEN if pictures[question.render_id][1] else Word.MISSING
    return Use(
        media=question.media,
        territory=question.territory,
        starts_at=starts_at,
        ends_at=question.ends_at or starts_at + domain.MOMENT,
        category=question.category,
        contexts=question.contexts,
        pictures=question.pictures,
        word=word,
    )
