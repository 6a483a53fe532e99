"""Accounts, for admins: list, add, role, disable, end sessions; and the log of who did what."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, flash, redirect, render_template, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app import accounts
from app.accounts import Role, User
from app.errors import Conflict, Invalid
from app.web import context
from app.web.access import current_user, requires
from app.web.i18n import N_
from app.web.i18n import gettext as _

bp = Blueprint("admin", __name__, url_prefix="/admin")

PAGE = 100
ROLES = {
    Role.CUSTOMER: N_("Customer"),
    Role.AGENT: N_("Agent"),
    Role.WRITER: N_("Writer"),
    Role.MANAGER: N_("Manager"),
    Role.ADMIN: N_("Admin"),
}


@bp.get("/")
@requires(Role.ADMIN)
def users() -> str:
    """All accounts, or those of one role or with a word in name or address."""
    return _users_page()


@bp.post("/users")
@requires(Role.ADMIN)
def add_user() -> tuple[str, int] | Response:
    """Add an account; without a password its owner signs in by email link."""
    form = {name: request.form.get(name, "").strip()[:254] for name in ("email", "name", "role")}
    password = request.form.get("password") or None
    try:
        with context.portal().database.durable_session() as db:
            added = accounts.add_user(db, form["email"], form["role"], form["name"], password, context.now())
            _note(db, "add", added, added.role.value)
    except (Invalid, Conflict) as error:
        return _users_page(form, getattr(error, "errors", None) or {"email": str(error)}), 422
    flash(_("Added %(email)s.", email=added.email))
    return redirect("/admin/", 303)


@bp.get("/users/<user_id>")
@requires(Role.ADMIN)
def user(user_id: str) -> str:
    """One account: role, sessions, and the buttons that change it."""
    return _user_page(user_id)


@bp.post("/users/<user_id>/role")
@requires(Role.ADMIN)
def set_role(user_id: str) -> tuple[str, int] | Response:
    """Give another role; it holds from the next request on."""
    before = accounts.find_user(context.db(), user_id)
    try:
        with context.portal().database.durable_session() as db:
            after = accounts.set_role(db, user_id, request.form.get("role", ""))
            _note(db, "set-role", after, f"{before.role.value} → {after.role.value}")
    except (Invalid, Conflict) as error:
        return _user_page(user_id, {"role": str(error)}), 422
    flash(_("%(email)s is %(role)s now.", email=after.email, role=_(ROLES[after.role])))
    return redirect(f"/admin/users/{user_id}", 303)


@bp.post("/users/<user_id>/disable")
@requires(Role.ADMIN)
def disable(user_id: str) -> tuple[str, int] | Response:
    """Shut an account out; its sessions end at once."""
    try:
        with context.portal().database.durable_session() as db:
            _note(db, "disable", accounts.disable_user(db, user_id))
    except Conflict as error:
        return _user_page(user_id, {"disable": str(error)}), 422
    flash(_("The account is disabled and its sessions are ended."))
    return redirect(f"/admin/users/{user_id}", 303)


@bp.post("/users/<user_id>/enable")
@requires(Role.ADMIN)
def enable(user_id: str) -> Response:
    """Let a disabled account sign in again."""
    with context.portal().database.durable_session() as db:
        _note(db, "enable", accounts.enable_user(db, user_id))
    flash(_("The account can sign in again."))
    return redirect(f"/admin/users/{user_id}", 303)


@bp.post("/users/<user_id>/end-sessions")
@requires(Role.ADMIN)
def end_sessions(user_id: str) -> Response:
    """End all sessions of an account; it may sign in again."""
    with context.portal().database.durable_session() as db:
        one = accounts.find_user(db, user_id)
        count = accounts.end_other_sessions(db, one, "")
        _note(db, "end-sessions", one, str(count))
    flash(_("All sessions are ended."))
    return redirect(f"/admin/users/{user_id}", 303)


@bp.post("/users/<user_id>/reset-codes")
@requires(Role.ADMIN)
def reset_codes(user_id: str) -> Response:
    """Ask an account for no codes any more: its owner lost the app. Its sessions end, whoever holds them."""
    with context.portal().database.durable_session() as db:
        one = accounts.find_user(db, user_id)
        accounts.turn_codes_off(db, one.id)
        accounts.end_other_sessions(db, one, "")
        _note(db, "reset-codes", one)
    flash(_("The account asks for no codes any more, and its sessions are ended."))
    return redirect(f"/admin/users/{user_id}", 303)


@bp.post("/users/<user_id>/queries")
@requires(Role.ADMIN)
def queries(user_id: str) -> tuple[str, int] | Response:
    """Let somebody read single people's searches, or no longer."""
    allowed = request.form.get("allow") == "yes"
    try:
        with context.portal().database.durable_session() as db:
            _note(db, "allow-queries" if allowed else "forbid-queries", accounts.allow_queries(db, user_id, allowed))
    except Invalid as error:
        return _user_page(user_id, {"queries": _("Only staff can be allowed to read queries.")} if error.errors else {}), 422
    flash(
        _("The account may read single searches now; each reading is logged.")
        if allowed
        else _("The account may no longer read single searches.")
    )
    return redirect(f"/admin/users/{user_id}", 303)


@bp.get("/log")
@requires(Role.ADMIN)
def log() -> str:
    """Who did what to which account, the newest first."""
    return render_template("admin/log.html", acts=accounts.list_acts(context.db(), PAGE, _offset()), offset=_offset(), page=PAGE)


def _users_page(form: dict[str, str] | None = None, errors: dict[str, str] | None = None) -> str:
    text, role = request.args.get("q", "").strip()[:100], request.args.get("role", "")
    found = accounts.list_users(context.db(), Role(role) if role in set(Role) else None, text, PAGE + 1, _offset())
    return render_template(
        "admin/users.html",
        users=found[:PAGE],
        next_offset=_offset() + PAGE if len(found) > PAGE else None,
        q=text,
        role=role,
        roles=ROLES,
        form=form or {},
        errors=errors or {},
    )


def _user_page(user_id: str, errors: dict[str, str] | None = None) -> str:
    one = accounts.find_user(context.db(), user_id)
    sessions = accounts.sessions_of(context.db(), one, context.now())
    return render_template("admin/user.html", user=one, sessions=sessions, roles=ROLES, errors=errors or {})


def _offset() -> int:
    return min(max(request.args.get("offset", 0, type=int), 0), 1_000_000)


def _note(db: Session, verb: str, subject: User, detail: str = "") -> None:
    admin = current_user()
    now: datetime = context.now()
    accounts.note_act(db, admin.email if admin else "", verb, subject.email, now, detail)
