"""What every service reads from its environment, once, in `__main__`."""

from pydantic import Field, PostgresDsn
from pydantic_settings import BaseSettings, SettingsConfigDict


class ProcessSettings(BaseSettings):
    """Settings every process shares; each adds its own under its own prefix."""

    model_config = SettingsConfigDict(frozen=True, hide_input_in_errors=True, extra="ignore")

    database_url: PostgresDsn = Field(repr=False)
    """The service's own database, as the role that may not change tables."""
    migration_database_url: PostgresDsn | None = Field(default=None, repr=False)
    """The same database as its owner; only `migrate` needs it."""
    nats_url: str = Field(repr=False)
    ops_address: str
    """host:port of /livez, /readyz and /metrics."""


class ServiceSettings(ProcessSettings):
    """Settings of a process that answers gRPC."""

    rpc_address: str
    """host:port gRPC listens on."""
