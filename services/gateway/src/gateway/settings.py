"""What the gateway reads from its environment."""

from datetime import timedelta

from kit.settings import ProcessSettings
from pydantic_settings import SettingsConfigDict


class Settings(ProcessSettings):
    """gateway's environment, prefix GATEWAY_."""

    model_config = SettingsConfigDict(env_prefix="GATEWAY_")

    http_address: str
    """host:port the API and the pages are served on."""
    identity_address: str
    training_address: str
    licensing_address: str
    render_address: str
    session_lasts: timedelta = timedelta(hours=8)
    """How long somebody who signed in on a page stays so."""
    verifications_a_minute: int = 60
    """Pictures one client address may have verified without a key."""
    key_verifications_a_minute: int = 600
    """Pictures one party may have verified with its keys and sessions."""
