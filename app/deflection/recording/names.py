"""The names that an event comes with: the one it is stored under, and those that it ties together."""

from __future__ import annotations

from app.deflection.recording.events import Event, Exclude, FormOpen, Suggest, TicketEvent, TicketUpdate, Watermark

GLOBAL = "g:"
"""The actor of what concerns nobody in particular: watermarks."""


def own_name(event: Event) -> str:
    """Browser, else tab, else account of whoever did it; empty if none of them is known."""
    if event.visitor:
        return f"v:{event.visitor}"
    if event.tab:
        return f"t:{event.tab}"
    return f"a:{event.account}" if event.account else ""


def actor_of(event: Event) -> str:
    """The narrowest name that the event came with; events of one actor are stored under it."""
    if isinstance(event, Watermark):
        return GLOBAL
    if isinstance(event, Exclude):
        return f"v:{event.target_visitor}" if event.target_visitor else f"a:{event.target_account}"
    if name := own_name(event):
        return name
    requester = getattr(event, "requester", None)
    if requester:
        return f"r:{requester}"
    return f"k:{event.ticket_id}" if isinstance(event, TicketEvent | TicketUpdate) else f"e:{event.event_id}"


def edges_of(event: Event) -> list[tuple[str, str]]:
    """The pairs of names that this event ties together; a component of them is judged as a whole."""
    actor = actor_of(event)
    if actor == GLOBAL:
        return []
    names = []
    if not isinstance(event, Exclude):
        names = [f"{kind}:{name}" for kind, name in (("v", event.visitor), ("t", event.tab), ("a", event.account)) if name]
    else:
        names = [f"{kind}:{name}" for kind, name in (("v", event.target_visitor), ("a", event.target_account)) if name]
    if getattr(event, "requester", None):
        names.append(f"r:{event.requester}")  # type: ignore[attr-defined]
    if isinstance(event, TicketEvent | FormOpen | Suggest) and event.form_id:
        names.append(f"f:{event.form_id}")
    if isinstance(event, TicketEvent | TicketUpdate):
        names.append(f"k:{event.ticket_id}")
        if isinstance(event, TicketUpdate) and event.into:
            names.append(f"k:{event.into}")
    return [(actor, name) for name in names if name != actor]
