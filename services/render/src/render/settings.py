"""What render reads from its environment."""

from datetime import timedelta
from pathlib import Path
from typing import Literal

from kit.settings import ServiceSettings
from pydantic import Field
from pydantic_settings import SettingsConfigDict


class Settings(ServiceSettings):
    """render's environment, prefix RENDER_; the service and its workers read the same."""

    model_config = SettingsConfigDict(env_prefix="RENDER_")

    objects_url: str
    """Where sealed twins and pictures lie: file:///... or s3://..."""
    identity_address: str
    """host:port of identity's gRPC."""
    training_address: str
    """host:port of training's gRPC."""
    licensing_address: str
    """host:port of licensing's gRPC."""
    bases: Path
    """Folder whose subfolders are base pipelines."""
    grant_public_key: Path
    """PEM file, the public half of the Ed25519 key licensing signs grants with."""
    watermark_key: Path
    """File of 32 random bytes; whoever has it can forge and remove watermarks."""
    watermark_codec: Literal["spread", "rivagan", "trustmark"] = "spread"
    """What new pictures are marked with. Pictures are read by every codec that is switched on: our
    own always, the other two where their weights are given."""
    rivagan_weights: Path | None = None
    """Folder of rivagan_encoder.onnx and rivagan_decoder.onnx, as the package invisible-watermark
    ships them; set means pictures are read by them too."""
    trustmark_weights: Path | None = None
    """Folder of TrustMark's encoder_Q.onnx and decoder_Q.onnx; set means pictures are read by
    them too."""
    authority: Path
    """Folder of the chain that signs Content Credentials, made by `python -m render authority`."""
    revoked_certificates: Path | None = None
    """File of revoked signing certificates, a serial number in hexadecimal a line, read anew for
    every picture that is verified; unset means none is."""
    timestamp_url: str = ""
    """URL of an RFC 3161 time-stamp authority; unset means the worker's own, in `authority`."""
    soft_binding_endpoint: str = ""
    """URL of the soft binding API that matches name; unset means the one that was asked."""
    looks: Path | None = None
    """File of the index of fingerprints, built anew from the registry in the background; one per
    process. Unset means that it is kept in memory and built again after every start."""
    fetch_loopback: bool = False
    """Whether pictures to verify may be fetched from this machine, on any port: for tests."""
    review_lasts: timedelta = Field(default=timedelta(days=3), gt=timedelta())
    """How long a director has for a word on a draft."""
    review_reminder: timedelta = Field(default=timedelta(days=1), gt=timedelta())
    """How long before its end the director is reminded."""
    worker_ops_address: str
    """host:port of a worker's /livez, /readyz and /metrics."""
    batch: int = Field(default=8, ge=1, le=64)
    """Most pictures a worker makes at once, of one twin or of several."""
    steps: int | None = Field(default=None, ge=1, le=200)
    """Steps of the sampler; unset means what suits the base's family."""
    threads: int = Field(default=1, ge=1, le=256)
    """CPU threads of a worker without a GPU. Measured on two busy cores: a picture takes 1.2 s on
    one thread and 9 to 15 s on two, which wait for each other."""
    guidance: float | None = Field(default=None, ge=1, le=20)
    """Classifier-free guidance scale, 1 turns it off; unset means what suits the base's family."""
    tries: int = Field(default=16, ge=1, le=64)
    """Close-ups drawn of one shot at most until face and marks are hers, then the likest of them;
    1 takes the first. A twin that is very like her needs one."""
