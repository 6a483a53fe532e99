"""A person of staff's own one-time codes: switched on with a code that shows the app has the secret, and off with another."""

from __future__ import annotations

from datetime import timedelta

import segno
from flask import Blueprint, flash, redirect, render_template, request
from itsdangerous import BadSignature, URLSafeSerializer
from markupsafe import Markup
from werkzeug.wrappers import Response

from app import accounts
from app.accounts import STAFF_ROLES, SignInRules, User
from app.web import context
from app.web.access import current_user, requires, session_token
from app.web.i18n import gettext as _

bp = Blueprint("one_time_codes", __name__, url_prefix="/account/codes")


@bp.get("")
@requires()
def codes() -> str | Response:
    """A new secret and the form that switches it on, or the form that switches codes off."""
    user = _user()
    return redirect("/account", 303) if not (user.is_staff or user.asks_for_codes) else _page(user, accounts.new_code_secret())


@bp.post("/on")
@requires(*STAFF_ROLES)
def turn_on() -> tuple[str, int] | Response:
    """Switch codes on, once a code shows that the app has the secret; who is signed in elsewhere has to come in anew."""
    user = _user()
    if user.asks_for_codes:
        return redirect("/account/codes", 303)
    try:
        owner, secret = _signer().loads(request.form.get("secret", ""))
    except BadSignature:
        return redirect("/account/codes", 303)
    if owner != user.id:
        return redirect("/account/codes", 303)
    with context.portal().database.durable_session() as db:
        done = accounts.turn_codes_on(db, user.id, secret, request.form.get("code", ""), context.now())
        if done:
            accounts.end_other_sessions(db, user, session_token())
            accounts.note_act(db, user.email, "codes-on", user.email, context.now())
    if not done:
        return _page(user, secret, {"code": _("This code does not work. Take the newest one.")}), 422
    flash(_("From now on signing in asks for a code. All other sessions are ended."))
    return redirect("/account#codes", 303)


@bp.post("/off")
@requires()
def turn_off() -> tuple[str, int] | Response:
    """Switch codes off, with a code: an open session alone must not be enough."""
    user, database = _user(), context.portal().database
    if not user.asks_for_codes:
        return redirect("/account/codes", 303)
    with database.durable_session() as db:
        accounts.admit_code(db, user, context.now(), sign_in_rules())
    with database.durable_session() as db:
        done = accounts.use_code(db, user.id, request.form.get("code", ""), context.now())
        if done:
            accounts.turn_codes_off(db, user.id)
            accounts.note_act(db, user.email, "codes-off", user.email, context.now())
    if not done:
        return _page(user, "", {"code": _("This code does not work. Take the newest one.")}), 422
    flash(_("Signing in asks for no code any more."))
    return redirect("/account#codes", 303)


def sign_in_rules() -> SignInRules:
    """How often a password or a code may be wrong, from the settings."""
    settings = context.portal().settings
    return SignInRules(settings.sign_in_attempts, timedelta(minutes=settings.sign_in_wait_minutes), settings.session_days)


def _page(user: User, secret: str, errors: dict[str, str] | None = None) -> str:
    address = accounts.app_address(secret, user.email, context.catalog().site.name)
    signed = _signer().dumps([user.id, secret])
    return render_template(
        "accounts/codes.html", user=user, secret=secret, address=address, picture=_picture(address), signed=signed, errors=errors or {}
    )


def _picture(address: str) -> Markup:
    """The address as a QR code: black on white also on dark pages, with the quiet edge that cameras need."""
    code = segno.make_qr(address, error="m")
    return Markup(code.svg_inline(scale=5, border=4, dark="#000", light="#fff", svgclass=None, lineclass=None))  # noqa: S704  # drawn by us  # nosec B704


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(context.portal().settings.secret_key, salt="one-time-codes")


def _user() -> User:
    user = current_user()
    assert user is not None  # every caller is behind @requires()
    return user
