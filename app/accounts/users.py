"""Accounts: adding, finding, changing and disabling them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session as Db

from app.accounts.models import STAFF_ROLES, AdminActRow, ApiTokenRow, LinkRow, Role, SessionRow, User, UserRow
from app.accounts.passwords import check_new_password, hash_password, verify_password
from app.accounts.secrets import new_id
from app.errors import Conflict, Invalid, NotFound
from app.locales import is_tag


class UserNotFound(NotFound):
    """No account with this address or id."""


class InvalidUser(Invalid):
    """A field of an account cannot be used; `errors` names it."""


class UserExists(Conflict):
    """There is an account with this address already."""


class LastAdmin(Conflict):
    """The last admin can be neither disabled nor given another role: nobody could undo it."""


def normal_email(text: str) -> str:
    """An address as it is kept and compared: lower case, checked for form, never looked up in DNS."""
    try:
        found = validate_email(text.strip(), check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        message = "Write an email address like name@example.com."
        raise InvalidUser(message, {"email": message}) from error
    return found.normalized.lower()


def add_user(db: Db, email: str, role: Role | str, name: str, password: str | None, now: datetime, locale: str = "") -> User:
    """Add an account; without a password its owner signs in by email link."""
    email = normal_email(email)
    name = _clean_name(name) or email.split("@")[0]
    if password is not None:
        check_new_password(password, email)
    if _row_by_email(db, email):
        raise UserExists(f"there is an account for {email} already")
    row = UserRow(id=new_id(), email=email, name=name, role=_role(role).value, locale=locale, disabled=False, created_at=now)
    row.password_hash = hash_password(password) if password is not None else None
    db.add(row)
    db.flush()
    return row.value()


def customer_of_email(db: Db, email: str, now: datetime, locale: str = "") -> User:
    """The account of somebody who has proved that the address is theirs; a customer's is made the first time."""
    row = _row_by_email(db, normal_email(email))
    return row.value() if row else add_user(db, email, Role.CUSTOMER, "", None, now, locale)


def find_user(db: Db, user_id: str) -> User:
    return _row(db, user_id).value()


def find_user_by_email(db: Db, email: str) -> User | None:
    """The account of this address; None for an unknown one and for what is no address."""
    try:
        row = _row_by_email(db, normal_email(email))
    except InvalidUser:
        return None
    return row.value() if row else None


def list_users(db: Db, role: Role | None = None, text: str = "", limit: int | None = None, offset: int = 0) -> list[User]:
    """Accounts in the order of their addresses, all or of one role, all or with `text` in name or address."""
    query = select(UserRow).order_by(UserRow.email).limit(limit).offset(offset)
    if role:
        query = query.where(UserRow.role == role.value)
    if text:
        query = query.where(UserRow.email.icontains(text, autoescape=True) | UserRow.name.icontains(text, autoescape=True))
    return [row.value() for row in db.scalars(query)]


def locales_of(db: Db, user_ids: Sequence[str]) -> dict[str, str]:
    """The languages of those of these accounts that chose one."""
    found: dict[str, str] = {}
    for i in range(0, len(user_ids), 400):
        chosen = select(UserRow.id, UserRow.locale).where(UserRow.id.in_(user_ids[i : i + 400]), UserRow.locale != "")
        found |= {row.id: row.locale for row in db.execute(chosen)}
    return found


def set_role(db: Db, user_id: str, role: Role | str) -> User:
    """Give another role; it holds from the next request on, on every browser."""
    row = _row(db, user_id)
    wanted = _role(role)
    if wanted is not Role.ADMIN:
        _refuse_for_last_admin(db, row)
    row.role = wanted.value
    row.reads_queries = row.reads_queries and wanted in STAFF_ROLES
    db.flush()
    return row.value()


def allow_queries(db: Db, user_id: str, allowed: bool) -> User:
    """Let a member of staff read what single people searched for, or no longer."""
    row = _row(db, user_id)
    if allowed and not row.value().is_staff:
        raise Invalid("Only staff can be allowed to read queries.", {"queries": "Only staff can be allowed to read queries."})
    row.reads_queries = allowed
    db.flush()
    return row.value()


def disable_user(db: Db, user_id: str) -> User:
    """Shut an account out and end all its sessions. What the person wrote stays."""
    row = _row(db, user_id)
    _refuse_for_last_admin(db, row)
    row.disabled = True
    db.execute(delete(SessionRow).where(SessionRow.user_id == row.id))
    db.flush()
    return row.value()


def enable_user(db: Db, user_id: str) -> User:
    """Let a disabled account sign in again."""
    row = _row(db, user_id)
    row.disabled = False
    db.flush()
    return row.value()


def erase_user(db: Db, user_id: str) -> None:
    """Delete an account with all that belongs to it, and the address wherever else this room wrote it down."""
    row = _row(db, user_id)
    _refuse_for_last_admin(db, row)
    for table in (SessionRow, ApiTokenRow):
        db.execute(delete(table).where(table.user_id == row.id))
    db.execute(delete(LinkRow).where(LinkRow.email == row.email))
    db.execute(update(AdminActRow).where(AdminActRow.subject == row.email).values(subject="(erased)"))
    db.execute(update(AdminActRow).where(AdminActRow.actor == row.email).values(actor="(erased)"))
    db.delete(row)
    db.flush()


def set_password(db: Db, user_id: str, password: str | None) -> None:
    """Set another password, or none: then only email links let its owner in."""
    row = _row(db, user_id)
    if password is not None:
        check_new_password(password, row.email)
    row.password_hash = hash_password(password) if password is not None else None
    db.flush()


def has_this_password(db: Db, user_id: str, password: str) -> bool:
    """Whether this is the account's password, asked before it is changed."""
    return verify_password(_row(db, user_id).password_hash, password)


def change_profile(db: Db, user_id: str, name: str, locale: str) -> User:
    """Change what the owner may change: name and language."""
    row = _row(db, user_id)
    name = _clean_name(name)
    errors = {}
    if not name:
        errors["name"] = "Write the name that we should use."
    if locale and not is_tag(locale):
        errors["locale"] = "Choose a language from the list."
    if errors:
        raise InvalidUser("; ".join(errors.values()), errors)
    row.name, row.locale = name, locale
    db.flush()
    return row.value()


def _clean_name(name: str) -> str:
    return " ".join("".join(c for c in name if c.isprintable()).split())[:200]


def _role(role: Role | str) -> Role:
    try:
        return Role(role)
    except ValueError:
        message = f"“{role}” is no role; choose one of {', '.join(Role)}."
        raise InvalidUser(message, {"role": message}) from None


def _row(db: Db, user_id: str) -> UserRow:
    row = db.get(UserRow, user_id)
    if row is None:
        raise UserNotFound("there is no such account")
    return row


def _row_by_email(db: Db, email: str) -> UserRow | None:
    return db.scalar(select(UserRow).where(UserRow.email == email))


def _refuse_for_last_admin(db: Db, row: UserRow) -> None:
    if row.role != Role.ADMIN.value or row.disabled:
        return
    others = select(func.count()).select_from(UserRow)
    others = others.where(UserRow.role == Role.ADMIN.value, UserRow.disabled.is_(False), UserRow.id != row.id)
    if not db.scalar(others):
        raise LastAdmin(f"{row.email} is the last admin; make another one first")
