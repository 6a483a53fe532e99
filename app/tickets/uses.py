"""Which articles agents used in which requests: the beginning of knowing what an article is worth at the desk."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import String, exists, func, literal, or_, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from app.errors import Invalid
from app.tickets.models import MessageRow, TicketArticleRow, TicketRow
from app.tickets.values import ArticleUse, MessageKind

WAYS = ("inserted", "quoted", "link", "markdown", "html")


def record_use(db: Session, ticket_id: str, article_id: str, locale: str, how: str, agent: str, now: datetime) -> None:
    """Note that an agent used an article in a request; the first time of each way counts."""
    if how not in WAYS:
        raise Invalid(f"“{how}” is none of {', '.join(WAYS)}", {"how": "unknown"})
    insert = sqlite_insert if db.get_bind().dialect.name == "sqlite" else postgresql_insert
    values = {"ticket_id": ticket_id, "article_id": article_id, "locale": locale, "how": how, "agent": agent, "used_at": now}
    db.execute(insert(TicketArticleRow).values(**values).on_conflict_do_nothing(index_elements=["ticket_id", "article_id", "how"]))


def articles_used(db: Session, ticket_id: str) -> list[ArticleUse]:
    """The articles used in one request, in order."""
    rows = db.scalars(select(TicketArticleRow).where(TicketArticleRow.ticket_id == ticket_id).order_by(TicketArticleRow.id))
    return [ArticleUse(r.article_id, r.locale, r.how, r.used_at) for r in rows]


def replies_with_articles(db: Session, now: datetime, days: int = 365) -> list[tuple[str, str, str, str, datetime]]:
    """What agents answered with: (article id, locale, the request's subject, who asked, when), one for each article in a request.

    Only what a customer was sent: an article that was tried in a draft, copied, or put into a note has answered nobody.
    """
    address = literal("%/a/", String) + func.replace(TicketArticleRow.article_id, "_", "\\_")
    ends = ("", "?%", " %", "\n%")  # an address that goes on is of another article: cards/lost, cards/lost-or-stolen
    sent = exists().where(
        MessageRow.ticket_id == TicketRow.id, MessageRow.kind == MessageKind.REPLY.value,
        or_(*(MessageRow.text.like(address + literal(end, String), escape="\\") for end in ends)),
    )  # fmt: skip
    chosen = (
        select(TicketArticleRow.article_id, TicketArticleRow.locale, TicketRow.subject, TicketRow.requester_email, TicketArticleRow.used_at)
        .join(TicketRow, TicketRow.id == TicketArticleRow.ticket_id)
        .where(TicketArticleRow.used_at > now - timedelta(days=days), sent)
        .order_by(TicketArticleRow.id)
    )
    seen, found = set(), []
    for article, locale, subject, person, at in db.execute(chosen):
        if (article, locale, subject, person) not in seen:
            seen.add((article, locale, subject, person))
            found.append((article, locale, subject, person, at))
    return found


def use_counts(db: Session, article_ids: Collection[str]) -> dict[str, int]:
    """In how many requests each article was used."""
    counted = func.count(TicketArticleRow.ticket_id.distinct())
    chosen = select(TicketArticleRow.article_id, counted).where(TicketArticleRow.article_id.in_(article_ids))
    return {str(article): int(n) for article, n in db.execute(chosen.group_by(TicketArticleRow.article_id))}
