"""How Alembic reaches our tables: every room's models are imported, and the connection is the one `upgrade` opened."""

from __future__ import annotations

from alembic import context

import app.accounts
import app.deflection
import app.tickets  # noqa: F401  # rooms register their tables by being imported
from app.db import Base

context.configure(
    connection=context.config.attributes["connection"], target_metadata=Base.metadata, render_as_batch=True, compare_type=True
)
context.run_migrations()
