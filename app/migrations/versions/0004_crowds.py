"""Tabs and forms that too many browsers claim are known.

The way back is the backup that was made before.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "crowd", sa.Column("name", sa.String(length=400), nullable=False), sa.PrimaryKeyConstraint("name", name=op.f("pk_crowd"))
    )
