"""How often each article was opened and how it was judged, for pages that everybody reads."""

from __future__ import annotations

from datetime import date

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from app.deflection.models import NeedRow, NeedViewRow
from app.deflection.recording.clock import DAY

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


def votes_by_article(db: Session, until: date, days: int = 180) -> dict[str, tuple[int, int]]:
    """(positive, all) votes on what was opened in the whole days before `until`: the last vote of each need, machines and staff left out."""
    end = (until - EPOCH).days * DAY
    # A need that opens an article twice has two rows with the one vote.
    voted = (
        select(NeedViewRow.article, NeedViewRow.need_id, NeedViewRow.helpful)
        .join(NeedRow, NeedRow.id == NeedViewRow.need_id)
        .where(NeedViewRow.t >= end - days * DAY, NeedViewRow.t < end, NeedRow.outcome != "excluded", NeedViewRow.helpful != 0)
        .distinct()
        .subquery()
    )
    positive = func.sum(case((voted.c.helpful > 0, 1), else_=0))
    counted = select(voted.c.article, positive, func.count()).group_by(voted.c.article)
    return {str(article): (int(yes), int(votes)) for article, yes, votes in db.execute(counted)}
