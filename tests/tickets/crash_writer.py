"""A process that submits requests as fast as it can and says each number only after the commit. The crash test kills it."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

from app.db import open_database
from app.deflection import Actor
from app.journeys import submit_ticket
from app.tickets import Mail, Ticket, TicketDraft


def confirmation(ticket: Ticket) -> Mail:
    return Mail(ticket.requester_email, f"We have your request [{ticket.number}]", "Text")


def main(url: str, run: str) -> None:
    database = open_database(url)
    print("ready", flush=True)
    for n in range(1_000_000):
        draft = TicketDraft(f"Request {run}/{n}", "It broke.", f"p{n}@example.com", f"form/{run}/{n}", form_id=f"f-{run}-{n}")
        for _attempt in range(2):  # as after a double click
            with database.durable_session() as db:
                sent = submit_ticket(db, draft, Actor(visitor=f"v-{run}"), "hash", datetime.now(UTC), confirmation)
        print(f"form/{run}/{n} {sent.ticket.number}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
