"""Which definition is in force, and what is still judged by another: a chart never mixes two without a visible seam."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.db import Database
from app.deflection.judging.judging_lock import lock_for_judging
from app.deflection.judging.rulebook import Rulebook
from app.deflection.recording.events import milliseconds

CAUSE = "definition"
"""What the ledger names as the cause when thresholds changed an outcome."""

_NEWEST = text("SELECT version FROM definition ORDER BY used_from DESC, version LIMIT 1")
_USE = text(
    "INSERT INTO definition (version, config, since, used_from) VALUES (:version, :config, :now, :now)"
    " ON CONFLICT (version) DO UPDATE SET used_from = excluded.used_from"
)
_EVERYBODY = text(
    "INSERT INTO dirty (actor, since, cause) SELECT actor, max(t_recv), :cause FROM event WHERE true GROUP BY actor ORDER BY actor"
    " ON CONFLICT (actor) DO NOTHING"
)


@dataclass(frozen=True)
class Definition:
    """A set of thresholds that was in force; `used_from` is when it last came into use (ms)."""

    version: str
    thresholds: dict[str, Any]
    used_from: int


def take_up(database: Database, rules: Rulebook, now: datetime) -> None:
    """Bring these thresholds into force; where others were, everybody is judged again, as if their last event had just come."""
    with database.session() as db:
        if db.execute(_NEWEST).scalar() == rules.version:
            return
    with database.session() as db:
        # Before anything is read: another worker may be taking them up at this moment.
        lock_for_judging(db, database.is_sqlite)
        if db.execute(_NEWEST).scalar() == rules.version:
            return
        latest = db.execute(text("SELECT max(used_from) FROM definition")).scalar()
        at = milliseconds(now) if latest is None else max(milliseconds(now), latest + 1)
        db.execute(_USE, {"version": rules.version, "config": json.dumps(rules.to_dict()), "now": at})
        if latest is not None:
            db.execute(_EVERYBODY, {"cause": CAUSE})


def definitions_in_use(db: Session) -> list[Definition]:
    """Every definition that ever was in force, the present one first."""
    rows = db.execute(text("SELECT version, config, used_from FROM definition ORDER BY used_from DESC, version"))
    return [Definition(version, json.loads(config), used_from) for version, config, used_from in rows]
