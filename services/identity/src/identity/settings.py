"""What identity reads from its environment."""

from pathlib import Path

from kit.settings import ServiceSettings
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
    portal_origin: str = ""
    """Scheme, host and port of the pages on which passkeys are made and used, as a browser says
    them ("https://sosia.example"); its host is their domain. Unset, passkeys are refused."""
    staff_key_file: Path
    """File with the text of the API key that opens the staff party "House"."""
