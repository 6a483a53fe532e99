"""Commands about one person's data: give it to them, or erase it."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import click

from app import accounts, deflection, tickets
from app.cli.terminal import opened_database, plain_errors
from app.db import Database
from app.errors import NotFound


@click.group()
def privacy() -> None:
    """What is kept about a person: export it, erase it."""


@privacy.command("export")
@click.argument("email")
@plain_errors
def privacy_export(email: str) -> None:
    """Write everything that is kept about the person behind an e-mail address, as one JSON object."""
    with opened_database() as (database, settings):
        names = _names(database, email, settings.secret_key)
        with database.session() as db:
            found = deflection.export_person(db, **names)
            found["requests"] = tickets.export_requester(db, email)
            person = accounts.find_user_by_email(db, email)
    if not (person or found["events"] or found["requests"]):
        raise NotFound(f"Nothing is kept about {email}.")
    found["account"] = {"email": person.email, "name": person.name, "role": person.role.value} if person else None
    click.echo(json.dumps(found, ensure_ascii=False, indent=2, default=str))


@privacy.command("erase")
@click.argument("email")
@click.option("--yes", is_flag=True, help="Do not ask.")
@plain_errors
def privacy_erase(email: str, yes: bool) -> None:
    """Erase the person behind an e-mail address: account, requests with their files, events. Counts stay, and name nobody."""
    if not yes:
        click.confirm(f"Erase everything about {email}? This cannot be undone", abort=True)
    with opened_database() as (database, settings):
        names = _names(database, email, settings.secret_key)
        events = deflection.erase_person(database, datetime.now(UTC), **names)
        with database.durable_session() as db:
            requests = tickets.erase_requester(db, email, settings.path(settings.data_folder) / "attachments")
            person = accounts.find_user_by_email(db, email)
            if person:
                accounts.erase_user(db, person.id)
        if not person and not requests and not events.events:
            raise NotFound(f"Nothing is kept about {email}.")
        database.compact()
    click.echo(f"Erased {email}: {events.events} event(s), {requests} request(s){', the account' if person else ''}.")


def _names(database: Database, email: str, key: str) -> dict[str, str | None]:
    with database.session() as db:
        person = accounts.find_user_by_email(db, email)
    return {"account": person.id if person else None, "requester": deflection.requester_hash(email, key)}
