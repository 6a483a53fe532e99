"""The pixel: how a browser that runs no script tells us which article it shows. The script's events come in through the API."""

from __future__ import annotations

import base64
from urllib.parse import unquote, urlsplit

from flask import Blueprint, Response, request

from app.content import Article, ArticleNotFound
from app.deflection import Click, View
from app.errors import KnowledgeBaseError
from app.web import context
from app.web.security import limiter
from app.web.visitors import refused_readings, visitors
from app.web.visitors.page_views import came_with, server_view

bp = Blueprint("beacons", __name__)

GIF = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")


@bp.get("/pixel.gif")
@limiter.limit(refused_readings.rate, on_breach=refused_readings.note)
def pixel() -> Response:
    """A picture of nothing, asked for only by browsers without script: its Referer names the article, the search or form, and the rank."""
    try:
        _note_view(request.headers.get("Referer", ""))
    except (KnowledgeBaseError, ValueError):
        pass  # a page must not show a broken picture because we could not count it
    return Response(GIF, mimetype="image/gif", headers={"Cache-Control": "no-store"})


def _note_view(referer: str) -> None:
    article = _article_at(referer)
    if article is None:
        return
    view: View = server_view(article, referer)
    context.portal().events.put(view)
    rank = came_with("r", referer)
    if (view.search_id or view.form_id) and rank.isascii() and rank.isdigit() and len(rank) < 4:
        stamp = visitors.actor(came_with("t", referer) or None).stamp(context.now(), f"click-{view.view_id}")
        click = Click(**stamp, article=article.id, rank=int(rank), search_id=view.search_id, form_id=view.form_id)
        context.portal().events.put(click)


def _article_at(referer: str) -> Article | None:
    parts = unquote(urlsplit(referer).path).strip("/").split("/")
    if len(parts) != 3 or parts[1] != "articles":
        return None
    try:
        return context.catalog().find(parts[0], parts[2], context.viewer(), context.today())
    except ArticleNotFound:
        return None
