"""Alembic's entry: runs the migrations on the connection that `rowen.store.database` gives."""

from alembic import context

from rowen.store.schema.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
