"""Which view a request without script belongs to: the pixel and the vote make the same id from the same page, person and day."""

from __future__ import annotations

import hashlib
from urllib.parse import parse_qs, urlsplit

from flask import request

from app.content import Article
from app.deflection import View
from app.web import context
from app.web.visitors import visitors


def server_view(article: Article, referer: str) -> View:
    """A view that only the server saw. Recording it twice keeps one, because its ids are made, not drawn."""
    search_id, form_id = came_with("s", referer), came_with("f", referer)
    actor = visitors.actor(came_with("t", referer) or None)
    who = actor.visitor or actor.tab or f"{request.remote_addr} {actor.ua}"
    seed = "\0".join((who, article.id, search_id or form_id, context.today().isoformat(), context.portal().settings.secret_key))
    view_id = "p-" + hashlib.sha256(seed.encode()).hexdigest()[:24]
    return View(
        **actor.stamp(context.now(), f"view-{view_id}"),
        view_id=view_id,
        article=article.id,
        source="suggestion" if form_id else "search" if search_id else "direct",
        search_id=search_id or None,
        form_id=form_id or None,
        beacon=False,
        revision=context.catalog().revision,
    )


def came_with(name: str, referer: str | None = None) -> str:
    """A parameter of the page that this request was sent from, as the Referer names it."""
    query = urlsplit(request.headers.get("Referer", "") if referer is None else referer).query
    value = parse_qs(query).get(name, [""])[0][:64]
    return value if value.isprintable() else ""
