"""Reaching a person: the form with answers before sending, and what can come of it. Nothing typed is lost, nothing is sent twice."""

from __future__ import annotations

from flask import Blueprint, Response, abort, jsonify, redirect, render_template, request, session
from itsdangerous import BadSignature, URLSafeSerializer
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Response as BaseResponse

from app.accounts import TooMany
from app.deflection import FormOpen, Suggest, Vote, requester_hash
from app.journeys import continue_ticket, submit_ticket
from app.tickets import (
    Author,
    KeyReused,
    Ticket,
    TicketNotFound,
    files_of_draft,
    find,
    find_duplicate,
    forget_draft,
    kept_draft,
    sent_with_key,
)
from app.web import context
from app.web.access import current_user
from app.web.contact.contact_form import ContactForm, checked, draft_of, empty_form, forget, form_id_of, keep, kept_form, sent_form
from app.web.contact.letters import received
from app.web.contact.promises import promise, promise_words
from app.web.contact.trial import arm_of
from app.web.help_center.offered_answers import OfferedAnswer, answers_for, matching_notices, with_form
from app.web.i18n import ngettext
from app.web.security import admit_request, limiter
from app.web.visitors.visitors import actor

bp = Blueprint("contact", __name__)

MIN_LETTERS = 8
"""Fewer letters say too little about a problem to answer it."""
MESSAGE_LETTERS = 25
REMEMBERED = 5
"""How many requests of its own a browser remembers, to offer adding to one instead of writing a second."""


@bp.before_request
def check_locale() -> None:
    """An unknown locale has no pages."""
    if (request.view_args or {}).get("locale") not in context.portal().settings.locales:
        abort(404)


@bp.after_request
def keep_out_of_caches(response: Response) -> Response:
    """These pages hold people's words."""
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.errorhandler(RequestEntityTooLarge)
def too_large(_error: RequestEntityTooLarge) -> tuple[str, int]:
    """The whole of it was too large to be read, so the words are only in the browser: say how to get back to them."""
    return render_template("help_center/contact_too_large.html", limit=context.portal().settings.upload_max_mb), 413


# --- the form ---------------------------------------------------------------------------------------------------------------


@bp.get("/<locale>/contact")
def contact(locale: str) -> str | BaseResponse:
    """The form: empty, with the words of a search, or as it was left."""
    form = _draft_of_address() or empty_form()
    portal = context.portal()
    portal.events.put(FormOpen(**actor(form.tab).stamp(context.now(), f"form_open-{form.form_id}"), form_id=form.form_id))
    answers = [] if form.is_safety else _offered(form, form.subject)
    return _page(form, answers)


@bp.get("/<locale>/contact/answers")
@limiter.limit(lambda: f"{context.portal().settings.searches_per_minute}/minute")
def answers(locale: str) -> Response:
    """Answers to what is being typed, as a piece of the page and a sentence that says how many."""
    form_id = form_id_of(request.args.get("form"))
    if not form_id:
        abort(400)
    words = " ".join(f"{request.args.get('subject', '')} {request.args.get('message', '')[:200]}".split())
    form = ContactForm(form_id, topic=request.args.get("topic", ""), tab=actor().tab or "")
    offered = [] if form.is_safety else _offered(form, words)
    known = matching_notices(words)
    html = render_template("help_center/contact_answers.html", answers=offered, known=known, form=form, with_form=with_form)
    said = ngettext("%(num)s answer found", "%(num)s answers found", len(offered)) if offered else ""
    return jsonify(count=len(offered), html=html if offered or known else "", said=said)


def _offered(form: ContactForm, words: str) -> list[OfferedAnswer]:
    """The answers this form shows; what it would have shown is recorded, once, also for those who are shown none."""
    if sum(c.isalnum() for c in words) < MIN_LETTERS and not form.search_id:
        return []
    found = answers_for(words, context.locale(), context.viewer())
    if not found:
        return []
    who = actor(form.tab)
    arm = arm_of(who, form.form_id)
    context.portal().events.put(
        Suggest(
            **who.stamp(context.now(), f"suggest-{form.form_id}"),
            form_id=form.form_id,
            articles=tuple(a.article_id for a in found),
            arm=arm,
            shown=arm == "on",
        )
    )
    return found if arm == "on" else []


def _page(form: ContactForm, answers: list[OfferedAnswer], template: str = "contact", **more: object) -> str:
    now = context.now()
    return render_template(
        f"help_center/{template}.html",
        form=form,
        answers=answers,
        known=matching_notices(form.subject),
        errors=form.errors,
        reply_by=promise_words(promise(now), now),
        with_form=with_form,
        min_letters=MIN_LETTERS,
        message_letters=MESSAGE_LETTERS,
        settings=context.portal().settings,
        **more,
    )


def _draft_of_address() -> ContactForm | None:
    form_id = form_id_of(request.args.get("draft"))
    kept = kept_draft(context.db(), form_id) if form_id else None
    return kept_form(form_id, kept, files_of_draft(context.db(), form_id)) if kept else None


# --- looking for answers first, without script ------------------------------------------------------------------------------


@bp.post("/<locale>/contact/check")
def check(locale: str) -> str | BaseResponse | tuple[str, int] | tuple[str, int, dict[str, str]]:
    """The step between writing and sending for browsers without script: answers if there are any, else it is sent at once."""
    form = checked(sent_form())
    if form.errors:
        return _page(form, []), 422
    if form.has_unseen_fields:
        return _page(form, [], unseen=True)
    if form.is_safety or not _offered(form, form.subject):
        return _send(form)
    keep(form)
    return redirect(f"/{locale}/contact/check?draft={form.token}", 303)


@bp.get("/<locale>/contact/check")
def check_page(locale: str) -> str | BaseResponse:
    """The answers, with everything typed carried along and one press away from being sent."""
    form = _draft_of_address()
    if form is None:
        return redirect(f"/{locale}/contact", 303)
    return _page(form, _offered(form, form.subject), "contact_check")


# --- sending ----------------------------------------------------------------------------------------------------------------


@bp.post("/<locale>/contact")
def send(locale: str) -> str | BaseResponse | tuple[str, int] | tuple[str, int, dict[str, str]]:
    """Send it; what cannot be sent yet comes back with all its words."""
    form = checked(sent_form())
    if form.errors:
        return _page(form, []), 422
    if form.has_unseen_fields:
        return _page(form, [], unseen=True)
    return _send(form)


def _send(form: ContactForm) -> str | BaseResponse | tuple[str, int] | tuple[str, int, dict[str, str]]:
    choice = request.form.get("duplicate", "")
    earlier = None if choice == "new" else _earlier_request(form)
    if earlier and choice == "add":
        return _add_to(earlier, form)
    if earlier:
        return _page(form, [], "contact_duplicate", earlier=earlier)
    user = current_user()
    who = actor(form.tab)
    now = context.now()
    requester = requester_hash(form.email, context.portal().settings.secret_key)
    try:
        with context.portal().database.durable_session() as db:
            if sent_with_key(db, form.key) is None:
                admit_request(db, context.portal().settings, now)
            sent = submit_ticket(db, draft_of(form, user), who, requester, now, received)
            forget_draft(db, form.form_id)
        context.note_sent(sent.ticket.number)
    except KeyReused as reused:
        return _page(form, [], "contact_conflict", number=reused.number, fresh=form.anew()), 409
    except TooMany as error:
        minutes = max(1, -(-error.retry_after // 60))
        return _page(form, [], "contact", too_many=minutes), 429, {"Retry-After": str(error.retry_after)}
    return _sent(sent.ticket)


def _sent(ticket: Ticket, added: bool = False) -> BaseResponse:
    """Nobody sees the number before the transaction has ended: this is the first place that has it."""
    session["requests"] = [*(n for n in _own_numbers() if n != ticket.number), ticket.number][-REMEMBERED:]
    token = _sent_signer().dumps([ticket.number, int(added)])
    return redirect(f"/{context.locale()}/contact/sent/{token}", 303)


def _sent_signer() -> URLSafeSerializer:
    return URLSafeSerializer(context.portal().settings.secret_key, salt="contact-sent")


@bp.get("/<locale>/contact/sent/<token>")
def sent(locale: str, token: str) -> str:
    """It is with us: the number, by when we answer, and where to follow it."""
    try:
        number, added = _sent_signer().loads(token)
        ticket = find(context.db(), int(number))
    except (BadSignature, ValueError, TypeError, TicketNotFound):
        abort(404)
    topic = ContactForm("", topic=ticket.topic).chosen_topic
    words = promise_words(ticket.promised_at, context.now()) if ticket.promised_at else ""
    return render_template("help_center/contact_sent.html", ticket=ticket, added=bool(added), topic=topic, reply_by=words)


# --- the same thing twice ---------------------------------------------------------------------------------------------------


def _own_numbers() -> list[int]:
    numbers = session.get("requests", [])
    return [n for n in numbers if isinstance(n, int)] if isinstance(numbers, list) else []


def _earlier_request(form: ContactForm) -> Ticket | None:
    """A request on the same matter within two hours, if this browser or account wrote it: others must not learn of it."""
    if sent_with_key(context.db(), form.key) is not None:
        return None  # a repeat of this very form is told apart by its key
    user = current_user()
    known = None if user is not None and user.email == form.email else _own_numbers()
    return find_duplicate(context.db(), form.email, form.subject, context.now(), known)


def _add_to(ticket: Ticket, form: ContactForm) -> BaseResponse:
    user = current_user()
    author = Author(user.name if user else ticket.requester_name, user.id if user else None)
    requester = requester_hash(form.email, context.portal().settings.secret_key)
    with context.portal().database.durable_session() as db:
        replied = continue_ticket(
            db,
            ticket.number,
            author,
            form.told,
            form.key,
            form.files,
            actor(form.tab),
            requester,
            context.now(),
            form.form_id,
            form.subject,
        )
        forget_draft(db, form.form_id)
    context.note_sent(replied.ticket.number)
    return _sent(replied.ticket, added=True)


@bp.post("/<locale>/contact/add")
def add(locale: str) -> str | BaseResponse | tuple[str, int]:
    """After a form was sent and then changed: put the new words into the request that it had made."""
    form = checked(sent_form())
    if form.errors:
        return _page(form, []), 422
    first = form_id_of(request.form.get("first"))
    ticket = sent_with_key(context.db(), f"form/{first}") if first else None
    if ticket is None:
        abort(404)
    return _add_to(ticket, form)


# --- answered, and leaving for a moment -------------------------------------------------------------------------------------


@bp.post("/<locale>/contact/answered")
def answered(locale: str) -> BaseResponse:
    """An answer helped: nothing is sent, the vote is recorded, and the words are kept in case it did not help after all."""
    form = sent_form()
    known = kept_draft(context.db(), form.form_id)
    if form.subject or form.message or known is None:
        keep(form)
    _vote(form, 1)
    return redirect(f"/{locale}/contact/answered?draft={form.token}", 303)


@bp.get("/<locale>/contact/answered")
def answered_page(locale: str) -> str | BaseResponse:
    """Good: nothing was sent. And the way back."""
    form = _draft_of_address()
    if form is None:
        return redirect(f"/{locale}/", 303)
    return render_template("help_center/contact_answered.html", form=form)


@bp.post("/<locale>/contact/answered/undo")
def undo(locale: str) -> BaseResponse:
    """It did not help after all: the vote is withdrawn and the form comes back as it was."""
    form = sent_form()
    _vote(form, 0)
    return redirect(f"/{locale}/contact?draft={form.token}", 303)


def _vote(form: ContactForm, value: int) -> None:
    stamp = actor(form.tab).stamp(context.now())
    context.portal().events.put(Vote(**stamp, kind="solved", value=value, form_id=form.form_id))


@bp.post("/<locale>/contact/sign-in")
def sign_in_first(locale: str) -> BaseResponse:
    """Sign in on the way: the form waits on our side."""
    form = sent_form()
    keep(form)
    return redirect(f"/sign-in?next=/{locale}/contact%3Fdraft={form.token}", 303)


@bp.post("/<locale>/contact/discard")
def discard(locale: str) -> BaseResponse:
    """Throw the draft away, because the person wants it gone now."""
    form_id = form_id_of(request.form.get("form"))
    if form_id:
        forget(form_id)
    return redirect(f"/{locale}/", 303)
