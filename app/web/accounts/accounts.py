"""Signing in and out, and a person's own account: name, language, password, open sessions."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

from flask import Blueprint, flash, g, redirect, render_template, request, session
from itsdangerous import BadSignature, URLSafeSerializer
from werkzeug.wrappers import Response

from app import accounts
from app.accounts import CodeNeeded, Limit, LinkExpired, PasswordRefused, Role, SignInFailed, SignInThrottled, TooMany, User
from app.deflection import Identify, new_id, requester_hash
from app.errors import Invalid
from app.locales import own_name
from app.tickets import Mail, queue_mail, write_mail
from app.web import context
from app.web.access import cookie_name, current_session, current_user, is_https, requires, session_token
from app.web.accounts.one_time_codes import sign_in_rules
from app.web.filters import short_time
from app.web.i18n import N_
from app.web.i18n import gettext as _
from app.web.security import csrf, safe_next
from app.web.visitors.visitors import actor

bp = Blueprint("accounts", __name__)

PURPOSE = "sign-in"
STEP_LASTS = timedelta(minutes=10)
"""How long a first step is worth something to the second."""
LINKS_PER_EMAIL = Limit(5, timedelta(hours=1))
LINKS_PER_ADDRESS = Limit(30, timedelta(hours=1))
"""A family or an office shares an address, so it may ask more often than one mailbox gets mail."""

PASSWORD_WORDS = {
    "too short": N_("Use at least 10 characters. Three or four words together make a good password."),
    "too long": N_("Use at most 1024 characters."),
    "well known": N_("This password is among the first that others would try. Choose another one."),
}

STARTS = {Role.AGENT: "/agent/", Role.WRITER: "/writer/", Role.MANAGER: "/reports/", Role.ADMIN: "/admin/"}


@bp.after_request
def never_keep(response: Response) -> Response:
    """No page about a person's own account is kept anywhere, not even before somebody signed in on it."""
    response.headers.setdefault("Cache-Control", "no-store")
    return response


# --- signing in -------------------------------------------------------------------------------------------------------------


@bp.get("/sign-in")
def sign_in() -> str | Response:
    """The form: email link first, then password."""
    user = current_user()
    if user is not None:
        return redirect(_way_back(user), 303)
    return _sign_in_page()


@bp.post("/sign-in")
def sign_in_with_password() -> tuple[str, int, dict[str, str]] | Response:
    """Check email and password; everything that is wrong gets the same answer."""
    email, password = _field("email"), request.form.get("password", "")
    errors = {}
    if not email:
        errors["password-email"] = _("Write your email address.")
    if not password:
        errors["password"] = _("Write your password.")
    if errors:
        return _sign_in_page(errors, 422, email=email), 422, {}
    database, address, agent = context.portal().database, request.remote_addr or "", request.user_agent.string
    try:
        user, secret = accounts.sign_in(database, email, password, address, agent, context.now(), sign_in_rules())
    except CodeNeeded as needed:
        return _code_page(_first_step(needed.user)), 200, {}
    except SignInFailed:
        return _sign_in_page({"password-email": _("Email or password is wrong.")}, 401, email=email), 401, {}
    except SignInThrottled as error:
        return _locked(error.retry_after, email)
    return _signed_in(user, secret)


@bp.post("/sign-in/link")
def send_link() -> tuple[str, int, dict[str, str]] | str:
    """Send a link to whoever asks: a known and an unknown address get the same answer, and both get mail."""
    try:
        email = accounts.normal_email(_field("email"))
    except Invalid:
        return _sign_in_page({"email": _("Write an email address like name@example.com.")}, 422, email=_field("email")), 422, {}
    try:
        with context.portal().database.durable_session() as db:
            accounts.admit(db, "link-to", [f"account:{email}"], LINKS_PER_EMAIL, context.now())
            accounts.admit(db, "link-from", [f"address:{request.remote_addr}"], LINKS_PER_ADDRESS, context.now())
            secret = accounts.request_link(db, email, PURPOSE, context.now())
            address = f"{context.portal().settings.base_url.rstrip('/')}/sign-in/link/{secret}?{urlencode(_next())}".rstrip("?")
            known = accounts.find_user_by_email(db, email)
            queue_mail(db, _link_mail(email, _locale_of(known), address), f"sign-in:{new_id()}", context.now())
    except TooMany as error:
        return _locked(error.retry_after, email)
    return render_template("accounts/link_sent.html", email=email)


def _link_mail(email: str, locale: str, address: str) -> Mail:
    return write_mail(
        email,
        _("Your link to sign in", locale),
        (
            _("Here is the link that you asked for. It works once, for 30 minutes.", locale),
            _("If you did not ask for it, you need not do anything.", locale),
        ),
        locale,
        (_("Sign in", locale), address),
    )


@bp.get("/sign-in/link/<secret>")
def show_link(secret: str) -> tuple[str, int] | str:
    """Ask for a press of a button: programs that look at mail open links, and must not use them up."""
    try:
        email = accounts.check_link(context.db(), secret[:200], PURPOSE, context.now())
    except LinkExpired as error:
        return _dead_link(error)
    return render_template("accounts/link.html", email=email, next=_next().get("next", ""))


@bp.post("/sign-in/link/<secret>")
@csrf.exempt  # the secret in the address is the token, and whoever is signed in as somebody else may still use it
def use_link(secret: str) -> tuple[str, int] | Response:
    """Sign in with the link, once; a new customer's account is made now, when the address is proved."""
    settings = context.portal().settings
    try:
        with context.portal().database.durable_session() as db:
            email = accounts.use_link(db, secret[:200], PURPOSE, context.now())
            user = accounts.customer_of_email(db, email, context.now(), context.locale())
            if user.disabled:
                raise LinkExpired("This account is closed.")
            address, agent = request.remote_addr or "", request.user_agent.string
            token = "" if user.asks_for_codes else accounts.open_session(db, user, address, agent, context.now(), settings.session_days)
    except LinkExpired as error:
        return _dead_link(error)
    return _signed_in(user, token) if token else (_code_page(_first_step(user)), 200)


@bp.post("/sign-in/code")
def sign_in_with_code() -> tuple[str, int, dict[str, str]] | Response:
    """The second step, for accounts that ask for one: a code, within ten minutes of the first."""
    step = request.form.get("step", "")
    user = _user_of_first_step(step)
    if user is None:
        return _sign_in_page({"email": _("That took too long. Sign in again.")}, 401), 401, {}
    database, address, agent = context.portal().database, request.remote_addr or "", request.user_agent.string
    try:
        code = request.form.get("code", "")[:20]
        secret = accounts.sign_in_with_code(database, user, code, address, agent, context.now(), sign_in_rules())
    except SignInFailed:
        return _code_page(step, {"code": _("This code does not work. Take the newest one.")}), 401, {}
    except SignInThrottled as error:
        return _code_page(step, {"code": _too_many_tries(error.retry_after)}), 429, {"Retry-After": str(error.retry_after)}
    return _signed_in(user, secret)


def _code_page(step: str, errors: dict[str, str] | None = None) -> str:
    return render_template("accounts/code.html", step=step, errors=errors or {}, next=_next().get("next", ""))


def _first_step(user: User) -> str:
    """What the page of the second step carries along: who did the first, signed, with its end."""
    until = int((context.now() + STEP_LASTS).timestamp())
    with context.portal().database.durable_session() as db:
        return str(_step_signer().dumps([user.id, accounts.first_step_stamp(db, user.id), until]))


def _user_of_first_step(step: str) -> User | None:
    try:
        user_id, stamp, until = _step_signer().loads(step)
    except BadSignature:
        return None
    return accounts.user_of_first_step(context.db(), user_id, stamp) if context.now().timestamp() < until else None


def _step_signer() -> URLSafeSerializer:
    return URLSafeSerializer(context.portal().settings.secret_key, salt="sign-in-first-step")


def _dead_link(error: LinkExpired) -> tuple[str, int]:
    return render_template("accounts/link_expired.html", next=_next().get("next", "")), 410


def _sign_in_page(errors: dict[str, str] | None = None, status: int = 200, email: str = "", until: str = "") -> str:
    g.translated_addresses = _in_other_languages()
    return render_template(
        "accounts/sign_in.html", errors=errors or {}, status=status, email=email, until=until, next=_next().get("next", "")
    )


def _in_other_languages() -> dict[str, str]:
    """This page in the other locales: it speaks the one of the page it leads back to. Pages of staff have no locale of their own."""
    back = _next().get("next", f"/{context.locale()}/")
    first, _, rest = back.lstrip("/").partition("/")
    offered = context.portal().settings.locales
    return {tag: "/sign-in?" + urlencode({"next": f"/{tag}/{rest}"}) for tag in offered} if first in offered else {}


def _locked(seconds: int, email: str) -> tuple[str, int, dict[str, str]]:
    until = short_time(context.now() + timedelta(seconds=seconds))
    return _sign_in_page({"email": _too_many_tries(seconds)}, 429, email=email, until=until), 429, {"Retry-After": str(seconds)}


def _too_many_tries(seconds: int) -> str:
    until = short_time(context.now() + timedelta(seconds=seconds))
    return _("Too many tries. Wait %(minutes)s minutes, until %(time)s.", minutes=max(1, -(-seconds // 60)), time=until)


def _signed_in(user: User, secret: str) -> Response:
    """Go back to where the reader was, with a new session; what the browser had before ends here."""
    old = session_token()
    if old:
        with context.portal().database.durable_session() as db:
            accounts.end_session(db, old)
    session.pop("csrf_token", None)  # the token of the signed-in forms begins with the sign-in
    who = actor()
    if who.visitor and who.role == "customer":
        stamp = who.stamp(context.now()) | {"account": user.id, "role": "agent" if user.is_staff else "customer"}
        # Mail from this address is this account's from now on, whichever way it comes.
        requester = requester_hash(user.email, context.portal().settings.secret_key)
        context.portal().events.put(Identify(**stamp, requester=requester))
    response = redirect(_way_back(user), 303)
    max_age = context.portal().settings.session_days * 86400
    response.set_cookie(cookie_name(), secret, max_age=max_age, path="/", secure=is_https(), httponly=True, samesite="Lax")
    return response


def _way_back(user: User) -> str:
    return safe_next(request.values.get("next"), STARTS.get(user.role, f"/{_locale_of(user)}/requests"))


def _locale_of(user: User | None) -> str:
    """The language that somebody's account asks for, else that of this request."""
    return user.locale if user and user.locale in context.portal().settings.locales else context.locale()


def _next() -> dict[str, str]:
    wanted = safe_next(request.values.get("next"), "")
    return {"next": wanted} if wanted else {}


def _field(name: str) -> str:
    return request.form.get(name, "").strip()[:254]


# --- signing out ------------------------------------------------------------------------------------------------------------


@bp.get("/sign-out")
def ask_sign_out() -> str | Response:
    """A link cannot sign anybody out; the button on this page can."""
    if current_user() is None:
        return redirect("/", 303)
    return render_template("accounts/sign_out.html")


@bp.post("/sign-out")
def sign_out() -> Response:
    """End this session on the server and take its cookie back."""
    with context.portal().database.durable_session() as db:
        accounts.end_session(db, session_token())
    session.clear()
    response = redirect(f"/{context.locale()}/", 303)
    response.delete_cookie(cookie_name(), path="/", secure=is_https(), httponly=True, samesite="Lax")
    # Whatever the browser kept of personal pages goes too; a shared computer is the case this is for.
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


# --- the own account --------------------------------------------------------------------------------------------------------


@bp.get("/account")
@requires()
def account() -> str:
    """Name, language, password and the open sessions."""
    return _account_page()


@bp.post("/account/profile")
@requires()
def change_profile() -> tuple[str, int] | Response:
    """Change name and language."""
    try:
        with context.portal().database.durable_session() as db:
            accounts.change_profile(db, _user().id, _field("name"), _known_locale(_field("locale")))
    except Invalid:
        return _account_page({"name": _("Write the name that we should use.")}), 422
    flash(_("Saved."))
    return redirect("/account", 303)


@bp.post("/account/password")
@requires()
def change_password() -> tuple[str, int] | Response:
    """Set a new password: asks for the old one, and ends all other sessions."""
    user, new = _user(), request.form.get("new_password", "")
    database = context.portal().database
    limit = Limit(context.portal().settings.sign_in_attempts, timedelta(minutes=context.portal().settings.sign_in_wait_minutes))
    if user.has_password:
        with database.durable_session() as db:
            accounts.admit(db, "old-password", [f"account:{user.id}"], limit, context.now())
        if not accounts.has_this_password(context.db(), user.id, request.form.get("old_password", "")):
            return _account_page({"old_password": _("This is not your password now.")}), 422
    try:
        with database.durable_session() as db:
            accounts.set_password(db, user.id, new)
            accounts.end_other_sessions(db, user, session_token())
            accounts.forgive(db, "old-password", [f"account:{user.id}"])
    except PasswordRefused as error:
        return _account_page({"new_password": _(PASSWORD_WORDS[error.reason])}), 422
    flash(_("Your password is changed. All other sessions are ended."))
    return redirect("/account", 303)


@bp.post("/account/sessions/<session_id>/end")
@requires()
def end_session(session_id: str) -> Response:
    """End one of the own sessions."""
    with context.portal().database.durable_session() as db:
        accounts.end_session_by_id(db, _user(), session_id)
    flash(_("The session is ended."))
    return redirect("/account#sessions", 303)


@bp.post("/account/sessions/end-others")
@requires()
def end_others() -> Response:
    """End all own sessions but this one."""
    with context.portal().database.durable_session() as db:
        accounts.end_other_sessions(db, _user(), session_token())
    flash(_("All other sessions are ended."))
    return redirect("/account#sessions", 303)


def _account_page(errors: dict[str, str] | None = None) -> str:
    user = _user()
    here = current_session()
    return render_template(
        "accounts/account.html",
        user=user,
        errors=errors or {},
        sessions=accounts.sessions_of(context.db(), user, context.now()),
        here=here.id if here else "",
        offered=[(tag, own_name(tag)) for tag in context.portal().settings.locales],
    )


def _user() -> User:
    user = current_user()
    assert user is not None  # every caller is behind @requires()
    return user


def _known_locale(tag: str) -> str:
    return tag if tag in context.portal().settings.locales else ""
