"""Commands about accounts: user and token."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import click
from sqlalchemy.orm import Session

from app import accounts
from app.accounts import SCOPES, Role, User, UserNotFound
from app.cli.terminal import opened_database, plain_errors

ROLES = click.Choice([role.value for role in Role])


@contextmanager
def _accounts_db() -> Iterator[Session]:
    with opened_database() as (database, _settings), database.durable_session() as db:
        yield db


def _user(db: Session, email: str) -> User:
    found = accounts.find_user_by_email(db, email)
    if found is None:
        raise UserNotFound(f"There is no account {email}; `flask kb user list` shows all.")
    return found


@click.group()
def user() -> None:
    """Accounts: add, list, disable, enable, set-role, set-password."""


@user.command("add")
@click.argument("email")
@click.option("--role", type=ROLES, default="customer", show_default=True)
@click.option("--name", default="", help="How they are called on pages; default: the part before the @.")
@plain_errors
def user_add(email: str, role: str, name: str) -> None:
    """Add an account; the password is read from standard input (empty: they sign in by e-mail link)."""
    password = _password_from_input()
    with _accounts_db() as db:
        added = accounts.add_user(db, email, Role(role), name or email.split("@")[0], password, datetime.now(UTC))
    click.echo(f"Added {added.email} as {added.role.value}{'' if password else ', without a password: e-mail link only'}.")


@user.command("list")
@click.option("--role", type=ROLES, default=None)
@plain_errors
def user_list(role: str | None) -> None:
    """All accounts, one a line."""
    with _accounts_db() as db:
        found = accounts.list_users(db, Role(role) if role else None)
    for one in found:
        click.echo(f"{one.role.value:<9} {one.email:<40} {one.name}{'  (disabled)' if one.disabled else ''}")
    click.echo(f"{len(found)} account(s).")


@user.command("disable")
@click.argument("email")
@plain_errors
def user_disable(email: str) -> None:
    """Close an account to sign-in and end its sessions."""
    with _accounts_db() as db:
        accounts.disable_user(db, _user(db, email).id)
    click.echo(f"Disabled {email}; its sessions are ended.")


@user.command("enable")
@click.argument("email")
@plain_errors
def user_enable(email: str) -> None:
    """Open a disabled account again."""
    with _accounts_db() as db:
        accounts.enable_user(db, _user(db, email).id)
    click.echo(f"Enabled {email}.")


@user.command("set-role")
@click.argument("email")
@click.argument("role", type=ROLES)
@plain_errors
def user_set_role(email: str, role: str) -> None:
    """Give an account another role; it counts from its next request on."""
    with _accounts_db() as db:
        accounts.set_role(db, _user(db, email).id, Role(role))
    click.echo(f"{email} is now {role}.")


@user.command("allow-queries")
@click.argument("email")
@plain_errors
def user_allow_queries(email: str) -> None:
    """Let somebody of the staff read what single people searched for; each reading is logged."""
    _allow_queries(email, True)
    click.echo(f"{email} may read single searches; each reading is logged.")


@user.command("forbid-queries")
@click.argument("email")
@plain_errors
def user_forbid_queries(email: str) -> None:
    """Take that permission back."""
    _allow_queries(email, False)
    click.echo(f"{email} may no longer read single searches.")


def _allow_queries(email: str, allowed: bool) -> None:
    with _accounts_db() as db:
        accounts.allow_queries(db, _user(db, email).id, allowed)
        accounts.note_act(db, "command line", "allow-queries" if allowed else "forbid-queries", email, datetime.now(UTC))


@user.command("set-password")
@click.argument("email")
@plain_errors
def user_set_password(email: str) -> None:
    """Set a password, read from standard input (empty: e-mail link only)."""
    password = _password_from_input()
    with _accounts_db() as db:
        accounts.set_password(db, _user(db, email).id, password)
    click.echo(f"{'Changed' if password else 'Removed'} the password of {email}.")


@user.command("reset-codes")
@click.argument("email")
@plain_errors
def user_reset_codes(email: str) -> None:
    """Ask an account for no one-time codes any more (its owner lost the app), and end its sessions."""
    with _accounts_db() as db:
        found = _user(db, email)
        accounts.turn_codes_off(db, found.id)
        accounts.end_other_sessions(db, found, "")
        accounts.note_act(db, "command line", "reset-codes", found.email, datetime.now(UTC))
    click.echo(f"{email} is asked for no codes any more.")


def _password_from_input() -> str | None:
    if sys.stdin.isatty():
        return click.prompt("Password (empty: e-mail link only)", hide_input=True, default="", show_default=False) or None
    return sys.stdin.readline().rstrip("\r\n") or None


@click.group()
def token() -> None:
    """Tokens for programs that use the API."""


@token.command("add")
@click.argument("email")
@click.option("--name", required=True, help="What the token is for.")
@click.option("--scope", "scopes", multiple=True, required=True, type=click.Choice(sorted(SCOPES)), help="What it may do; repeatable.")
@plain_errors
def token_add(email: str, name: str, scopes: tuple[str, ...]) -> None:
    """Make a token that acts for an account; it is shown once."""
    with _accounts_db() as db:
        secret = accounts.make_token(db, _user(db, email), name, scopes, datetime.now(UTC))
    click.echo(secret)


@token.command("list")
@plain_errors
def token_list() -> None:
    """All tokens, one a line; never their secrets."""
    with _accounts_db() as db:
        found = accounts.list_tokens(db)
    for one in found:
        click.echo(f"{one.id}  {one.name:<30} {one.user_id}  {' '.join(one.scopes)}")
    click.echo(f"{len(found)} token(s).")


@token.command("revoke")
@click.argument("token_id")
@plain_errors
def token_revoke(token_id: str) -> None:
    """End a token for good."""
    with _accounts_db() as db:
        accounts.revoke_token(db, token_id, datetime.now(UTC))
    click.echo(f"Revoked {token_id}.")
