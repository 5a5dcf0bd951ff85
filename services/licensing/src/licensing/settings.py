"""What licensing reads from its environment."""

from datetime import timedelta
from pathlib import Path

from kit.settings import ServiceSettings
from pydantic import Field
from pydantic_settings import SettingsConfigDict

from licensing.domain.grants import LONGEST


class Settings(ServiceSettings):
    """licensing's environment, prefix LICENSING_. Durations are ISO 8601 ("P14D")."""

    model_config = SettingsConfigDict(env_prefix="LICENSING_")

    identity_address: str
    """host:port of identity's gRPC."""
    grant_key: Path
    """PEM file with the Ed25519 key that signs grants."""
    grant_lasts: timedelta = Field(default=LONGEST, ge=timedelta(seconds=1), le=LONGEST)
    """How long a grant opens the workers' doors."""
    quote_lasts: timedelta = Field(default=timedelta(days=14), gt=timedelta())
    """How long a quote holds."""
    approval_lasts: timedelta = Field(default=timedelta(days=3), gt=timedelta())
    """How long a talent has for her word on a picture."""
    approval_reminder: timedelta = Field(default=timedelta(days=1), gt=timedelta())
    """How long before its end she is reminded."""
