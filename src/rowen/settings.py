"""The settings of a server, as one typed value.

Owns their names, types and defaults; the command line gives each its option, its environment variable and its
help. Must not read the environment or build anything.
"""

from dataclasses import dataclass
from pathlib import Path

DEFAULT_DATABASE = "sqlite:///rowen.db"
DEFAULT_ORGANIZATION = "default"
DEFAULT_RATE_LIMIT = 1_000


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """How a server runs; `rate_limit` counts requests in 10 seconds, 0 for none."""

    database: str = DEFAULT_DATABASE
    replicas: tuple[str, ...] = ()
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    public_url: str | None = None
    rate_limit: int = DEFAULT_RATE_LIMIT
    rate_limit_store: str | None = None
    require_https: bool = False
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    access_log: bool = False
    public_metrics: bool = False
    demo: bool = False
    webhook_allow: tuple[str, ...] = ()
