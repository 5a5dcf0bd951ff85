"""The codecs that the settings switch on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from render.pipeline.marking import rivagan, trustmark
from render.pipeline.marking.codec import Codec
from render.pipeline.marking.rivagan import RivaGan
from render.pipeline.marking.trustmark import TrustMark
from render.pipeline.marking.watermark import SpreadSpectrum
from render.pipeline.marking.weights import WeightsUnusable
from render.settings import Settings

_CODEC_SETTING = "RENDER_WATERMARK_CODEC"


@dataclass(frozen=True, slots=True)
class Codecs:
    """What marks new pictures, and all that read: the one with the strongest check first."""

    marking: Codec
    reading: tuple[Codec, ...]

    @property
    def values(self) -> Mapping[str, Callable[[int], bytes]]:
        """Return with what each codec states a number, by its name."""
        return {codec.name: codec.value for codec in self.reading}


def open_codecs(settings: Settings, key: bytes) -> Codecs:
    """Load our codec and those whose weights are given.

    A picture that another codec marked is still read after the choice changed, as long as that
    codec's weights stay given.

    Raises:
        WeightsUnusable: the chosen codec's weights are not given, or some cannot be loaded.
    """
    found: dict[str, Codec] = {"spread": SpreadSpectrum(key)}
    others: dict[str, tuple[str, Path | None, Callable[[bytes, Path], Codec]]] = {
        "trustmark": (trustmark.SETTING, settings.trustmark_weights, TrustMark),
        "rivagan": (rivagan.SETTING, settings.rivagan_weights, RivaGan),
    }
    for name, (setting, folder, make) in others.items():
        if folder is not None:
            found[name] = make(key, folder)
        elif settings.watermark_codec == name:
            raise WeightsUnusable(f"{setting} is not set: {_CODEC_SETTING}={name} needs it")
    return Codecs(found[settings.watermark_codec], tuple(found.values()))
