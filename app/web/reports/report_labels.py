"""Trying the two thresholds that make searches one question on a portal's own searches: a pair after the other, then what they say."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from app import deflection
from app.accounts import Role
from app.deflection import FEWEST_LABELS, Pair
from app.web import context
from app.web.access import current_user, requires
from app.web.i18n import N_
from app.web.i18n import gettext as _
from app.web.reports import report_words

bp = Blueprint("report_labels", __name__, url_prefix="/reports")

EDITORS = (Role.WRITER, Role.MANAGER, Role.ADMIN)
ANSWERS = {
    "same": N_("The same question"),
    "different": N_("Different questions"),
    "unclear": N_("Cannot tell"),
}


@bp.get("/labels")
@requires(*EDITORS)
def page() -> str:
    """The next pair, how far one is, and what the labels say."""
    db, settings = context.db(), context.portal().settings
    pairs, done = _pairs(), deflection.labelled(db)
    rules = deflection.rules_from(settings)
    return render_template(
        "reports/labels.html",
        pair=next((pair for pair in pairs if pair.key not in done), None),
        done=len(done),
        total=len(done | {pair.key for pair in pairs}),
        to_go=max(0, FEWEST_LABELS - deflection.clear_labels(db)),
        fit=deflection.fit_labels(db, rules),
        rules=rules,
        answers=ANSWERS,
        k=settings.privacy_k_query,
        w=report_words,
    )


@bp.post("/labels")
@requires(*EDITORS)
def answer() -> AnyResponse:
    """Keep a verdict on the pair shown, take the last one back, or begin again."""
    user = current_user()
    verdict, key = request.form.get("verdict", ""), request.form.get("pair", "")
    with context.portal().database.durable_session() as db:
        if verdict == "back":
            deflection.take_last_back(db)
        elif verdict == "restart":
            deflection.forget_labels(db)
        else:
            # A pair that may not be shown any more, because somebody was erased since, is passed over.
            pair = next((pair for pair in _pairs() if pair.key == key), None)
            if pair is not None:
                deflection.label_pair(db, pair, verdict, user.id if user else "", context.now())
    if verdict == "restart":
        flash(_("All labels are gone."))
    return redirect(url_for("report_labels.page"), 303)


def _pairs() -> list[Pair]:
    return deflection.draw_pairs(context.db(), context.now(), context.portal().settings.privacy_k_query)
