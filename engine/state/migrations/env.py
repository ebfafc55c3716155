"""Runs the revisions on the connection that `engine.state.migrate` hands over."""

from alembic import context

from engine.state import tables

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=tables.Account.metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
