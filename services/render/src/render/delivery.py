"""A finished picture on its way into the registry: marked, sealed, noted."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from imaging.pictures import Rgb
from kit.ops import log
from sosia.identity.v1 import consent_pb2
from vault import Vault

from render import metrics
from render.admission import Admitted
from render.clients import Identity
from render.domain.drift import Score
from render.domain.formats import FORMATS, Format, MadeFormat
from render.domain.renders import Made, Picture
from render.pipeline.marking import cropping, garment, wording
from render.pipeline.marking import request as facts
from render.pipeline.marking.label import NoRoom
from render.pipeline.marking.mark import Marked, WatermarkLost
from render.pipeline.marking.request import MarkRequest
from render.service.jobs import Jobs

if TYPE_CHECKING:
    from render.making import Studio  # brings torch

_HOUSE = facts.Party("sosia", "Sosia")


class Delivery:
    """Brings pictures from a worker's memory to where their reviewers find them."""

    def __init__(self, jobs: Jobs, identity: Identity, vault: Vault, studio: Studio) -> None:
        self._jobs = jobs
        self._identity = identity
        self._vault = vault
        self._studio = studio

    async def deliver(self, one: Admitted, pixels: Rgb, prompt: str) -> bool:
        """Mark a picture, whole and in each format, seal all for the talent and register a draft.

        Returns False, with nothing left behind, if the render is no longer this worker's.

        Raises:
            NoRoom, WatermarkLost: it cannot be marked.
            DomainError: no live consent covers rendering any more, or identity does not answer.
        """
        render = one.task.render
        faces = await asyncio.to_thread(self._studio.find_faces, pixels)
        height, width = pixels.shape[:2]
        framing = one.task.shot.framing
        product = garment.area(framing, faces, (width, height))
        heads = faces or garment.head(framing, (width, height))
        request = await self._facts(one, heads, product)
        whole = await self._mark(one, pixels, request)
        parts = await self._crop(one, pixels, request, whole.data)
        sealed = [await self._seal(one, *part) for part in (("", whole), *parts)]
        (_, picture), *others = sealed
        formats = [
            MadeFormat(Format(name, marked.watermark, part), marked.manifest)
            for (name, part), (_, marked) in zip(others, parts, strict=True)
        ]
        score = await asyncio.to_thread(self._score, one, pixels)
        made = Made(picture, whole.manifest, prompt, score, tuple(formats))
        if await self._jobs.finish(render, made):
            return True
        for _, part in sealed:
            await self._vault.delete(part.object_key)
        return False

    async def _crop(
        self, one: Admitted, pixels: Rgb, request: MarkRequest, whole: bytes
    ) -> list[tuple[str, Marked]]:
        """Cut the picture, before it was marked, into each format its brief wants; mark that anew.

        A format in which a face would be cut, or that cannot hold its marks, is left out.
        """
        wanted = {name: FORMATS[name] for name in one.task.formats}
        numbers = await self._jobs.new_numbers(len(wanted))
        made = []
        for (name, ratio), number in zip(wanted.items(), numbers, strict=True):
            try:
                part = cropping.crop(pixels, ratio, request.faces, request.products)
                facts_of_it = replace(
                    request, asset_number=number, faces=part.faces, products=part.products
                )
                made.append((name, await self._mark(one, part.pixels, facts_of_it, whole)))
            except (cropping.NoCrop, NoRoom, WatermarkLost) as error:
                log.info("a format was left out", render_id=request.render_id, why=str(error))
        return made

    async def _mark(
        self, one: Admitted, pixels: Rgb, request: MarkRequest, parent: bytes = b""
    ) -> Marked:
        mark = partial(self._studio.mark, one.twin.base, pixels, request, parent)
        marked = await asyncio.to_thread(mark)
        metrics.tell_marking(marked.seconds)
        return marked

    async def _seal(self, one: Admitted, name: str, marked: Marked) -> tuple[str, Picture]:
        render = one.task.render
        file = f"{render.attempt}-{name}.jpg" if name else f"{render.attempt}.jpg"
        object_key = f"pictures/{render.talent_id}/{render.id}/{file}"
        sealed_sha256 = await self._vault.put(
            object_key,
            marked.data,
            talent_id=render.talent_id,
            step=consent_pb2.STEP_RENDERING,
        )
        return name, self._picture(marked, object_key, sealed_sha256)

    def _score(self, one: Admitted, pixels: Rgb) -> Score | None:
        """Measure how near a picture is to the talent, before a mark changes it."""
        if not one.template:
            return None
        told = one.twin.fidelity
        distance = self._studio.measure(pixels, one.template)
        return Score(one.twin.id, one.task.shot.framing, distance, told.mean, told.deviation)

    def _picture(self, marked: Marked, object_key: str, sealed_sha256: str) -> Picture:
        return Picture(
            object_key=object_key,
            object_sha256=sealed_sha256,
            sha256=marked.sha256,
            fingerprint=marked.fingerprint,
            keyed_fingerprint=marked.keyed_fingerprint,
            outline=marked.outline,
            rights_digest=marked.rights.digest,
            watermark=self._studio.watermark,
            width=marked.size[0],
            height=marked.size[1],
        )

    async def _facts(
        self, one: Admitted, faces: tuple[facts.Box, ...], product: facts.Box
    ) -> MarkRequest:
        """Gather what the marks state."""
        render, license = one.task.render, one.license
        parties = await self._identity.get_parties([license.talent_id, license.brand_id])
        talent, brand = parties[license.talent_id], parties[license.brand_id]
        return MarkRequest(
            asset_number=render.asset_number,
            render_id=render.id,
            license_id=license.id,
            twin_version_id=render.twin_version_id,
            consent_receipt_id=render.basis.consent_receipt_id,
            title=f"{one.task.campaign}: {one.task.product.name}",
            credits=tuple(facts.Credit(credit.name, credit.role) for credit in render.credits),
            licensor=facts.Party(talent.id, talent.name),
            licensee=facts.Party(brand.id, brand.name),
            supplier=_HOUSE,
            created_at=await self._jobs.now(),
            license_starts_at=license.starts_at,
            license_ends_at=license.ends_at,
            wording=wording.choose(license.territories),
            sources=_sources(one),
            faces=faces,
            products=(product,),
        )


def _sources(one: Admitted) -> tuple[facts.Source, ...]:
    """Return what the twin was trained on and the photos of the product, by hash."""
    photos = (
        facts.Source(photo.title, "inputTo", photo.sha256, is_photo=True)
        for photo in one.task.photos
    )
    if not one.twin.dataset_sha256:
        return tuple(photos)
    return (facts.Source("Capture set", "inputTo", one.twin.dataset_sha256), *photos)
