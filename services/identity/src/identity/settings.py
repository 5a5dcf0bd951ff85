"""What identity reads from its environment."""

from datetime import timedelta
from pathlib import Path

from kit.settings import ServiceSettings
from pydantic import Field
from pydantic_settings import SettingsConfigDict


class Settings(ServiceSettings):
    """identity's environment, prefix IDENTITY_."""

    model_config = SettingsConfigDict(env_prefix="IDENTITY_")

    objects_url: str
    """Where sealed photos lie: file:///... or s3://..."""
    keystore: Path
    """Folder of person keys, on a disk that is in no backup of the database."""
    log_key: Path
    """PEM file with the Ed25519 key that signs heads of the transparency log."""
    log_origin: str = "sosia/identity"
    """The log's name in checkpoints. Never changes after the first receipt."""
    estate_waits: timedelta = Field(default=timedelta(days=30), gt=timedelta())
    """How long an estate waits before it may be settled, ISO 8601 ("P30D")."""
    jurisdictions: Path | None = None
    """JSON file with what the law of each place says about agencies, in place of the one that
    ships (`jurisdictions.json`)."""
    upload_lasts: timedelta = Field(default=timedelta(days=1), gt=timedelta())
    """How long an unfinished upload waits for its next part, ISO 8601 ("P1D")."""
    witnesses: dict[str, str] = Field(default_factory=dict)
    """Witnesses whose cosignatures are collected: JSON, C2SP verifier key -> URL."""
    witness_interval: timedelta = Field(default=timedelta(seconds=10), gt=timedelta())
    """How often they are asked, ISO 8601 ("PT10S")."""
    portal_origin: str = ""
    """Scheme, host and port of the pages on which passkeys are made and used, as a browser says
    them ("https://sosia.example"); its host is their domain. Unset, passkeys are refused."""
    staff_key_file: Path
    """File with the text of the API key that opens the staff party "House"."""
