"""A twin's weights: a LoRA over a base's denoiser, as one safetensors file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np
import safetensors
import safetensors.torch
import torch
from diffusers.loaders import PeftAdapterMixin
from peft import LoraConfig, get_peft_model_state_dict, set_peft_model_state_dict
from peft.tuners.lora import LoraLayer
from torch import Tensor, nn

from imaging.failures import AdapterUnusable
from imaging.pipeline import families
from imaging.pipeline.reference import Reference, pack_faces, unpack_faces
from imaging.pipeline.tracks import Track

NOBODY = ""
"""The name under which a denoiser without any adapter draws its own people."""
_ANOTHER_SHAPE = "the adapter was trained on a base of another shape"


@dataclass(frozen=True, slots=True)
class About:
    """What an adapter says of itself, in its safetensors header."""

    base_sha256: str
    rank: int
    subject: str
    """What to call the person in a caption: "woman", "man" or "person"."""
    face: str = ""
    """Whom its pictures shall look like, as `pack_faces` writes it; empty: nobody knows."""
    near: float = 0.0
    """The distance below which a face is hers; unitless."""
    marks: list[dict[str, Any]] | None = None
    """Where the marks of her face are, as `Track.pack` writes it; None: not known of all."""
    rivals: str = ""
    """Faces of nobody who exists that are like hers, as `pack_faces` writes them."""

    def of(self, reference: Reference | None) -> About:
        """Return the same, naming whom its pictures shall look like."""
        if reference is None:
            return self
        tracks = reference.tracks
        marks = None if tracks is None else [track.pack() for track in tracks]
        face, rivals = pack_faces(reference.vector), pack_faces(reference.rivals)
        return replace(self, face=face, near=reference.near, marks=marks, rivals=rivals)

    def pack(self) -> str:
        """Return it as JSON; what is as usual is not spoken of."""
        usual = {one.name: one.default for one in fields(self)}
        told = {key: value for key, value in asdict(self).items() if value != usual[key]}
        return json.dumps(told)

    @classmethod
    def unpack(cls, packed: str) -> About:
        """Read what `pack` wrote; what newer writers add is passed over.

        Raises:
            ValueError, TypeError: it is nothing of that kind.
        """
        told = json.loads(packed)
        known = [one.name for one in fields(cls)]
        return cls(**{key: told[key] for key in known if key in told})

    @property
    def reference(self) -> Reference | None:
        """Return whom its pictures shall look like.

        Raises:
            AdapterUnusable: what it says of that cannot be read.
        """
        if not self.face:
            return None
        try:
            (vector,) = unpack_faces(self.face)
            if not np.isfinite(self.near):
                raise ValueError("what is near is no number")
            if not isinstance(self.marks, list | None):
                raise ValueError("marks are no list")
            marks = self.marks
            tracks = None if marks is None else tuple(Track.unpack(one) for one in marks)
            return Reference(vector, self.near, tracks, unpack_faces(self.rivals))
        except (ValueError, TypeError) as error:
            raise AdapterUnusable("the face an adapter names cannot be read") from error


def attach(
    denoiser: PeftAdapterMixin, name: str, *, rank: int, targets: str = "", seed: int = 0
) -> None:
    """Put a fresh LoRA named `name` onto `denoiser`; it changes nothing until it is trained.

    `targets` is the regular expression that whole names of layers must match; unless given, the
    small base's.
    """
    targets = targets or families.FAMILIES[families.Kind.MINI].targets
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        config = LoraConfig(r=rank, lora_alpha=rank, target_modules=targets)
        denoiser.add_adapter(config, adapter_name=name)


def detach(denoiser: PeftAdapterMixin, name: str) -> None:
    """Take the LoRA off again."""
    denoiser.delete_adapters(name)


def dump(denoiser: nn.Module, name: str, about: About) -> bytes:
    """Return the LoRA as safetensors in half precision, named as `load_lora_weights` takes it."""
    return pack(state(denoiser, name), families.part_of(denoiser), about)


def state(denoiser: nn.Module, name: str) -> dict[str, Tensor]:
    """Return the LoRA's tensors, named as peft names them."""
    found: dict[str, Tensor] = get_peft_model_state_dict(denoiser, adapter_name=name)
    return found


def pack(weights: Mapping[str, Tensor], part: str, about: About) -> bytes:
    """Return a LoRA's tensors, named as peft names them, as the file of the `part` it is for."""
    tensors = {
        f"{part}.{key}": value.detach().half().cpu().contiguous() for key, value in weights.items()
    }
    return safetensors.torch.save(tensors, metadata={"sosia": about.pack()})


def describe(data: bytes) -> About:
    """Read what an adapter says of itself, without its weights.

    Raises:
        AdapterUnusable: it is no safetensors file of ours.
    """
    try:
        end = 8 + int.from_bytes(data[:8], "little")
        header = json.loads(data[8:end])
        return About.unpack(header["__metadata__"]["sosia"])
    except (ValueError, KeyError, TypeError) as error:
        raise AdapterUnusable("not an adapter made by this platform") from error


def restore(denoiser: nn.Module, name: str, data: bytes) -> About:
    """Put a saved LoRA onto `denoiser` as `name`, on the layers that the file names.

    Raises:
        AdapterUnusable: it does not fit this denoiser.
    """
    about = describe(data)
    try:
        saved = safetensors.torch.load(data)
    except safetensors.SafetensorError as error:
        raise AdapterUnusable("not an adapter made by this platform") from error
    prefix = f"{families.part_of(denoiser)}."  # files older than the prefix have none
    named = {key.removeprefix(prefix): value for key, value in saved.items()}
    layers = sorted({key.split(".lora_")[0] for key in named})
    try:
        attach(denoiser, name, rank=about.rank, targets="|".join(map(re.escape, layers)))
    except ValueError as error:  # peft found none of them
        raise AdapterUnusable(_ANOTHER_SHAPE) from error
    try:
        outcome = set_peft_model_state_dict(denoiser, named, adapter_name=name)
    except RuntimeError as error:
        detach(denoiser, name)
        raise AdapterUnusable(_ANOTHER_SHAPE) from error
    if outcome.unexpected_keys:
        detach(denoiser, name)
        raise AdapterUnusable(_ANOTHER_SHAPE)
    return about


@contextmanager
def chosen(denoiser: nn.Module, names: Sequence[str]) -> Iterator[None]:
    """Let row i of every batch pass through the LoRA `names[i]`, all in one forward pass.

    peft mixes adapters within a batch when each layer is told whose row is whose; the denoiser
    itself does not pass that on, so each layer is told here. One person's batch needs no telling.

    Raises:
        AdapterUnusable: no LoRA of that name is there: peft would draw the base's own person.
    """
    known = getattr(denoiser, "peft_config", {})
    if not known and set(names) == {NOBODY}:
        yield
        return
    missing = next((name for name in names if name not in known), None)
    if missing is not None:
        raise AdapterUnusable(f"no adapter {missing} is loaded")
    if len(set(names)) == 1:
        denoiser.set_adapter(names[0])  # type: ignore[operator] # peft put it on the network
        yield
        return

    def tell(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return args, {**kwargs, "adapter_names": list(names)}

    layers = [module for module in denoiser.modules() if isinstance(module, LoraLayer)]
    hooks = [layer.register_forward_pre_hook(tell, with_kwargs=True) for layer in layers]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def weights(denoiser: nn.Module) -> Mapping[str, Tensor]:
    """Return the trainable tensors of the LoRA in place, by name."""
    return {name: value for name, value in denoiser.named_parameters() if "lora_" in name}
