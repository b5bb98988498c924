"""What Alembic runs to upgrade: on the connection, and in the transaction, that `marginwatch.store.schema` opened."""

from __future__ import annotations

from alembic import context

from marginwatch.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
