"""Days are packed with what their contacts and the survey say; subjects nobody searched for have groups of their own.

The way back is the backup that was made before.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("contact", sa.Column("lang", sa.String(length=35), nullable=False, server_default=""))
    op.add_column("contact", sa.Column("subject_group", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("contact", sa.Column("told", sa.Boolean(), nullable=False, server_default=sa.false()))
    untold, final = sa.text("NOT told"), sa.text("from_state = 'final'")
    op.create_index("ix_contact_untold", "contact", ["day"], sqlite_where=untold, postgresql_where=untold)
    op.create_index("ix_contact_subject_group", "contact", ["subject_group"])
    op.create_index("ix_outcome_ledger_restated", "outcome_ledger", ["day"], sqlite_where=final, postgresql_where=final)
    # Packed days are made again by the worker.
    op.drop_table("need_columns")
    op.create_table(
        "need_columns",
        sa.Column("id", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("format", sa.String(length=16), nullable=False),
        sa.Column("surveys", sa.Boolean(), nullable=False),
        sa.Column("solved", sa.Integer(), nullable=False),
        sa.Column("counted", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_need_columns")),
        sa.UniqueConstraint("day", name=op.f("uq_need_columns_day")),
    )
    op.create_table(
        "asked_columns",
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("format", sa.String(length=16), nullable=False),
        sa.Column("searches", sa.Integer(), nullable=False),
        sa.Column("zero", sa.Integer(), nullable=False),
        sa.Column("requests", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_asked_columns")),
    )
    op.create_table(
        "subject_group",
        sa.Column("id", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("language", sa.String(length=35), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("verbatim", sa.Boolean(), nullable=False),
        sa.Column("merged_into", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subject_group")),
    )
    op.create_index("ix_subject_group_language", "subject_group", ["language"])
    op.create_table(
        "subject_bag",
        sa.Column("id", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("language", sa.String(length=35), nullable=False),
        sa.Column("bag", sa.String(length=400), nullable=False),
        sa.Column("subject_group", sa.Integer(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("leads", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subject_bag")),
        sa.UniqueConstraint("language", "bag", name=op.f("uq_subject_bag_language_bag")),
    )
    op.create_index("ix_subject_bag_subject_group", "subject_bag", ["subject_group"])
