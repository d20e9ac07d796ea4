"""The launcher's settings, from the environment (`HEARBACK_LAUNCHER_...`)."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class LauncherSettings(BaseSettings):
    """How the launcher supervises a fleet. Times in seconds, sizes in bytes."""

    model_config = SettingsConfigDict(env_prefix="HEARBACK_LAUNCHER_", frozen=True)

    unready_seconds_max: float = Field(
        120.0,
        gt=0,
        description="Time a running service may stay unready before it is restarted, unless a store is away or "
        "all of its connections are taken; doubles with every restart that does not help.",
    )
    unready_backoff_max: int = Field(
        32, ge=1, description="Largest multiple of that time between two such restarts."
    )
    store_silent_seconds_max: float = Field(
        60.0,
        gt=0,
        description="Time an embedded store may run without answering before it is killed and started again; "
        "doubles with every restart that does not help.",
    )
    log_bytes_max: int = Field(20 * 1024 * 1024, ge=1024, description="Size at which a log file is rotated.")
    log_files_max: int = Field(3, ge=1, description="Rotated log files kept of each process.")
