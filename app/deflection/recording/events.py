"""The closed list of events, one frozen dataclass each: what a browser, a helpdesk or an importer may tell us.

Field names are those of the neutral schema (docs/deflection.md); a field or type that is not listed is refused with its name.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, ClassVar

from app.errors import Invalid

CUSTOMER, AGENT, TEST = "customer", "agent", "test"
ROLES = (CUSTOMER, AGENT, TEST)
MODES = ("type", "submit")
SOURCES = ("search", "suggestion", "internal", "external", "direct")
VOTE_KINDS = ("helpful", "solved")
ARMS = ("on", "holdout")
DIRECTIONS = ("in", "out")
STATUSES = ("open", "solved", "merged", "spam", "test", "deleted")

ID_LENGTH = 128
TEXT_LENGTH = 1000
UA_LENGTH = 1000
RESULTS_LENGTH = 10
ARTICLES_LENGTH = 50
LARGEST_INTEGER = 2**53
"""What JavaScript can count exactly; a larger number is a mistake or an attack."""


class InvalidEvent(Invalid):
    """A mapping is no event we know; `errors` names each field that is wrong."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did something, as far as cookie, tab and sign-in tell: `visitor` is the cookie's id, `tab` the tab's."""

    visitor: str | None = None
    tab: str | None = None
    account: str | None = None
    role: str = CUSTOMER
    ua: str = ""

    def stamp(self, now: datetime, event_id: str | None = None) -> dict[str, Any]:
        """The common fields of an event that happens on the server at `now`: `Search(**actor.stamp(now), search_id=…)`."""
        t = milliseconds(now)
        return {
            "event_id": event_id or new_id(),
            "t_client": t,
            "t_sent": t,
            "t_recv": t,
            "visitor": self.visitor,
            "tab": self.tab,
            "account": self.account,
            "role": self.role,
            "ua": self.ua[:UA_LENGTH],
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """What all events have in common; times are milliseconds since the epoch, `t_client` and `t_sent` by the client's clock."""

    type: ClassVar[str] = ""

    event_id: str
    t_recv: int
    t_client: int | None = None
    t_sent: int | None = None
    visitor: str | None = None
    tab: str | None = None
    account: str | None = None
    role: str = CUSTOMER
    ua: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The event as the neutral schema writes it; what is unknown is left out."""
        return {"type": self.type, **{k: v for k in field_names(type(self)) if (v := getattr(self, k)) is not None}}

    def body(self) -> dict[str, Any]:
        """The fields that only this type has, without those left at their default."""
        return {k: v for k, default in _own_fields(type(self)) if (v := getattr(self, k)) != default}


@dataclass(frozen=True, kw_only=True, slots=True)
class Search(Event):
    """One result list that was rendered; `revision` is the content revision it came from."""

    type: ClassVar[str] = "search"
    search_id: str
    q: str
    mode: str
    n_results: int
    results: tuple[str, ...] = ()
    surface: str = "portal"
    answer_shown: bool = False
    lang: str | None = None
    revision: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Click(Event):
    """A result of a search, or a suggestion in a form, was opened."""

    type: ClassVar[str] = "click"
    article: str
    rank: int | None = None
    search_id: str | None = None
    form_id: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class View(Event):
    """An article was opened; `beacon=False` means that only the server saw it, so reading time cannot be known."""

    type: ClassVar[str] = "view"
    view_id: str
    article: str
    source: str
    search_id: str | None = None
    form_id: str | None = None
    beacon: bool = True
    sat_ms: int | None = None
    revision: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Dwell(Event):
    """Cumulative visible and active time on a view; the largest wins, so order, loss and repetition are harmless."""

    type: ClassVar[str] = "dwell"
    view_id: str
    active_ms: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Vote(Event):
    """An explicit answer by the person; value 0 withdraws it."""

    type: ClassVar[str] = "vote"
    kind: str
    value: int
    view_id: str | None = None
    form_id: str | None = None
    search_id: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class FormOpen(Event):
    """The contact form was opened."""

    type: ClassVar[str] = "form_open"
    form_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Suggest(Event):
    """Which answers the contact form had for the person, and whether the arm of the trial showed them; one for each form."""

    type: ClassVar[str] = "suggest"
    form_id: str
    articles: tuple[str, ...] = ()
    arm: str = "on"
    shown: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class TicketEvent(Event):
    """A contact by any channel, also from outside; `requester` is the keyed hash of the sender's address."""

    type: ClassVar[str] = "ticket"
    ticket_id: str
    t_created: int
    channel: str = "form"
    form_id: str | None = None
    requester: str | None = None
    subject: str = ""
    direction: str = "in"


@dataclass(frozen=True, kw_only=True, slots=True)
class TicketUpdate(Event):
    """What became of a ticket; `into` is the ticket it was merged into."""

    type: ClassVar[str] = "ticket_update"
    ticket_id: str
    status: str
    into: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Identify(Event):
    """This browser belongs to an account (common field) and/or to a sender: sign-in, form sent."""

    type: ClassVar[str] = "identify"
    requester: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Exclude(Event):
    """A browser or an account does not count, from the beginning of time: staff, tests, abuse."""

    type: ClassVar[str] = "exclude"
    target_visitor: str | None = None
    target_account: str | None = None
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Watermark(Event):
    """The ticket feed of a source is complete up to `t_complete`."""

    type: ClassVar[str] = "watermark"
    source: str
    t_complete: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Survey(Event):
    """An answer to 'Did you find what you needed?' (None: asked, not answered); calibration only, never an outcome."""

    type: ClassVar[str] = "survey"
    answered: bool | None = None
    search_id: str | None = None
    view_id: str | None = None
    form_id: str | None = None


EVENT_TYPES: dict[str, type[Event]] = {
    cls.type: cls
    for cls in (
        Search, Click, View, Dwell, Vote, FormOpen, Suggest, TicketEvent, TicketUpdate, Identify, Exclude, Watermark, Survey,
    )
}  # fmt: skip


def new_id() -> str:
    """An id that sorts by time of making and cannot be guessed."""
    return f"{time.time_ns() // 1_000_000:011x}{secrets.token_hex(8)}"


def milliseconds(moment: datetime) -> int:
    """Milliseconds since the epoch of an aware time, computed in whole numbers so that no rounding can move it."""
    return round(moment.timestamp() * 1000)


def field_names(cls: type[Event]) -> tuple[str, ...]:
    """All field names of an event type, common ones first."""
    return _NAMES[cls]


def _own_fields(cls: type[Event]) -> tuple[tuple[str, Any], ...]:
    return _OWN[cls]


# ---------------------------------------------------------------------------------------------------------------- parsing

Check = Callable[[Any], Any]


def _identifier(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("must be a text")
    if not value or len(value) > ID_LENGTH:
        raise ValueError(f"must have 1 to {ID_LENGTH} characters")
    if not value.isprintable():
        raise ValueError("must not hold control characters")
    return value


def _text(limit: int) -> Check:
    def check(value: Any) -> str:
        if not isinstance(value, str):
            raise ValueError("must be a text")
        if len(value) > limit:
            raise ValueError(f"must have at most {limit} characters")
        if not value.isprintable():
            # No database keeps NUL or half a surrogate pair, and neither says anything about what was meant.
            value = "".join(" " if c == "\0" else "\ufffd" if "\ud800" <= c <= "\udfff" else c for c in value)
        return value

    return check


def _integer(low: int = -LARGEST_INTEGER, high: int = LARGEST_INTEGER) -> Check:
    def check(value: Any) -> int:
        if type(value) is float and value.is_integer():
            value = int(value)  # JSON knows one kind of number: 5.0 is as whole as 5
        if type(value) is not int:
            raise ValueError("must be a whole number")
        if not low <= value <= high:
            raise ValueError(f"must be between {low} and {high}")
        return value

    return check


def _boolean(value: Any) -> bool:
    if type(value) is not bool:
        raise ValueError("must be true or false")
    return value


def _shown(value: Any) -> bool:
    """Whether answers were shown; some senders say how many, or which."""
    if type(value) is int and value >= 0:
        return value > 0
    if isinstance(value, list | tuple):
        return bool(_identifiers(ARTICLES_LENGTH)(value))
    return _boolean(value)


def _answered(value: Any) -> bool:
    """A survey's answer; some senders write it as 0 or 1, or as the word on the button."""
    if type(value) is int and value in (0, 1):
        return bool(value)
    if value in ("yes", "no"):
        return bool(value == "yes")
    return _boolean(value)


def _one_of(*allowed: Any) -> Check:
    def check(value: Any) -> Any:
        if isinstance(value, bool) or value not in allowed:
            raise ValueError("must be one of " + ", ".join(map(str, allowed)))
        return allowed[allowed.index(value)]

    return check


def _identifiers(limit: int) -> Check:
    def check(value: Any) -> tuple[str, ...]:
        if not isinstance(value, list | tuple):
            raise ValueError("must be a list of texts")
        if len(value) > limit:
            raise ValueError(f"must have at most {limit} entries")
        return tuple(_identifier(item) for item in value)

    return check


_CHECKS: dict[str, Check] = {
    "event_id": _identifier,
    "t_recv": _integer(0),
    "t_client": _integer(),
    "t_sent": _integer(),
    "visitor": _identifier,
    "tab": _identifier,
    "account": _identifier,
    "role": _one_of(*ROLES),
    "ua": _text(UA_LENGTH),
    "search_id": _identifier,
    "form_id": _identifier,
    "view_id": _identifier,
    "ticket_id": _identifier,
    "article": _identifier,
    "q": _text(TEXT_LENGTH),
    "mode": _one_of(*MODES),
    "n_results": _integer(0),
    "results": _identifiers(RESULTS_LENGTH),
    "surface": _identifier,
    "answer_shown": _boolean,
    "lang": _text(35),
    "revision": _text(ID_LENGTH),
    "rank": _integer(0, 100_000),
    "source": _one_of(*SOURCES),
    "beacon": _boolean,
    "sat_ms": _integer(0),
    "active_ms": _integer(0),
    "kind": _one_of(*VOTE_KINDS),
    "value": _one_of(-1, 0, 1),
    "articles": _identifiers(ARTICLES_LENGTH),
    "arm": _one_of(*ARMS),
    "shown": _shown,
    "t_created": _integer(),
    "channel": _identifier,
    "requester": _text(320),
    "subject": _text(TEXT_LENGTH),
    "direction": _one_of(*DIRECTIONS),
    "status": _one_of(*STATUSES),
    "into": _identifier,
    "target_visitor": _identifier,
    "target_account": _identifier,
    "reason": _text(TEXT_LENGTH),
    "t_complete": _integer(),
    "answered": _answered,
}
_CHECKS_OF_WATERMARK = {"source": _identifier}

_NEEDS_ONE_OF: dict[str, tuple[str, ...]] = {
    "click": ("search_id", "form_id"),
    "vote": ("view_id", "form_id", "search_id"),
    "exclude": ("target_visitor", "target_account"),
    "survey": ("search_id", "view_id", "form_id"),
}

_COMMON = tuple(f.name for f in fields(Event))
_NAMES = {cls: tuple(f.name for f in fields(cls)) for cls in EVENT_TYPES.values()}
_OWN = {cls: tuple((f.name, f.default) for f in fields(cls) if f.name not in _COMMON) for cls in EVENT_TYPES.values()}
_SPECS: dict[str, dict[str, Check]] = {
    kind: {f.name: (_CHECKS_OF_WATERMARK if kind == "watermark" else {}).get(f.name) or _CHECKS[f.name] for f in fields(cls)}
    for kind, cls in EVENT_TYPES.items()
}
_MISSING = type(fields(Search)[0].default)
_REQUIRED = {kind: tuple(f.name for f in fields(cls) if isinstance(f.default, _MISSING)) for kind, cls in EVENT_TYPES.items()}


def parse_event(mapping: Mapping[str, Any], *, t_recv: int | None = None) -> Event:
    """The event that a mapping describes; `t_recv` overrides what it says. Raises `InvalidEvent` naming every wrong field."""
    if not isinstance(mapping, Mapping):
        raise InvalidEvent("an event must be a JSON object")
    kind = mapping.get("type")
    spec = _SPECS.get(kind) if isinstance(kind, str) else None
    if spec is None:
        raise InvalidEvent("unknown event type", {"type": "must be one of " + ", ".join(EVENT_TYPES)})
    values, errors = _checked(mapping, spec)
    if t_recv is not None:
        values["t_recv"] = t_recv
        errors.pop("t_recv", None)
    _check_presence(str(kind), values, errors)
    if errors:
        details = "; ".join(f"{name} {problem}" for name, problem in sorted(errors.items()))
        raise InvalidEvent(f"{kind} event refused: {details}", errors)
    return EVENT_TYPES[str(kind)](**values)


def unknown_fields(mapping: Mapping[str, Any]) -> set[str]:
    """The names in a mapping that no event of its type has; none if the type itself is unknown."""
    kind = mapping.get("type")
    spec = _SPECS.get(kind) if isinstance(kind, str) else None
    return set() if spec is None else {name for name in mapping if name != "type" and name not in spec}


def _checked(mapping: Mapping[str, Any], spec: dict[str, Check]) -> tuple[dict[str, Any], dict[str, str]]:
    values: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for name, value in mapping.items():
        if value is None and name in spec:
            continue
        check = spec.get(name)
        if check is None:
            if name != "type":
                errors[str(name)[:100]] = "is no field of this event"
            continue
        try:
            values[name] = check(value)
        except ValueError as error:
            errors[name] = str(error)
    return values, errors


def _check_presence(kind: str, values: dict[str, Any], errors: dict[str, str]) -> None:
    for name in _REQUIRED[kind]:
        if name not in values and name not in errors:
            errors[name] = "is missing"
    one_of = _NEEDS_ONE_OF.get(kind)
    if one_of and not any(name in values or name in errors for name in one_of):
        errors[one_of[0]] = "is missing (one of " + ", ".join(one_of) + ")"


def event_from(kind: str, common: Mapping[str, Any], body: Mapping[str, Any]) -> Event:
    """The event of a stored row, which was checked when it came in."""
    cls = EVENT_TYPES[kind]
    own: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in body.items()}
    return cls(**common, **own)
