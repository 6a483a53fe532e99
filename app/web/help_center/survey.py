"""One unobtrusive question about an earlier search, on pages that are never cached: it tells how often reading really was an answer."""

from __future__ import annotations

import re

from flask import Blueprint, Flask, flash, g, redirect, request
from werkzeug.wrappers import Response

from app import deflection
from app.deflection import Question
from app.errors import KnowledgeBaseError
from app.web import context, security
from app.web.access import is_https
from app.web.i18n import gettext as _
from app.web.visitors.visitors import actor

bp = Blueprint("survey", __name__)

REFUSED = "hylla_no_questions"
"""Set when somebody says never again: the visitor cookie may be gone tomorrow, and then nobody would know. It says nothing else."""
REMEMBERED = 400 * 86400
"""Seconds: the longest that browsers keep a cookie."""
_SEARCH = re.compile(r"[A-Za-z0-9._:-]{1,128}")


def init(app: Flask) -> None:
    """Give dynamic pages the question; `{% include "macros/survey.html" %}` shows it."""
    app.jinja_env.globals["survey_question"] = survey_question


def survey_question() -> Question | None:
    """The question for the person of this request, noted as asked; None for most. Never on pages that are cached for everybody."""
    if "survey_question" not in g:
        g.survey_question = _ask()
    return g.survey_question  # type: ignore[no-any-return]


def _ask() -> Question | None:
    if REFUSED in request.cookies:
        return None
    share = context.portal().settings.survey_share
    who = actor()
    try:
        question = deflection.pending_question(context.db(), who, share, context.now())
        if question is not None:
            with context.portal().database.aside_session() as db:
                deflection.question_asked(db, who, question.search_id, context.now())
    except KnowledgeBaseError:
        # A question that cannot be asked must never cost anybody the page.
        return None
    return question


@bp.post("/survey")
def answer() -> Response:
    """Yes, no, or never again; then back to where the person was."""
    search_id, said = request.form.get("search_id", ""), request.form.get("found", "")
    with context.portal().database.session() as db:
        if said == "never":
            deflection.refuse_questions(db, actor(), context.now())
        elif said in ("yes", "no") and _SEARCH.fullmatch(search_id):
            deflection.question_answered(db, actor(), search_id, said == "yes", context.now())
    flash(_("We will not ask again.") if said == "never" else _("Thank you."))
    response = redirect(security.safe_next(request.form.get("next", "")), 303)
    if said == "never":
        response.set_cookie(REFUSED, "1", max_age=REMEMBERED, path="/", secure=is_https(), httponly=True, samesite="Lax")
    return response
