"""Verdicts → rows: what the reports read, and what a recomputation is compared with."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from app.deflection.judging.contacts import Contact
from app.deflection.judging.needs import Need
from app.deflection.judging.outcomes import ANSWERED_CONFIRMED, ANSWERED_LIKELY, PREDICATES, Judgement, Verdict, state_of
from app.deflection.judging.rulebook import Rulebook
from app.deflection.judging.sessions import ACCOUNT, BROWSER, TAB_ONLY, Senders, Session
from app.deflection.recording.clock import DAY
from app.deflection.recording.names import actor_of

Row = dict[str, Any]

_TABLET = re.compile(r"ipad|tablet|kindle|silk|android(?!.*mobile)", re.I)
_PHONE = re.compile(r"mobi|iphone|ipod|android|windows phone", re.I)


def digest(*parts: str) -> str:
    """A short name that is the same whenever the parts are."""
    return hashlib.blake2b("\x1f".join(parts).encode(), digest_size=12).hexdigest()


def device_of(ua: str) -> str:
    """phone, tablet or desktop, as far as the agent string tells."""
    if _TABLET.search(ua):
        return "tablet"
    return "phone" if _PHONE.search(ua) else "desktop"


def need_id(need: Need) -> str:
    """The id of a need: that of its first item and of the browser or tab it came from, so that it survives recomputation."""
    return digest(need.sessions[0].key, need.id)


def session_id(session: Session) -> str:
    return digest(session.id)


class Rows:
    """All rows of one judgement, by table and key."""

    def __init__(self, judgement: Judgement, rules: Rulebook, as_of: int | None) -> None:
        self.needs: dict[str, Row] = {}
        self.children: dict[str, dict[str, list[Row]]] = {}
        version = rules.version
        linked: set[str] = set()
        for verdict in judgement.verdicts:
            state = state_of(verdict.final_at, verdict.need.last, as_of, judgement.watermark, rules)
            row = _need_row(verdict, version)
            children = {"need_search": _search_rows(verdict, row["id"]), "need_view": _view_rows(verdict, row["id"]),
                        "need_ticket": _ticket_rows(verdict, row["id"])}  # fmt: skip
            row["fingerprint"] = digest(json.dumps([row, children], sort_keys=True, ensure_ascii=False))
            row["state"] = state
            self.needs[row["id"]] = row
            self.children[row["id"]] = children
            if verdict.need.searches:
                linked |= {link.contact.ticket_id for link in verdict.links}
        outcomes = judgement.session_outcome()
        counts = judgement.searches_in
        self.sessions = {session_id(s): _session_row(s, outcomes[s], counts.get(s, 0)) for s in judgement.sessions}
        self.contacts = {c.ticket_id: _contact_row(c, c.ticket_id in linked, judgement.senders) for c in judgement.contacts}


def _need_row(verdict: Verdict, version: str) -> Row:
    """The need's own row without `state`, which time alone changes and which is therefore no part of its fingerprint."""
    need = verdict.need
    first_search = need.searches[0] if need.searches else None
    last_view = max(need.views, key=lambda v: (v.t, v.view_id), default=None)
    votes = _votes_by_article(need)
    signal = need.signal
    first_link = min((link.contact.t for link in verdict.links), default=None)
    trial = next((form for form in need.forms if form.arm), None)
    return {
        "id": need_id(need),
        "home": need.sessions[0].key,
        "person": need.person,
        "kind": need.kind,
        "link_class": need.link_class,
        "outcome": verdict.outcome,
        "rule": verdict.rule,
        "predicates": " ".join(name for name in PREDICATES if verdict.facts[name]),
        "post_ticket": verdict.post_ticket,
        "first": need.first,
        "last": need.last,
        "final_at": verdict.final_at,
        "day": need.first // DAY,
        "lang": next((s.lang for s in reversed(need.searches) if s.lang), ""),
        "surface": first_search.surface if first_search else "",
        "device": device_of(need.sessions[0].events[0][1].ua),
        "searches": len(need.searches),
        "q": first_search.q if first_search else "",
        "zero": sum(s.n_results == 0 for s in need.searches),
        "clicked": sum(s.clicked and s.n_results > 0 for s in need.searches),
        "opened": len(need.views),
        "read": sum(v.satisfied for v in need.views),
        "article": last_view.article if last_view else "",
        "vote": votes.get(last_view.article, 0) if last_view else 0,
        "answered_after": _answered_after(verdict),
        "solved": bool(signal and signal.value > 0 and signal.kind == "solved"),
        "forms": len(need.forms),
        "unsent": sum(not form.sent for form in need.forms),
        "arm": trial.arm if trial else "",
        "shown": sum(form.shown for form in need.forms),
        "ticket_after": max(0, first_link - need.last) if first_link is not None else None,
        "topical_after": verdict.topical_after,
        "version": version,
    }


def _answered_after(verdict: Verdict) -> int | None:
    """From the first search to the start of the view that answered; None when it was not answered or nothing was searched."""
    need = verdict.need
    if verdict.outcome not in (ANSWERED_CONFIRMED, ANSWERED_LIKELY) or not need.searches:
        return None
    start = min(search.t for search in need.searches)
    read = [view.t for view in need.views if view.satisfied and view.t >= verdict.last_seek]
    if read:
        return max(0, min(read) - start)
    said = need.signal.t if need.signal else need.last
    return max(0, max((view.t for view in need.views if view.t <= said), default=said) - start)


def _votes_by_article(need: Need) -> dict[str, int]:
    votes = sorted((vote for vote in need.votes.values() if vote.article is not None), key=lambda vote: (vote.t, vote.event_id))
    return {vote.article: vote.value for vote in votes if vote.article is not None}


def _search_rows(verdict: Verdict, ident: str) -> list[Row]:
    rows = []
    for position, search in enumerate(verdict.need.searches):
        rule, outcome = verdict.outcome_of_search(search)
        rows.append(
            {
                "need_id": ident,
                "position": position,
                "search_id": search.search_id,
                "session_id": session_id(search.session),
                "t": search.t,
                "day": search.t // DAY,
                "q": search.q,
                "lang": search.lang,
                "surface": search.surface,
                "n_results": search.n_results,
                "results": json.dumps(search.results, ensure_ascii=False, separators=(",", ":")),
                "answer_shown": search.answer_shown,
                "clicked": search.clicked,
                "members": json.dumps(search.members, ensure_ascii=False, separators=(",", ":")),
                "outcome": outcome,
                "rule": rule,
            }
        )
    return rows


def _view_rows(verdict: Verdict, ident: str) -> list[Row]:
    votes = _votes_by_article(verdict.need)
    views = sorted(verdict.need.views, key=lambda v: (v.t, v.view_id))
    return [
        {
            "need_id": ident,
            "position": position,
            "view_id": view.view_id,
            "article": view.article,
            "t": view.t,
            "source": view.event.source,
            "beacon": view.event.beacon,
            "active_ms": view.active_ms,
            "required_ms": view.required_ms,
            "helpful": votes.get(view.article, 0),
            "last": position == len(views) - 1,
        }
        for position, view in enumerate(views)
    ]


def _ticket_rows(verdict: Verdict, ident: str) -> list[Row]:
    return [
        {
            "need_id": ident,
            "ticket_id": link.contact.ticket_id,
            "level": link.level,
            "topical": link.topical,
            "t": link.contact.t,
            "delay": link.contact.t - verdict.need.last,
        }
        for link in verdict.links
    ]


def _session_row(session: Session, outcome: str, searches: int) -> Row:
    return {
        "id": session_id(session),
        "home": session.key,
        "person": session.person,
        "link_class": session.link_class,
        "start": session.start,
        "end": session.end,
        "day": session.start // DAY,
        "searches": searches,
        "excluded": session.excluded,
        "outcome": outcome,
    }


def _contact_row(contact: Contact, linked: bool, senders: Senders) -> Row:
    event = contact.event
    return {
        "ticket_id": contact.ticket_id,
        "home": actor_of(event),
        "t": contact.t,
        "day": contact.t // DAY,
        "channel": event.channel,
        "subject": event.subject,
        "inbound": event.direction == "in",
        "status": contact.status,
        "valid": contact.valid,
        "duplicate": contact.duplicate,
        "linked": linked,
        "link_class": _class_of(event.account, event.visitor, senders, event.requester or ""),
        "lang": "",
        "subject_group": 0,
        "told": False,
    }


def _class_of(account: str | None, visitor: str | None, senders: Senders, requester: str) -> int:
    if account or senders.accounts.get(requester):
        return ACCOUNT
    return BROWSER if visitor or senders.browsers.get(requester) else TAB_ONLY


def rollup_key(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """Under which a need is counted in `rollup_day`."""
    return (row["day"], row["kind"], row["cluster"] or 0, row["article"], row["lang"], row["link_class"], row["outcome"], row["state"])
