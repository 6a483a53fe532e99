"""What another helpdesk told us has the same name whichever way it came; requests of a day are counted where each stands once.

The way back is the backup that was made before.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_TOLD = sa.text(
    "SELECT event_id, type, actor, t, ref, account, t_client, body FROM event WHERE type IN ('ticket', 'ticket_update')"
    " AND event_id LIKE 'i-%' ORDER BY t_recv, event_id"
)
_WHERE = "actor = :actor AND t = :t AND event_id = :old"


def upgrade() -> None:
    op.drop_column("asked_columns", "requests")
    named = _name_again(op.get_bind())
    for table, key in (("outcome_ledger", "id"), ("dirty", "actor")):
        _new_causes(op.get_bind(), table, key, named)
    # Merged tickets are counted more exactly, and what was told twice is told once.
    op.execute(
        "INSERT INTO dirty (actor, since, cause) SELECT actor, MAX(t_recv), 'schema 0005' FROM event"
        " WHERE type IN ('ticket', 'ticket_update') AND actor NOT IN (SELECT actor FROM dirty) GROUP BY actor"
    )


def _name_again(db: sa.Connection) -> dict[str, str]:
    """Give what was told by file or feed the name that both give it now; of two that become the same the one received first stays."""
    named: dict[str, str] = {}
    moves: list[dict[str, Any]] = []
    doubles: list[dict[str, Any]] = []
    taken: set[str] = set()
    for row in db.execute(_TOLD).mappings():
        new = _name(row)
        named[row["event_id"]] = new
        given = {"old": row["event_id"], "new": new, "actor": row["actor"], "t": row["t"]}
        (doubles if new in taken else moves).append(given)
        taken.add(new)
    if moves:
        db.execute(sa.text(f"UPDATE event SET event_id = :new WHERE {_WHERE}"), moves)  # noqa: S608 — no value in it  # nosec B608
        db.execute(sa.text("UPDATE seen SET event_id = :new WHERE event_id = :old"), moves)
    if doubles:
        db.execute(sa.text(f"DELETE FROM event WHERE {_WHERE}"), doubles)  # noqa: S608  # nosec B608
        db.execute(sa.text("DELETE FROM seen WHERE event_id = :old"), doubles)
    return named


def _name(row: Any) -> str:
    """As `ticket_import` names it."""
    body = json.loads(row["body"])
    if row["type"] == "ticket":
        written = json.dumps(body, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        parts = [row["ref"], "ticket", row["account"] or "", written]
    else:
        at = "" if row["t_client"] is None else str(row["t_client"])
        parts = [row["ref"], body["status"], body.get("into", ""), at]
    return "i-" + hashlib.blake2b("\x1f".join(parts).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _new_causes(db: sa.Connection, table: str, key: str, named: dict[str, str]) -> None:
    """Where an event is named as what led to something, it goes by its new name."""
    rows = db.execute(sa.text(f"SELECT {key}, cause FROM {table} WHERE cause LIKE 'i-%'")).all()  # noqa: S608 — our own names  # nosec B608
    changes = [{"key": row[0], "cause": named[row[1]]} for row in rows if row[1] in named]
    if changes:
        db.execute(sa.text(f"UPDATE {table} SET cause = :cause WHERE {key} = :key"), changes)  # noqa: S608  # nosec B608
