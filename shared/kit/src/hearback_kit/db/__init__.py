"""PostgreSQL: connections and transactions, migrations, batches as parameters, partitions by time."""

from hearback_kit.db.database import AlreadyThere, Connection, Database, Direct, is_outage
from hearback_kit.db.migrate import current_revision, migrate, migration_head, run_migrations_env
