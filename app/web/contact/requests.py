"""A customer's own requests: the list, one request with everything said in it, replying, calling it solved. Nobody sees another's."""

from __future__ import annotations

import re
from datetime import datetime
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from babel.dates import format_skeleton
from flask import Blueprint, Response, abort, flash, jsonify, redirect, render_template, request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Response as BaseResponse

from app.accounts import User
from app.deflection import new_id, requester_hash
from app.journeys import continue_ticket, set_solved
from app.tickets import (
    AttachmentRefused,
    Author,
    InvalidTicket,
    KeyReused,
    MessageKind,
    StoredFile,
    Ticket,
    TicketStatus,
    check_amount,
    find_attachment,
    find_own,
    mask_card_numbers,
    store_file,
    tickets_of,
)
from app.web import context
from app.web.access import current_user
from app.web.contact.contact_form import attachments_folder, file_sentence, message_sentence, rules
from app.web.contact.downloads import download
from app.web.contact.promises import promise_words
from app.web.filters import babel_locale
from app.web.i18n import gettext as _
from app.web.visitors.visitors import actor

bp = Blueprint("requests", __name__)

LONGEST_QUESTION = 160
"""A longer one is read where it stands."""


@bp.before_request
def check_locale() -> None:
    """An unknown locale has no pages."""
    if (request.view_args or {}).get("locale") not in context.portal().settings.locales:
        abort(404)


@bp.after_request
def keep_out_of_caches(response: Response) -> Response:
    """These pages are one person's."""
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.errorhandler(RequestEntityTooLarge)
def too_large(_error: RequestEntityTooLarge) -> tuple[str, int]:
    """Too large to be read at all."""
    return render_template("help_center/contact_too_large.html", limit=context.portal().settings.upload_max_mb), 413


@bp.get("/<locale>/requests")
def requests(locale: str) -> str:
    """The list, newest change first; without a sign-in, the way to get one."""
    user = current_user()
    if user is None:
        return render_template("help_center/requests_link.html", next=f"/{locale}/requests")
    found = tickets_of(context.db(), user.email, user.id)
    view = request.args.get("status", "")
    shown = [t for t in found if not view or t.status == view]
    counts = {status.value: sum(t.status is status for t in found) for status in TicketStatus}
    return render_template("help_center/requests.html", tickets=shown, total=len(found), counts=counts, view=view)


@bp.get("/<locale>/requests/<int:number>")
def show(locale: str, number: int) -> str | BaseResponse:
    """One request: where it stands, what was said, and what the customer can do now."""
    user = current_user()
    if user is None:
        return redirect("/sign-in?" + urlencode({"next": request.path}), 303)
    return _page(find_own(context.db(), number, user.email, user.id))


def _page(ticket: Ticket, text: str = "", errors: dict[str, str] | None = None, key: str = "") -> str:
    now = context.now()
    owed = promise_words(ticket.owed_at, now) if ticket.owed_at and ticket.owed_at > now else ""
    return render_template(
        "help_center/request.html",
        ticket=ticket,
        owed=owed,
        text=text,
        errors=errors or {},
        key=key or new_id(),
        settings=context.portal().settings,
        latest=ticket.messages[-1].id if ticket.messages else 0,
        question=_question(ticket),
        files=[file for message in ticket.messages for file in message.attachments],
    )


def _question(ticket: Ticket) -> str:
    """What our latest reply asked last, so that the customer need not look for it; empty if it asked nothing short enough."""
    ours = next((m.text for m in reversed(ticket.messages) if m.kind is MessageKind.REPLY), "")
    said = " ".join(part for kind, part in paragraphs(ours) if kind == "said")
    asked = [s for s in re.split(r"(?<=[.!?。？؟])\s+", " ".join(said.split())) if s.endswith(("?", "？", "؟"))]
    return asked[-1] if asked and len(asked[-1]) <= LONGEST_QUESTION else ""


@bp.get("/<locale>/requests/<int:number>/latest")
def latest(locale: str, number: int) -> Response:
    """The id of the newest message, for a page that is open and wants to say that a reply has come."""
    ticket = _own(number)
    return jsonify(latest=ticket.messages[-1].id if ticket.messages else 0, status=ticket.status.value)


@bp.post("/<locale>/requests/<int:number>/reply")
def reply(locale: str, number: int) -> str | BaseResponse | tuple[str, int]:
    """Write again; a solved request opens, one that was solved long ago is continued in a new one."""
    ticket = _own(number)
    text = request.form.get("message", "").replace("\r\n", "\n")
    key = request.form.get("key", "")[:64] or new_id()
    user = _user()
    files, errors = _files(ticket)
    if not errors:
        try:
            with context.portal().database.durable_session() as db:
                check_amount(db, ticket.requester_email, files, rules(), context.now())
                requester = requester_hash(ticket.requester_email, context.portal().settings.secret_key)
                author = Author(user.name or ticket.requester_name, user.id)
                replied = continue_ticket(db, number, author, text, f"reply/{key}", files, actor(), requester, context.now())
            context.note_sent(replied.ticket.number)
        except InvalidTicket as error:
            errors = {name: message_sentence(code) for name, code in error.codes.items()}
        except AttachmentRefused as refused:
            errors = {"files": file_sentence(refused)}
        except KeyReused:
            errors = {"message": _("This was already sent, with other words. Send it again to add it.")}
            key = ""
    if errors:
        return _page(ticket, mask_card_numbers(text), errors, key), 422
    if replied.continued:
        flash(_("This is a new request that continues number %(number)s.", number=number))
    elif replied.reopened:
        flash(_("Your request is open again."))
    return redirect(f"/{locale}/requests/{replied.ticket.number}#latest", 303)


def _files(ticket: Ticket) -> tuple[list[StoredFile], dict[str, str]]:
    given = [f for f in request.files.getlist("files") if f.filename]
    limits = rules()
    try:
        if len(given) > limits.max_files:
            raise AttachmentRefused("too_many", given[limits.max_files].filename or "")
        data = [(f.filename or "", f.stream.read(limits.max_bytes + 1)) for f in given]
        return [store_file(attachments_folder(), name, content, limits) for name, content in data], {}
    except AttachmentRefused as refused:
        return [], {"files": file_sentence(refused)}
    finally:
        for upload in given:
            upload.close()


@bp.post("/<locale>/requests/<int:number>/solved")
def solved(locale: str, number: int) -> BaseResponse:
    """The customer calls it solved."""
    ticket = _own(number)
    with context.portal().database.durable_session() as db:
        set_solved(db, ticket, True, actor(), context.now())
    return redirect(f"/{locale}/requests/{number}", 303)


@bp.get("/<locale>/requests/<int:number>/files/<file_id>")
def file(locale: str, number: int, file_id: str) -> Response:
    """A file of one's own request, as a download."""
    ticket = _own(number)
    return download(find_attachment(context.db(), ticket.id, file_id[:40], with_notes=False))


def _user() -> User:
    user = current_user()
    if user is None:
        abort(404)
    return user


def _own(number: int) -> Ticket:
    user = _user()
    return find_own(context.db(), number, user.email, user.id)


# --- words that templates of requests share ---------------------------------------------------------------------------------

_QUOTE = re.compile(r"^\s*>")


@bp.app_template_filter("paragraphs")
def paragraphs(text: str) -> list[tuple[str, str]]:
    """A message in its parts: ("said", …) and ("quoted", …), so that quotes can be folded away."""
    parts: list[tuple[str, list[str]]] = []
    for line in text.split("\n"):
        kind = "quoted" if _QUOTE.match(line) else "said"
        if not parts or parts[-1][0] != kind:
            parts.append((kind, []))
        parts[-1][1].append(line)
    return [(kind, "\n".join(lines).strip("\n")) for kind, lines in parts if any(line.strip() for line in lines)]


@bp.app_template_filter("file_size")
def file_size(size: int) -> str:
    """12 kB, 3.4 MB"""
    if size < 1024 * 1024:
        return f"{max(1, round(size / 1024))} kB"
    return f"{size / 1024 / 1024:.1f} MB"


@bp.app_template_filter("local_time")
def local_time(moment: datetime) -> str:
    """22 Nov 2026, 09:12 in the portal's time zone"""
    zone = ZoneInfo(context.portal().settings.time_zone)
    date = format_skeleton("yMMMd", moment.astimezone(zone), tzinfo=zone, locale=babel_locale())
    return f"{date}, {clock(moment)}"


@bp.app_template_filter("clock")
def clock(moment: datetime) -> str:
    """09:12 in the portal's time zone"""
    zone = ZoneInfo(context.portal().settings.time_zone)
    return format_skeleton("Hm", moment.astimezone(zone), tzinfo=zone, locale=babel_locale())


@bp.app_template_filter("status_words")
def status_words(status: TicketStatus) -> str:
    """Where a request stands, as its customer reads it."""
    return {TicketStatus.OPEN: _("We are on it"), TicketStatus.WAITING: _("Your turn"), TicketStatus.SOLVED: _("Solved")}[status]


@bp.app_template_test("reply_from_us")
def reply_from_us(kind: MessageKind) -> bool:
    return kind is MessageKind.REPLY
