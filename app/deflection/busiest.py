"""How often each article was opened, for pages that show the busiest first."""

from __future__ import annotations

from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.deflection.clock import DAY
from app.deflection.models import NeedRow, NeedViewRow

EPOCH = date(1970, 1, 1)


def views_by_article(db: Session, until: date, days: int = 28) -> dict[str, int]:
    """Views in the whole days before `until`, machines and staff left out; the same answer all day long, on every node."""
    end = (until - EPOCH).days * DAY
    counted = (
        select(NeedViewRow.article, func.count())
        .join(NeedRow, NeedRow.id == NeedViewRow.need_id)
        .where(NeedViewRow.t >= end - days * DAY, NeedViewRow.t < end, NeedRow.outcome != "excluded")
        .group_by(NeedViewRow.article)
    )
    return {str(article): int(count) for article, count in db.execute(counted)}
