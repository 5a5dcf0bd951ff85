"""From words and weights to marked pictures; runs in threads of its own."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from imaging.faces import Faces
from imaging.failures import AdapterUnusable
from imaging.pictures import Rgb
from imaging.pipeline import adapters
from imaging.words import caption, outfit

from render.domain.renders import Order
from render.pipeline import batch
from render.pipeline.marking.mark import Keys, Marked, Marker
from render.pipeline.marking.request import MarkRequest, System


class Studio:
    """Makes pictures and marks them. Holds the base in memory, and the judge of faces."""

    def __init__(self, bases: Path, sampler: batch.Sampler, keys: Keys) -> None:
        self._bases = batch.Bases(bases)
        self._sampler = sampler
        self._faces = Faces(upsample=1)  # a face of 40 pixels must stay free of the label too
        self._keys = keys

    @property
    def loaded(self) -> str:
        """Return the name of the base in memory; empty while no weights were loaded."""
        return self._bases.kept

    @property
    def watermark(self) -> str:
        """Return the name of the codec pictures are marked with."""
        return self._keys.codec.name

    def check(self, base: str, adapter: bytes) -> str:
        """Check that an adapter was trained on a base as it is now; return its twin's noun.

        Raises:
            BaseUnusable: there is no such base, or it cannot be loaded safely.
            AdapterUnusable: no adapter of ours, or of another base.
        """
        about = adapters.describe(adapter)
        if about.base_sha256 != self._bases.digest(base):
            raise AdapterUnusable("the adapter was trained on another base")
        return about.subject

    def make(
        self, base: str, orders: Sequence[Order], should_stop: Callable[[], bool]
    ) -> list[tuple[Rgb, str]]:
        """Make one picture per order in one batch; return each with its prompt.

        The same orders give the same pictures, whoever makes them on the same kind of machine.

        Raises:
            BaseUnusable, AdapterUnusable: as `check`.
            Stopped: `should_stop` said yes.
            OutOfMemory: the device has no room for half of them.
        """
        rows = [self._row(base, order) for order in orders]
        made = batch.make(self._bases.get(base), rows, self._sampler, should_stop)
        return [(pixels, row.prompt) for pixels, row in zip(made, rows, strict=True)]

    def find_faces(self, pixels: Rgb) -> tuple[tuple[int, int, int, int], ...]:
        """Return where faces are, for the label to stay off."""
        return tuple(face.box for face in self._faces.find(pixels))

    def measure(self, pixels: Rgb, template: bytes) -> float | None:
        """Return how far the surest face is from a template; None without a face.

        Args:
            pixels: the picture.
            template: 128 little-endian float32, the mean of her held-out photos.
        """
        seen = self._faces.find(pixels)
        if not seen:
            return None
        who = np.frombuffer(template, dtype="<f4")
        return float(np.linalg.norm(self._faces.embed(pixels, seen[0]) - who))

    def mark(self, base: str, pixels: Rgb, request: MarkRequest, parent: bytes = b"") -> Marked:
        """Put every mark on a finished picture, or on a part cut from it, whose `parent` is given.

        Raises:
            NoRoom: the label would cover a face wherever it stood.
            WatermarkLost: the picture does not hold the number: too small, too loud.
        """
        system = System(f"Sosia {base}", self._bases.digest(base)[:12])
        return Marker(self._keys, system).mark(pixels, request, parent)

    def _row(self, base: str, order: Order) -> batch.Row:
        product, shot = order.product, order.shot
        prompt = caption(
            subject=self.check(base, order.adapter),
            framing=shot.framing,
            outfit=outfit(product.garment, product.colour, product.pattern or "solid"),
            pose=shot.pose,
            view=shot.view,
            light=shot.lighting,
        )
        return batch.Row(order.twin, order.adapter, prompt, order.seed)
