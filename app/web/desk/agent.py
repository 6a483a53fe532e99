"""The desk: the queue, one request with what the customer tried before, answers beside the reply, and what could not be delivered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from flask import Blueprint, Response, abort, flash, jsonify, redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from app.accounts import Role, User
from app.content import Audience
from app.deflection import Event, events_of_search, events_of_ticket, new_id
from app.errors import Invalid, NotFound, Unavailable
from app.journeys import set_solved
from app.tickets import (
    VIEWS,
    Author,
    InvalidTicket,
    KeyReused,
    StoredFile,
    Ticket,
    TicketStatus,
    add_note,
    agent_draft_id,
    articles_used,
    assign,
    count_dead,
    deliveries_of,
    find,
    find_attachment,
    forget_draft,
    keep_draft,
    kept_draft,
    others_writing,
    queue,
    queue_counts,
    queue_mail,
    record_use,
    reply,
    troubled_deliveries,
    try_again,
    use_counts,
)
from app.web import context
from app.web.access import current_user, requires
from app.web.contact.downloads import download
from app.web.contact.letters import answered
from app.web.desk.desk_answers import DeskAnswer, desk_answers, in_locale, insert_into, linked_articles, permanent_link
from app.web.i18n import gettext as _
from app.web.i18n import ngettext
from app.web.reports.audits import as_readable
from app.web.reports.told_audits import audit_of_search, audits_of_request
from app.web.reports.told_events import all_told, read_articles, title_of, tried
from app.web.reports.waves import waves
from app.web.visitors.visitors import actor

bp = Blueprint("agent", __name__, url_prefix="/agent")

WRITING_NOW = timedelta(minutes=2)
"""Somebody whose draft was kept within this time is said to be replying."""
PAGE = 50


# --- the queue --------------------------------------------------------------------------------------------------------------


@bp.get("/")
@requires(Role.AGENT, Role.MANAGER)
def inbox() -> str:
    """The requests of one view, what is owed soonest first."""
    view = _view()
    page = max(1, request.args.get("page", 1, type=int))
    tickets = queue(context.db(), view, _me().id, PAGE + 1, (min(page, 10_000) - 1) * PAGE)
    return render_template(
        "agent/queue.html",
        waves=waves(),
        view=view,
        tickets=tickets[:PAGE],
        page=page,
        more=len(tickets) > PAGE,
        counts=queue_counts(context.db(), _me().id),
        dead=count_dead(context.db()),
        now=context.now(),
    )


def _view() -> str:
    view = request.args.get("view", "")
    if view in VIEWS:
        return view
    return "mine" if queue_counts(context.db(), _me().id)["mine"] else "open"


# --- one request ------------------------------------------------------------------------------------------------------------


@bp.get("/requests/<int:number>")
@requires(Role.AGENT, Role.MANAGER)
def show(number: int) -> str:
    """The thread, what the customer tried, and answers for their words."""
    return _page(find(context.db(), number))


def _page(ticket: Ticket, errors: dict[str, str] | None = None, text: str | None = None, mode: str = "reply") -> str:
    db, me = context.db(), _me()
    draft = kept_draft(db, _draft_id(ticket))
    events = events_of_ticket(db, ticket.id)
    view = _view()
    return render_template(
        "agent/request.html",
        ticket=ticket,
        events=tried(events),
        audits=audits_of_request(ticket.id),
        used=[(title_of(u.article_id), u) for u in articles_used(db, ticket.id)],
        deliveries=[d for d in deliveries_of(db, ticket.id) if d.state == "dead" or (d.state == "pending" and d.attempts)],
        writing=others_writing(db, ticket.id, me.id, context.now() - WRITING_NOW),
        text=text if text is not None else (draft.fields.get("text", "") if draft else ""),
        mode=mode if text is not None else (draft.fields.get("mode", "reply") if draft else "reply"),
        saved_at=draft.updated_at if draft and text is None else None,
        key=new_id(),
        errors=errors or {},
        view=view,
        tickets=queue(db, view, me.id, 30),
        counts=queue_counts(db, me.id),
        now=context.now(),
        **_panel(ticket, events),
    )


def _panel(ticket: Ticket, events: Sequence[Event]) -> dict[str, object]:
    """What the answers panel shows: for the agent's words, or at first for the customer's subject."""
    words = request.values.get("q", ticket.subject)
    locale = _answer_locale(ticket)
    try:
        answers = _with_uses(words, locale, read_articles(events))
        failed = False
    except Unavailable:
        answers, failed = [], True
    return {
        "q": words,
        "answer_locale": locale,
        "answers": answers,
        "failed": failed,
        "asked": request.args.get("ask", ""),
        "locales": context.portal().settings.locales,
    }


def _answer_locale(ticket: Ticket | None) -> str:
    wanted = request.values.get("locale", "")
    default = ticket.locale if ticket else context.locale()
    return wanted if wanted in context.portal().settings.locales else default


def _with_uses(words: str, locale: str, read: frozenset[str]) -> list[DeskAnswer]:
    found = desk_answers(words, locale, read)
    counts = use_counts(context.db(), [a.article_id for a in found])
    return [replace(a, used=counts.get(a.article_id, 0)) for a in found]


@bp.get("/answers")
@requires(Role.AGENT, Role.MANAGER, Role.WRITER)
def answers() -> str | Response | tuple[str, int]:
    """Answers for any words: a piece of the desk for its script, a page with fields to copy from without it."""
    ticket = _ticket_of_address()
    events = events_of_ticket(context.db(), ticket.id) if ticket else []
    locale = _answer_locale(ticket)
    words = request.args.get("q", "")
    try:
        found = _with_uses(words, locale, read_articles(events))
    except Unavailable:
        if _wants_json():
            return jsonify(html="", said=_("The search is not answering.")), 503  # type: ignore[return-value]
        return render_template("agent/answers.html", q=words, answers=[], failed=True, answer_locale=locale, ticket=ticket), 503
    if _wants_json():
        html = render_template(
            "agent/answer_list.html", answers=found, ticket=ticket, asked="", failed=False, q=words, answer_locale=locale
        )
        said = ngettext("%(num)s answer", "%(num)s answers", len(found)) if found else _("No answers")
        return jsonify(html=html, said=said, answers=[_as_json(a) for a in found])
    return render_template(
        "agent/answers.html",
        q=words,
        answers=found,
        failed=False,
        answer_locale=locale,
        ticket=ticket,
        locales=context.portal().settings.locales,
    )


def _as_json(answer: DeskAnswer) -> dict[str, object]:
    return {
        "id": answer.article_id,
        "locale": answer.locale,
        "title": answer.title,
        "link": "" if answer.internal else answer.link,
        "markdown": "" if answer.internal else answer.as_markdown,
        "internal": answer.internal,
        "only_in": answer.only_in,
        "used": answer.used,
        "read_by_customer": answer.read_by_customer,
    }


def _wants_json() -> bool:
    return request.accept_mimetypes.best == "application/json"


def _ticket_of_address() -> Ticket | None:
    number = request.args.get("ticket", type=int)
    return find(context.db(), number) if number is not None else None


# --- answering --------------------------------------------------------------------------------------------------------------


@bp.post("/requests/<int:number>/messages")
@requires(Role.AGENT, Role.MANAGER)
def write(number: int) -> str | BaseResponse | tuple[str, int]:
    """Send a reply, or write a note that no customer ever sees."""
    ticket = find(context.db(), number)
    text = request.form.get("text", "").replace("\r\n", "\n")
    mode = "note" if request.form.get("mode") == "note" else "reply"
    key = request.form.get("key", "")[:64] or new_id()
    try:
        if mode == "note":
            _note(ticket, text, key)
        else:
            _refuse_internal(text)
            _reply(ticket, text, key, wait=request.form.get("then") == "wait")
    except InvalidTicket as error:
        return _page(ticket, {"text": _text_sentence(error.codes["message"])}, text, mode), 422
    except InternalLinked as error:
        return _page(ticket, {"text": str(error)}, text, mode), 422
    except KeyReused:
        return _page(
            ticket, {"text": _("This was sent already, with other words. Press Send again to send it as one more.")}, text, mode
        ), 409
    return redirect(f"/agent/requests/{number}?view={_view()}#latest", 303)


class InternalLinked(Invalid):
    """A reply links to an article that customers may not read."""


def _refuse_internal(text: str) -> None:
    internal = [a.title for a in linked_articles(text) if a.audience is Audience.AGENTS]
    if internal:
        raise InternalLinked(_("“%(title)s” is internal: customers cannot open it. Take the link out.", title=internal[0]))


def _reply(ticket: Ticket, text: str, key: str, wait: bool) -> None:
    now, me = context.now(), _me()
    linked = linked_articles(text)
    with context.portal().database.durable_session() as db:
        if ticket.status is TicketStatus.SOLVED:
            set_solved(db, ticket, False, actor(), now)
        if reply(db, ticket.number, Author(me.name, me.id), text, f"reply/{key}", now, wait):
            queue_mail(db, answered(ticket, _first_name(me), text.strip()), f"reply/{ticket.id}/{key}", now, ticket.id)
            for article in linked:
                record_use(db, ticket.id, article.id, ticket.locale, "inserted", me.id, now)
        forget_draft(db, _draft_id(ticket))


def _note(ticket: Ticket, text: str, key: str) -> None:
    me = _me()
    with context.portal().database.durable_session() as db:
        add_note(db, ticket.number, Author(me.name, me.id), text, f"note/{key}", context.now())
        forget_draft(db, _draft_id(ticket))


def _text_sentence(code: str) -> str:
    return _("Write something first.") if code == "missing" else _("This is too long. Send it in two parts.")


@bp.post("/requests/<int:number>/insert")
@requires(Role.AGENT, Role.MANAGER)
def insert(number: int) -> str | BaseResponse | tuple[str, int]:
    """Without script: put an article at the end of the draft. An internal one only goes into a note, another language only if asked twice."""
    ticket = find(context.db(), number)
    text, mode = request.form.get("text", "").replace("\r\n", "\n"), request.form.get("mode", "reply")
    article_id, _sep, sure = request.form.get("insert", "").partition("|")
    article = in_locale(article_id, _answer_locale(ticket))
    if article is None:
        raise NotFound("there is no such article")
    _keep(ticket, text, mode)
    back = f"/agent/requests/{number}?view={_view()}"
    if article.audience is Audience.AGENTS and mode != "note":
        return _page(ticket, {"text": _("Internal articles can only go into a note.")}, text, mode), 422
    if article.locale != ticket.locale and sure != "anyway":
        return redirect(f"{back}&ask={article.id}#answers", 303)
    _keep(ticket, insert_into(text, article.title, permanent_link(article.id, article.locale)), mode)
    _use(ticket, article.id, article.locale, "inserted")
    return redirect(f"{back}#reply", 303)


@bp.post("/requests/<int:number>/uses")
@requires(Role.AGENT, Role.MANAGER)
def use(number: int) -> tuple[Response, int]:
    """Note that an article was inserted or copied; the desk's script calls this."""
    ticket = find(context.db(), number)
    article = in_locale(request.form.get("article", ""), request.form.get("locale", ticket.locale))
    if article is None:
        raise NotFound("there is no such article")
    _use(ticket, article.id, article.locale, request.form.get("how", ""))
    return jsonify(recorded=True), 201


def _use(ticket: Ticket, article_id: str, locale: str, how: str) -> None:
    with context.portal().database.durable_session() as db:
        record_use(db, ticket.id, article_id, locale, how, _me().id, context.now())


@bp.post("/requests/<int:number>/draft")
@requires(Role.AGENT, Role.MANAGER)
def draft(number: int) -> Response:
    """Keep what is being written; the desk's script calls this every few seconds of writing."""
    ticket = find(context.db(), number)
    _keep(ticket, request.form.get("text", ""), request.form.get("mode", "reply"))
    return jsonify(saved=context.now().isoformat())


def _keep(ticket: Ticket, text: str, mode: str) -> None:
    with context.portal().database.durable_session() as db:
        fields = {"text": text[:100_000], "mode": "note" if mode == "note" else "reply", "name": _me().name}
        keep_draft(db, _draft_id(ticket), fields, context.now())


def _draft_id(ticket: Ticket) -> str:
    return agent_draft_id(ticket.id, _me().id, "text")


# --- status, assignment, files ----------------------------------------------------------------------------------------------


@bp.post("/requests/<int:number>/solve")
@requires(Role.AGENT, Role.MANAGER)
def solve(number: int) -> BaseResponse:
    """Call it solved."""
    return _set_status(number, True)


@bp.post("/requests/<int:number>/open")
@requires(Role.AGENT, Role.MANAGER)
def open_again(number: int) -> BaseResponse:
    """Open it again."""
    return _set_status(number, False)


def _set_status(number: int, solved: bool) -> BaseResponse:
    ticket = find(context.db(), number)
    with context.portal().database.durable_session() as db:
        set_solved(db, ticket, solved, actor(), context.now())
    flash(_("Solved.") if solved else _("Open again."))
    return redirect(f"/agent/requests/{number}?view={_view()}", 303)


@bp.post("/requests/<int:number>/assign")
@requires(Role.AGENT, Role.MANAGER)
def assign_to(number: int) -> BaseResponse:
    """Take it, or give it back to everybody."""
    me = _me()
    with context.portal().database.durable_session() as db:
        assign(db, number, Author(me.name, me.id) if request.form.get("to") == "me" else None, context.now())
    return redirect(f"/agent/requests/{number}?view={_view()}", 303)


@bp.get("/requests/<int:number>/files/<file_id>")
@requires(Role.AGENT, Role.MANAGER)
def file(number: int, file_id: str) -> Response:
    """A file of a request, as a download."""
    stored: StoredFile = find_attachment(context.db(), find(context.db(), number).id, file_id[:40], with_notes=True)
    return download(stored)


# --- what was recorded, and what could not be delivered ---------------------------------------------------------------------


@bp.get("/searches/<search_id>")
@requires(Role.AGENT, Role.MANAGER, Role.WRITER)
def search(search_id: str) -> str:
    """One search and everything that followed from it, in order."""
    events = events_of_search(context.db(), search_id[:128])
    if not events:
        abort(404)
    found = audit_of_search(search_id[:128])
    hidden = found is None or as_readable(found) is not found
    return render_template("agent/search.html", search_id=search_id, events=all_told(events, hidden), hidden=hidden)


@bp.get("/deliveries")
@requires(Role.AGENT, Role.MANAGER)
def deliveries() -> str:
    """What could not be delivered, and what is being tried again."""
    return render_template("agent/deliveries.html", deliveries=troubled_deliveries(context.db()))


@bp.post("/deliveries/<int:delivery_id>/retry")
@requires(Role.AGENT, Role.MANAGER)
def retry(delivery_id: int) -> BaseResponse:
    """Try a delivery again from the start."""
    with context.portal().database.durable_session() as db:
        try_again(db, delivery_id, context.now())
    flash(_("It will be tried again now."))
    return redirect("/agent/deliveries", 303)


def _me() -> User:
    user = current_user()
    assert user is not None  # every view here requires a role
    return user


def _first_name(user: User) -> str:
    return (user.name.split() or [user.email.split("@")[0]])[0]
