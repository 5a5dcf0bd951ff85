"""What training reads from its environment."""

from pathlib import Path

from kit.settings import ServiceSettings
from pydantic import Field
from pydantic_settings import SettingsConfigDict


class Settings(ServiceSettings):
    """training's environment, prefix TRAINING_; the service and its workers read the same."""

    model_config = SettingsConfigDict(env_prefix="TRAINING_")

    objects_url: str
    """Where sealed photos and twins lie: file:///... or s3://..."""
    identity_address: str
    """host:port of identity's gRPC."""
    bases: Path
    """Folder whose subfolders are base pipelines."""
    work: Path
    """Folder for checkpoints of runs in work. Workers that share it resume each other's runs."""
    bars: Path | None = None
    """JSON of the shares a twin version must reach, by family of bases; unset means the table
    that ships with the service: 0.95 but for the families it names with a reason."""
    worker_ops_address: str
    """host:port of a worker's /livez, /readyz and /metrics."""
    threads: int = Field(default=1, ge=1, le=256)
    """CPU threads of a worker without a GPU. Two that wait for each other on busy cores take ten
    times as long as one; raise it where the worker has cores of its own."""
    tries: int = Field(default=16, ge=1, le=64)
    """Close-ups drawn of one shot at most when a twin is measured: as render's `tries`, since a
    report speaks of pictures as they would leave."""
