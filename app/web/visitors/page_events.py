"""What happened on a page, as its script reports it: a batch of events, checked, and stamped with what only the server knows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from flask import request

from app.deflection import Event, InvalidEvent, milliseconds, parse_event
from app.errors import Invalid
from app.locales import fallbacks
from app.web import context
from app.web.visitors.event_schema import FROM_PAGES, SERVER_FIELDS
from app.web.visitors.visitors import actor, clean_tab

MOST_BYTES = 64 * 1024
"""What `sendBeacon` sends at most."""
MOST_EVENTS = 100
WORDS_A_SECOND = 4
LEAST_SECONDS = 5


class InvalidBatch(Invalid):
    """A batch is taken as a whole or not at all; `errors` names each wrong field by the event's place in the batch."""


def sent_batch() -> list[Event]:
    """The events in the body of this request: a list, or an object with the list under `events`."""
    items = _load()
    who = actor(_tab_of(items))
    stamp: dict[str, Any] = {"visitor": who.visitor, "account": who.account, "role": who.role, "ua": who.ua}
    events: list[Event] = []
    errors: dict[str, str] = {}
    for place, item in enumerate(items):
        try:
            events.append(_event(item, stamp))
        except InvalidEvent as error:
            wrong = error.errors or {"": str(error)}
            errors |= {f"events[{place}].{field}".rstrip("."): message for field, message in wrong.items()}
    if errors:
        raise InvalidBatch("The batch was refused.", errors)
    return events


def _tab_of(items: list[Any]) -> str:
    """The tab that sent this, as its events name it."""
    named = (item.get("tab") for item in items if isinstance(item, Mapping))
    return next((tab for tab in named if isinstance(tab, str)), "")


def _load() -> list[Any]:
    # A page that is being left can only send text/plain without asking first; the origin check stands instead of the content type.
    if request.mimetype not in {"application/json", "text/plain"}:
        raise InvalidBatch("Send JSON, as application/json or text/plain.", {"body": "is of another kind"})
    data = request.get_data(cache=False) if (request.content_length or 0) <= MOST_BYTES else b""
    if not data or len(data) > MOST_BYTES:
        raise InvalidBatch(f"A batch has at most {MOST_BYTES} bytes, and some.", {"body": "is empty or too large"})
    try:
        body = json.loads(data)
    except (ValueError, RecursionError):
        raise InvalidBatch("The body is not JSON.", {"body": "is not JSON"}) from None
    if isinstance(body, dict) and set(body) == {"events"}:
        body = body["events"]
    if not isinstance(body, list) or len(body) > MOST_EVENTS:
        raise InvalidBatch(f"A batch is a list of at most {MOST_EVENTS} events.", {"body": f"must be a list of at most {MOST_EVENTS}"})
    return body


def _event(item: Any, stamp: dict[str, Any]) -> Event:
    if not isinstance(item, Mapping):
        raise InvalidEvent("an event must be a JSON object")
    kind = item.get("type")
    if not isinstance(kind, str) or kind not in FROM_PAGES:
        raise InvalidEvent("pages do not send this type", {"type": "must be one of " + ", ".join(FROM_PAGES)})
    said = {name: value for name, value in item.items() if name not in SERVER_FIELDS}
    tab = said.get("tab")
    if tab is not None and not (isinstance(tab, str) and clean_tab(tab)):
        raise InvalidEvent("no tab id", {"tab": "must be the id of a tab"})
    event = parse_event(said | stamp, t_recv=milliseconds(context.now()))
    return _with_reading_time(said | stamp, event) if kind == "view" else event


def _with_reading_time(said: Mapping[str, Any], event: Event) -> Event:
    """A view with the revision it was read at, and how long reading this article takes: the page is not asked for either."""
    known = {"revision": context.catalog().revision, "sat_ms": reading_enough(str(said["article"]), _locale_of_page())}
    return parse_event({**said, **known}, t_recv=event.t_recv)


def _locale_of_page() -> str:
    """The locale of the page that sent this: the cached pages name the article, its address the language."""
    first = urlsplit(request.referrer or "").path.split("/")[1:2]
    settings = context.portal().settings
    return first[0] if first and first[0] in settings.locales else settings.default_locale


def reading_enough(article_id: str, locale: str) -> int | None:
    """Milliseconds of reading that count as having read this article: half the time it takes, at most what the settings say.

    Counted in the language that is shown: a short translation must not make the long original count as read.
    """
    translations = context.catalog().translations(article_id)
    if not translations:
        return None
    words = translations[fallbacks(locale, list(translations))[0]].words
    return 1000 * min(context.portal().settings.satisfied_seconds, max(LEAST_SECONDS, round(words / WORDS_A_SECOND / 2)))
