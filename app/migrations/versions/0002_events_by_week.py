"""Events by week, each known by `seen`; acts on groups of questions can be taken back; pairs of questions can be labelled; the trial's odds by day;
reading the words of a single search takes a permission.

The way back is the backup that was made before.
"""

from __future__ import annotations

from datetime import date, timedelta

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_KEPT = "event_id, type, t, t_recv, t_client, t_sent, actor, visitor, tab, account, role, ua, ref, body"
_DAY = "CASE WHEN type = 'exclude' THEN -1 ELSE day END"
"""An exclusion never grows old."""


def upgrade() -> None:
    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.drop_index("ix_event_actor_t")
        batch_op.drop_index("ix_event_day_type")
        batch_op.drop_index("ix_event_ref")
    op.rename_table("event", "event_before_0002")
    _tables()
    if op.get_bind().dialect.name == "postgresql":
        _partitions()
    op.execute(f"INSERT INTO event (day, {_KEPT}) SELECT {_DAY}, {_KEPT} FROM event_before_0002")  # noqa: S608 — names of our own columns  # nosec B608
    op.execute("INSERT INTO seen (event_id, actor, t, t_recv) SELECT event_id, actor, t, t_recv FROM event_before_0002")
    op.drop_table("event_before_0002")
    # The rules are read more exactly since: everybody is judged again, and the ledger says what that changed.
    op.execute(
        "INSERT INTO dirty (actor, since, cause) SELECT actor, MAX(t_recv), 'schema 0002' FROM event"
        " WHERE type NOT IN ('survey', 'watermark') AND actor NOT IN (SELECT actor FROM dirty) GROUP BY actor"
    )
    op.add_column("cluster_change", sa.Column("before", sa.Text(), nullable=False, server_default=""))
    op.add_column("cluster_change", sa.Column("undone_at", sa.BigInteger(), nullable=True))
    op.add_column("definition", sa.Column("used_from", sa.BigInteger(), nullable=False, server_default="0"))
    op.execute("UPDATE definition SET used_from = since")
    op.add_column("users", sa.Column("reads_queries", sa.Boolean(), nullable=False, server_default=sa.false()))


def _tables() -> None:
    op.create_table(
        "event",
        sa.Column("event_id", sa.String(length=128), nullable=False),
        sa.Column("type", sa.String(length=16), nullable=False),
        sa.Column("t", sa.BigInteger(), nullable=False),
        sa.Column("t_recv", sa.BigInteger(), nullable=False),
        sa.Column("t_client", sa.BigInteger(), nullable=True),
        sa.Column("t_sent", sa.BigInteger(), nullable=True),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("actor", sa.String(length=400), nullable=False),
        sa.Column("visitor", sa.String(length=128), nullable=True),
        sa.Column("tab", sa.String(length=128), nullable=True),
        sa.Column("account", sa.String(length=128), nullable=True),
        sa.Column("role", sa.String(length=8), nullable=False),
        sa.Column("ua", sa.Text(), nullable=False),
        sa.Column("ref", sa.String(length=128), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        postgresql_partition_by="RANGE (day)",
    )
    op.create_index("ix_event_actor_t", "event", ["actor", "t"])
    op.create_index("ix_event_day_type", "event", ["day", "type"])
    op.create_index("ix_event_ref", "event", ["ref"])
    op.create_table(
        "seen",
        sa.Column("event_id", sa.String(length=128), nullable=False),
        sa.Column("actor", sa.String(length=400), nullable=False),
        sa.Column("t", sa.BigInteger(), nullable=False),
        sa.Column("t_recv", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_seen")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "pair_label",
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("likeness", sa.Float(), nullable=False),
        sa.Column("gap_ms", sa.BigInteger(), nullable=False),
        sa.Column("stands_for", sa.Float(), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("who", sa.String(length=64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_pair_label")),
    )
    op.create_table(
        "form_trial_share",
        sa.Column("since", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("share", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("since", name=op.f("pk_form_trial_share")),
    )


def _partitions() -> None:
    """Named and bounded as `app.deflection.recording.event_table` makes them from now on."""
    days = op.get_bind().execute(sa.text(f"SELECT DISTINCT {_DAY} FROM event_before_0002")).scalars()  # noqa: S608  # nosec B608
    for name, low, high in sorted({_partition_of(day) for day in days}):
        op.execute(f"CREATE TABLE {name} PARTITION OF event FOR VALUES FROM ({low}) TO ({high})")


def _partition_of(day: int) -> tuple[str, str, str]:
    epoch = date(1970, 1, 1)
    monday, first, last = (d - (d + 3) % 7 for d in (day, (date(2020, 1, 1) - epoch).days, (date(2040, 1, 1) - epoch).days))
    if day == -1:
        return "event_standing", "-1", "0"
    if day < first:
        return "event_before", "0", str(first)
    if day >= last:
        return "event_after", str(last), "MAXVALUE"
    return f"event_w{epoch + timedelta(days=monday):%Y%m%d}", str(monday), str(monday + 7)
