"""From words and weights to marked pictures; runs in threads of its own."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from imaging.faces import Faces
from imaging.failures import AdapterUnusable
from imaging.pictures import Rgb
from imaging.pipeline import adapters, processor
from imaging.pipeline.likest import Sampler
from imaging.pipeline.recognition import Recognizer
from imaging.words import VIEWS, caption, outfit

from render.domain.renders import Order
from render.metrics import REDRAWN
from render.pipeline import batch
from render.pipeline.marking.mark import Keys, Marked, Marker
from render.pipeline.marking.request import MarkRequest, System


class Studio:
    """Makes pictures and marks them. Holds the base in memory, and the judge of faces."""

    def __init__(self, bases: Path, threads: int, sampler: Sampler, keys: Keys) -> None:
        self._bases = batch.Bases(bases)
        self._threads, self._sampler = threads, sampler
        self._faces = Faces(upsample=1)  # a face of 40 pixels must stay free of the label too
        self._eye = Recognizer(self._faces)
        self._keys = keys

    @property
    def loaded(self) -> str:
        """Return the name of the base in memory; empty while no weights were loaded."""
        return self._bases.kept

    @property
    def watermark(self) -> str:
        """Return the name of the codec pictures are marked with."""
        return self._keys.codec.name

    def check(self, base: str, adapter: bytes) -> adapters.About:
        """Check that an adapter was trained on a base as it is now; return what it says of itself.

        Raises:
            BaseUnusable: there is no such base, or it cannot be loaded safely.
            AdapterUnusable: no adapter of ours, of another base, or whose face or marks cannot be
                read.
        """
        about = adapters.describe(adapter)
        if about.base_sha256 != self._bases.digest(base):
            raise AdapterUnusable("the adapter was trained on another base")
        _ = about.reference  # can be read
        return about

    def make(
        self, base: str, orders: Sequence[Order], should_stop: Callable[[], bool]
    ) -> list[tuple[Rgb, str]]:
        """Make one picture per order in one batch; return each with its prompt.

        A close-up that does not look like her is drawn again, as often as the sampler allows. The
        same orders give the same pictures, whoever makes them on the same kind of machine.

        Raises:
            BaseUnusable, AdapterUnusable: as `check`.
            Stopped: `should_stop` said yes.
            OutOfMemory: the device has no room for half of them.
        """
        rows = [self._row(base, order) for order in orders]
        processor.use_threads(self._threads)
        made = batch.make(self._bases.get(base), rows, self._sampler, self._eye, should_stop)
        REDRAWN.inc(sum(one.tries - 1 for one in made))
        return [(one.pixels, row.prompt) for one, row in zip(made, rows, strict=True)]

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
        product, shot, about = order.product, order.shot, self.check(base, order.adapter)
        prompt = caption(
            subject=about.subject,
            framing=shot.framing,
            outfit=outfit(product.garment, product.colour, product.pattern or "solid"),
            pose=shot.pose,
            view=shot.view,
            light=shot.lighting,
        )
        shows_face = shot.framing == "face" and shot.view in VIEWS[:2]
        wanted = about.reference if shows_face else None
        return batch.Row(order.twin, order.adapter, prompt, order.seed, wanted)
