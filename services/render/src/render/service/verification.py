"""What is known of any picture, for anybody who asks."""

from typing import Protocol

from kit import db
from kit.db import Database, Tx

from render.clients import Identity, Licensing
from render.domain import answers, licenses
from render.domain.answers import Answer, AskedUse, Named, Registered
from render.domain.judging import Outcome
from render.domain.verdicts import Layers, Verdict, find_cropped, verdict
from render.store import registry

_NAMED = (Outcome.VERIFIED, Outcome.RECOVERED)


class Examiner(Protocol):
    """Looks at files; raises what is wrong with one."""

    async def look(self, content: bytes) -> Layers:
        """Return every layer of a file."""

    async def is_part(self, content: bytes, outline: bytes) -> bool:
        """Tell whether a file is a part of the picture an outline was taken of."""


class Looks(Protocol):
    """Knows every fingerprint in the registry."""

    async def near(self, tx: Tx, fingerprint: bytes) -> list[bytes]:
        """Return those that count beside this one."""


class Fetcher(Protocol):
    """Fetches files from strangers' addresses."""

    async def fetch(self, url: str) -> bytes:
        """Return what lies there. Raises AddressRefused, AddressUnreachable, PhotoTooLarge."""


class Verifier:
    """Weighs what a file says against the registry of released pictures."""

    def __init__(
        self,
        database: Database,
        identity: Identity,
        licensing: Licensing,
        examiner: Examiner,
        looks: Looks,
        fetcher: Fetcher,
    ) -> None:
        """Take in who looks at files, who knows what looks alike, and who fetches files."""
        self._db = database
        self._identity = identity
        self._licensing = licensing
        self._examiner = examiner
        self._looks = looks
        self._fetcher = fetcher

    async def verify(self, content: bytes, use: AskedUse | None = None) -> Answer:
        """Say what a file is, and whether it may be used as asked.

        Raises:
            PhotoTooLarge, PhotoUnreadable: as the examiner's `look`.
        """
        judged, record = await self.recognise(content)
        said = answers.describe(judged)
        named = None if record is None else await self._name(record, use)
        return Answer(judged.outcome, tuple(said.items()), named)

    async def verify_address(self, url: str, use: AskedUse | None = None) -> Answer:
        """Say what the file at an address is. Nothing but its pixels and marks says its type.

        Raises:
            AddressRefused, AddressUnreachable, PhotoTooLarge, PhotoUnreadable: in this order.
        """
        return await self.verify(await self._fetcher.fetch(url), use)

    async def get(self, render_id: str) -> Named:
        """Say of a released picture what is said of its file; whoever has the id may know.

        Raises:
            RenderNotFound: there is no such picture, or it is not released.
        """
        async with self._db.begin() as tx:
            record = await registry.get(tx, render_id)
        return await self._name(record, None)

    async def recognise(self, content: bytes) -> tuple[Verdict, Registered | None]:
        """Return the verdict on a file and, if verified or recovered, the picture it is.

        Raises:
            PhotoTooLarge, PhotoUnreadable: as the examiner's `look`.
        """
        layers = await self._examiner.look(content)
        async with self._db.begin() as tx:
            alike = await self._looks.near(tx, layers.fingerprint)
            found = await registry.find(tx, layers, alike)
        candidates = [one.candidate for one in found]
        cropped = find_cropped(layers, candidates)
        if cropped is not None and not await self._examiner.is_part(content, cropped.outline):
            cropped = None
        judged = verdict(layers, candidates, cropped)
        if judged.outcome not in _NAMED:
            return judged, None
        return judged, next(one for one in found if one.candidate == judged.record)

    async def _name(self, record: Registered, use: AskedUse | None) -> Named:
        rights = record.candidate.rights
        parties = await self._identity.get_parties([record.talent_id, record.brand_id])
        license = await self._licensing.get_license(rights.license_id)
        refusals = None if use is None else await self._licensing.find_refusals(license, use)
        word = await self._licensing.find_word(rights.render_id)
        proof = await self._identity.prove(rights.consent_receipt_id)
        async with self._db.begin() as tx:
            now = await db.now(tx)
        return Named(
            render_id=rights.render_id,
            talent=parties[record.talent_id].name,
            brand=parties[record.brand_id].name,
            license_id=license.id,
            license_state=licenses.describe(license, now=now),
            license_ends_at=license.ends_at,
            credits=record.credits,
            consent_receipt_id=rights.consent_receipt_id,
            released_at=record.released_at,
            refusals=refusals,
            word=word,
            proof=proof,
        )
