"""The JSON Schema of what a page may tell us, made from the event types themselves."""

from __future__ import annotations

import typing
from dataclasses import MISSING, fields
from typing import Any

from app.deflection import EVENT_TYPES

FROM_PAGES = ("search", "click", "view", "dwell", "vote", "form_open", "suggest")
"""What happens in a browser. Tickets, exclusions and watermarks come from us or from the helpdesk, never from a page; and what a survey
asked and heard only we know, or whoever likes could step into its random sample."""

SERVER_FIELDS = frozenset({"t_recv", "visitor", "account", "role", "ua"})
"""Who it was and when it came is not for the page to say: the server stamps these over whatever it says."""

LARGEST = 2**53
LIMITS: dict[str, dict[str, Any]] = {
    "tab": {"minLength": 1, "maxLength": 64, "pattern": r"^[A-Za-z0-9._-]+$"},
    "q": {"maxLength": 1000},
    "lang": {"maxLength": 35},
    "revision": {"maxLength": 128},
    "mode": {"enum": ["type", "submit"]},
    "source": {"enum": ["search", "suggestion", "internal", "external", "direct"]},
    "kind": {"enum": ["helpful", "solved"]},
    "value": {"enum": [-1, 0, 1]},
    "arm": {"enum": ["on", "holdout"]},
    "rank": {"minimum": 0, "maximum": 100_000},
    "n_results": {"minimum": 0, "maximum": LARGEST},
    "sat_ms": {"minimum": 0, "maximum": LARGEST},
    "active_ms": {"minimum": 0, "maximum": LARGEST},
    "results": {"maxItems": 10},
    "articles": {"maxItems": 50},
}
IDENTIFIER = {"type": "string", "minLength": 1, "maxLength": 128, "pattern": r"^[!-~]+$"}
ONE_OF = {"click": ("search_id", "form_id"), "vote": ("view_id", "form_id", "search_id")}


def batch_schema(most: int) -> dict[str, Any]:
    """A list of events; each is one of the types that pages send."""
    return {"type": "array", "maxItems": most, "items": {"oneOf": [event_schema(kind) for kind in FROM_PAGES]}}


def event_schema(kind: str) -> dict[str, Any]:
    """One event as a page writes it; what the server stamps is left out."""
    cls = EVENT_TYPES[kind]
    hints = typing.get_type_hints(cls)
    own = [f for f in fields(cls) if f.name not in SERVER_FIELDS]
    schema: dict[str, Any] = {
        "type": "object",
        "title": cls.__name__,
        "description": (cls.__doc__ or "").split("\n")[0],
        "properties": {"type": {"const": kind}} | {f.name: _field(f.name, hints[f.name]) for f in own},
        "required": ["type"] + [f.name for f in own if f.default is MISSING],
        "additionalProperties": False,
    }
    if kind in ONE_OF:
        schema["anyOf"] = [{"required": [name], "properties": {name: {"type": "string"}}} for name in ONE_OF[kind]]
    return schema


def _field(name: str, hint: Any) -> dict[str, Any]:
    kinds = typing.get_args(hint) if type(None) in typing.get_args(hint) else (hint,)
    base = next(kind for kind in kinds if kind is not type(None))
    if base is bool:
        schema: dict[str, Any] = {"type": "boolean"}
    elif base is int:
        schema = {"type": "integer", "minimum": -LARGEST, "maximum": LARGEST}
    elif typing.get_origin(base) is tuple:
        schema = {"type": "array", "items": IDENTIFIER}
    elif name in LIMITS:
        schema = {"type": "string"}
    else:
        schema = dict(IDENTIFIER)
    schema |= LIMITS.get(name, {})
    return {"anyOf": [schema, {"type": "null"}]} if type(None) in kinds else schema
