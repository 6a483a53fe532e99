"""“Did this solve it?”: the vote, the reasons of those who are still stuck, and putting a notice away. All work without script."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Response, flash, jsonify, redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from app.content import Article
from app.deflection import Comment, Vote, leave_comment, new_id
from app.web import context
from app.web.error_pages import wants_json
from app.web.frame import HIDDEN_NOTICES, hidden_notices
from app.web.help_center.topics import topic_of
from app.web.i18n import N_
from app.web.i18n import gettext as _
from app.web.security import csrf, limiter, safe_next
from app.web.visitors import visitors
from app.web.visitors.page_views import came_with, server_view

bp = Blueprint("feedback", __name__)

REASONS = {
    "case": N_("Could not find my case"),
    "steps": N_("Steps do not match the app"),
    "hard": N_("Hard to understand"),
    "other": N_("Something else"),
}
COMMENT_LENGTH = 500
MOST_HEADING = 200
HIDDEN_DAYS = 30
MOST_HIDDEN = 20


@bp.post("/<locale>/articles/<slug>/feedback")
@csrf.exempt  # the form stands on a cached page, the same for everybody; the origin check protects it
@limiter.limit("60 per minute")
def vote(locale: str, slug: str) -> BaseResponse | tuple[Response, int]:
    """Record the answer to “Did this solve it?”; “no” leads to the reasons and to a person."""
    article = _article(locale, slug)
    solved = request.form.get("solved") == "yes"
    view_id = _view_id(article)
    actor, now = visitors.actor(_tab()), context.now()
    context.portal().events.put(Vote(**actor.stamp(now), kind="solved", value=1 if solved else -1, view_id=view_id))
    if wants_json():
        return jsonify({"view_id": view_id}), 200
    if solved:
        flash(_("Thank you. Marked as solved."), "good")
        return redirect(f"/{locale}/articles/{article.slug}", 303)
    given = {"v": view_id, "t": _tab() or "", "s": came_with("s"), "revision": request.form.get("revision", "")[:64]}
    return redirect(f"/{locale}/articles/{article.slug}/feedback?" + urlencode({k: v for k, v in given.items() if v}), 303)


@bp.get("/<locale>/articles/<slug>/feedback")
def reasons(locale: str, slug: str) -> str:
    """What was missing: reasons to choose from, words of one's own, and a way to a person that takes the words along."""
    return _reasons_page(_article(locale, slug), {})


@bp.post("/<locale>/articles/<slug>/reasons")
@csrf.exempt
@limiter.limit("20 per minute")
def comment(locale: str, slug: str) -> BaseResponse | tuple[str, int]:
    """Keep the reason and the words for the writers; or take them to the contact form."""
    article = _article(locale, slug)
    reason, text = request.form.get("reason", ""), request.form.get("text", "").strip()
    if request.form.get("then") == "request":
        return redirect(f"/{locale}/contact?" + urlencode(_for_contact(article, _with_section(article, text))), 303)
    errors = _problems(reason, text)
    if errors:
        return _reasons_page(article, errors), 422
    note = Comment(
        id=request.form.get("v", "")[:64] or new_id(),
        article=article.id,
        locale=article.locale,
        revision=request.form.get("revision", "")[:64],
        reason=reason,
        text=_with_section(article, text),
        at=context.now(),
    )
    with context.portal().database.session() as db:
        leave_comment(db, note)
    return redirect(f"/{locale}/articles/{article.slug}/feedback?done=1", 303)


def _for_contact(article: Article, text: str) -> dict[str, str]:
    given = {
        "q": article.title,
        "message": text[: COMMENT_LENGTH + MOST_HEADING + 50],
        "article": article.id,
        "s": request.form.get("s", ""),
        "t": _tab() or "",
    }
    return {name: value for name, value in given.items() if value}


def _with_section(article: Article, text: str) -> str:
    """The words with the part of the article that they are about, if the reader named one."""
    anchor = request.form.get("section", "")
    heading = next((h.text for h in article.headings if h.anchor == anchor), "")
    about = _("About “%(section)s”:", section=heading[:MOST_HEADING])
    return f"{about} {text}".strip() if heading else text


def _problems(reason: str, text: str) -> dict[str, str]:
    errors = {}
    if reason not in REASONS:
        errors["reason"] = _("Choose what was wrong")
    if len(text) > COMMENT_LENGTH:
        errors["text"] = _("Your text has %(length)s characters. Keep it under %(limit)s.", length=len(text), limit=COMMENT_LENGTH)
    return errors


def _reasons_page(article: Article, errors: dict[str, str]) -> str:
    given = request.form if request.method == "POST" else request.args
    return render_template(
        "help_center/feedback.html",
        article=article,
        topic=topic_of(article.category, context.locale()),
        reasons={name: _(label) for name, label in REASONS.items()},
        given=given,
        errors=errors,
        done=request.args.get("done") == "1",
        limit=COMMENT_LENGTH,
    )


def _article(locale: str, slug: str) -> Article:
    return context.catalog().find(locale, slug, context.viewer(), context.today())


# --- which view a vote belongs to -------------------------------------------------------------------------------------------


def _view_id(article: Article) -> str:
    """The view that the script named; without script, the one that the pixel recorded for the same page and person."""
    given = request.form.get("view", "")
    if given.isprintable() and 0 < len(given) <= 64:
        return given
    view = server_view(article, request.headers.get("Referer", ""))
    context.portal().events.put(view)
    return view.view_id


def _tab() -> str | None:
    return visitors.clean_tab(request.form.get("t") or request.args.get("t") or came_with("t"))


# --- notices ----------------------------------------------------------------------------------------------------------------


@bp.post("/notices/<notice_id>/dismiss")
@csrf.exempt
def dismiss(notice_id: str) -> BaseResponse:
    """Put a notice away for this browser; one that may not be put away stays."""
    back = urlsplit(request.headers.get("Referer", ""))
    answer = redirect(safe_next(back.path + (f"?{back.query}" if back.query else ""), "/"), 303)
    known = {n.id for n in context.catalog().notices(context.now()) if n.dismissible} | {
        n.id for c in context.catalog().site.categories for n in context.catalog().notices(context.now(), c.slug) if n.dismissible
    }
    if notice_id in known and "." not in notice_id:
        kept = [*sorted(hidden_notices() - {notice_id}), notice_id][-MOST_HIDDEN:]
        secure = context.portal().settings.base_url.startswith("https://")
        answer.set_cookie(HIDDEN_NOTICES, ".".join(kept), max_age=HIDDEN_DAYS * 86400, samesite="Lax", httponly=True, secure=secure)
    return answer
