"""What managers and writers do with the reports: groups of questions, notes on the time line, the trial, learned phrases, a draft."""

from __future__ import annotations

from contextlib import suppress

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from app import deflection
from app.accounts import Role
from app.content import PublishBusy
from app.deflection import ClusterPage
from app.errors import Conflict, Invalid
from app.journeys import learn_phrases, taught_phrases
from app.web import context
from app.web.access import current_user, requires
from app.web.i18n import N_
from app.web.i18n import gettext as _
from app.web.reports import report_words
from app.web.reports.report_page import catalog_or_none, title_of

bp = Blueprint("report_desk", __name__, url_prefix="/reports")

MANAGERS = (Role.MANAGER, Role.ADMIN)
EDITORS = (Role.WRITER, Role.MANAGER, Role.ADMIN)
PHRASES_ON_A_PAGE = 50
LONGEST_WAIT = 2.0
"""Seconds that taking a phrase away waits for a publish that is running."""


def _who() -> str:
    user = current_user()
    return user.id if user else ""


def _page(cluster: int) -> ClusterPage:
    settings = context.portal().settings
    return deflection.cluster_page(context.db(), cluster, context.now(), settings.privacy_k, settings.privacy_k_query)


@bp.get("/groups/<int:cluster>")
@requires(*EDITORS)
def group(cluster: int) -> str | AnyResponse:
    """One group of questions up close."""
    page = _page(cluster)
    if page.id != cluster:
        return redirect(url_for("report_desk.group", cluster=page.id), 302)
    return _group(page)


def _group(page: ClusterPage, errors: dict[str, str] | None = None) -> str:
    """The page; after an error with what was given, so that nothing is chosen or typed twice."""
    titles = title_of(catalog_or_none(), context.locale())
    said = {field: _(sentence) for field, sentence in (errors or {}).items()}
    return render_template("reports/group.html", g=page, errors=said, given=request.form, title_of=titles, w=report_words)


@bp.post("/groups/<int:cluster>")
@requires(*EDITORS)
def change_group(cluster: int) -> str | AnyResponse | tuple[str, int]:
    """Rename, merge, split, pin or take one of these back, as the button said."""
    form = request.form
    target = cluster
    try:
        with context.portal().database.durable_session() as db:
            match form.get("do"):
                case "rename":
                    deflection.rename_cluster(db, cluster, form.get("name", ""), _who(), context.now())
                case "merge":
                    target = _number(form.get("into", ""))
                    deflection.merge_clusters(db, cluster, target, _who(), context.now())
                case "split":
                    target = deflection.split_cluster(db, cluster, _shown_queries(cluster), form.get("name", ""), _who(), context.now())
                case "pin":
                    k = context.portal().settings.privacy_k_query
                    deflection.pin_query(db, form.get("query", ""), "", cluster, _who(), context.now(), k)
                case "undo":
                    target = deflection.undo_change(db, _number(form.get("change", "")), _who(), context.now())
                case _:
                    raise Invalid("Choose what to do.", {"do": N_("Choose what to do.")})
            settings = context.portal().settings
            deflection.name_clusters(db, context.now(), settings.privacy_k_query)
    except Invalid as error:
        return _group(_page(cluster), error.errors), 422
    except Conflict as error:
        return _group(_page(cluster), {"do": str(error)}), 409
    flash(_("Saved."))
    return redirect(url_for("report_desk.group", cluster=target), 303)


def _shown_queries(cluster: int) -> list[str]:
    """Of the chosen queries those that the page shows: what one person asked cannot be taken out to see how it ended."""
    shown = {wording.query for wording in _page(cluster).wordings}
    return [query for query in request.form.getlist("query") if query in shown]


def _number(text: str) -> int:
    if not text.isdecimal() or len(text) > 9:
        raise Invalid("Choose a group.", {"into": N_("Choose another group of the same language.")})
    return int(text)


@bp.get("/groups/<int:cluster>/draft.md")
@requires(*EDITORS)
def draft(cluster: int) -> Response:
    """The text of a draft article for a group of questions, to be saved into the content folder."""
    page = _page(cluster)
    response = Response(deflection.draft_text(page), content_type="text/markdown; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="draft-{page.id}.md"'
    return response


@bp.route("/notes", methods=["GET", "POST"])
@requires(*MANAGERS)
def notes() -> str | AnyResponse | tuple[str, int]:
    """Notes on the time line, and the form for one more."""
    form, errors = request.form, {}
    if request.method == "POST":
        try:
            with context.portal().database.durable_session() as db:
                if form.get("remove", "").isdecimal():
                    deflection.remove_note(db, _number(form["remove"]))
                else:
                    deflection.add_note(db, form.get("day", ""), form.get("kind", ""), form.get("text", ""), _who(), context.now())
        except Invalid as error:
            errors = {field: _(sentence) for field, sentence in error.errors.items()}
        else:
            flash(_("Saved."))
            return redirect(url_for("report_desk.notes"), 303)
    page = render_template(
        "reports/notes.html",
        notes=deflection.list_notes(context.db()),
        errors=errors,
        given=form,
        kinds=report_words.NOTE_KINDS,
        today=context.today().isoformat(),
    )
    return (page, 422) if errors else page


@bp.route("/trial", methods=["GET", "POST"])
@requires(*MANAGERS)
def trial() -> str | AnyResponse:
    """What the answers in the contact form do."""
    setting = context.portal().settings.form_holdout_share
    if request.method == "POST":
        with context.portal().database.durable_session() as db:
            deflection.restart_trial(db)
        flash(_("The trial runs again."))
        return redirect(url_for("report_desk.trial"), 303)
    db = context.db()
    return render_template(
        "reports/trial.html",
        t=deflection.form_trial(db, context.now(), setting),
        stopped=deflection.trial_stopped(db),
        share=deflection.current_share(db, context.now(), setting),
        setting=setting,
        w=report_words,
    )


def _page_number() -> int:
    return max(1, request.args.get("page", 1, type=int))


@bp.route("/phrases", methods=["GET", "POST"])
@requires(*EDITORS)
def phrases() -> str | AnyResponse:
    """Phrases that past searches taught the search; each can be taken away for good, and given back."""
    if request.method == "POST":
        form = request.form
        name = (form.get("article", "")[:128], form.get("locale", "")[:35], form.get("phrase", "")[:400])
        with context.portal().database.durable_session() as db:
            if form.get("do") == "restore":
                deflection.restore_phrase(db, *name)
            else:
                deflection.remove_phrase(db, *name, who=_who(), now=context.now())
        with suppress(PublishBusy, OSError):  # then the worker does it within the hour, as on other machines
            learn_phrases(context.portal().settings, context.portal().database, context.now(), wait=LONGEST_WAIT)
        flash(_("Saved."))
        return redirect(url_for("report_desk.phrases", page=_page_number()), 303)
    settings = context.portal().settings
    found = taught_phrases(settings, context.db(), context.now(), with_removed=True)
    pages = max(1, -(-len(found) // PHRASES_ON_A_PAGE))
    page = min(_page_number(), pages)
    return render_template(
        "reports/phrases.html",
        phrases=found[(page - 1) * PHRASES_ON_A_PAGE : page * PHRASES_ON_A_PAGE],
        total=len(found),
        page=page,
        pages=pages,
        is_on=settings.learned_phrases,
        title_of=title_of(catalog_or_none(), context.locale()),
        k=settings.privacy_k_query,
    )
