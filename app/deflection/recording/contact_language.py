"""What language a contact was written in: nobody says so in an e-mail or on the phone, so the best thing known about its sender is taken."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import TextClause
from sqlalchemy.orm import Session

from app.deflection.bulk import chunks, expanding

Known = Callable[[Sequence[str]], Mapping[str, str]]
"""Ids → the languages of those that have one."""

_SCRIPTS = (("Hebr", re.compile("[\u0590-\u05ff]")), ("Cyrl", re.compile("[\u0400-\u04ff]")), ("Latn", re.compile("[a-z]", re.I)))
_SCRIPT_OF = {"he": "Hebr", "yi": "Hebr", "ru": "Cyrl", "uk": "Cyrl", "be": "Cyrl", "bg": "Cyrl", "sr": "Cyrl", "mk": "Cyrl"}
_NOT_ENGLISH = re.compile("[åäö]", re.I)
_LETTERS_OF = "sv"

_LINKED = expanding(
    "SELECT t.ticket_id, n.lang FROM need_ticket t JOIN need n ON n.id = t.need_id WHERE t.ticket_id IN :names AND n.lang <> ''"
    " ORDER BY n.last, n.id",
    "names",
)
_NAMES = expanding("SELECT a, b FROM identity_edge WHERE a IN :names", "names")
_USERS = expanding("SELECT b, a FROM identity_edge WHERE b IN :names", "names")
_SEARCHED = expanding("SELECT home, lang FROM need WHERE home IN :names AND lang <> '' ORDER BY last, id", "names")


def _nothing(ids: Sequence[str]) -> Mapping[str, str]:
    return {}


@dataclass(frozen=True)
class Languages:
    """What is known elsewhere: the languages on offer, the default first, and those of requests and of accounts."""

    offered: tuple[str, ...] = ("en",)
    of_tickets: Known = field(default=_nothing)
    of_accounts: Known = field(default=_nothing)


@dataclass(frozen=True)
class Sent:
    """A contact: its id, the name it came under, and its subject."""

    ticket: str
    home: str
    subject: str


def languages_of(db: Session, contacts: Sequence[Sent], known: Languages) -> dict[str, str]:
    """Ticket → language: of the page it was written on, else of the search that led to it, else the account's, else what its sender last
    searched in, else what its letters allow."""
    found = {ticket: lang for ticket, lang in known.of_tickets([c.ticket for c in contacts]).items() if lang}
    left = [c for c in contacts if c.ticket not in found]
    found |= _pairs(db, _LINKED, [c.ticket for c in left])
    left = [c for c in left if c.ticket not in found]
    tied = _tied(db, {c.home for c in left})
    accounts = {home: [name[2:] for name in sorted(names) if name[0] == "a"] for home, names in tied.items()}
    of_account = known.of_accounts(sorted({account for own in accounts.values() for account in own}))
    searched = _pairs(db, _SEARCHED, {name for names in tied.values() for name in names})
    for contact in left:
        told = {of_account.get(account, "") for account in accounts[contact.home]} - {""}
        in_search = [searched[name] for name in sorted(tied[contact.home]) if name in searched]
        # Two accounts in two languages: nobody can say whose contact it is.
        found[contact.ticket] = told.pop() if len(told) == 1 else (in_search or [likely_language(contact.subject, known.offered)])[0]
    return found


def likely_language(subject: str, offered: Sequence[str]) -> str:
    """The portal's default where the letters agree, else the first language on offer that is written with them."""
    script = next((name for name, letters in _SCRIPTS if letters.search(subject)), None)
    possible = [tag for tag in offered if script in (None, _SCRIPT_OF.get(_language(tag), "Latn"))]
    swedish = [tag for tag in possible if _language(tag) == _LETTERS_OF]
    if swedish and _language(possible[0]) == "en" and _NOT_ENGLISH.search(subject):
        return swedish[0]
    return possible[0] if possible else {"Hebr": "he", "Cyrl": "ru"}.get(script or "", "en")


def _language(tag: str) -> str:
    return tag.split("-")[0].lower()


def _tied(db: Session, homes: set[str]) -> dict[str, set[str]]:
    """The names that each contact's sender goes by: what came under one name with it, and the browsers that used its address."""
    tied: dict[str, set[str]] = {home: {home} for home in homes}
    for home, browser in _rows(db, _USERS, (home for home in homes if home[0] == "r")):
        tied[home].add(browser)
    names: dict[str, set[str]] = defaultdict(set)
    for name, other in _rows(db, _NAMES, {name for own in tied.values() for name in own}):
        if other[0] == "a":
            names[name].add(other)
    return {home: own | {other for name in own for other in names[name]} for home, own in tied.items()}


def _pairs(db: Session, query: TextClause, names: Iterable[str]) -> dict[str, str]:
    return dict(_rows(db, query, names))


def _rows(db: Session, query: TextClause, names: Iterable[str]) -> list[tuple[str, str]]:
    return [(a, b) for chunk in chunks(sorted(set(names))) for a, b in db.execute(query, {"names": chunk})]
