"""Why a search counts as it does: everything seen, the rule that decided, when it is final, and what would change it (rule 2.10).

Sentences come as a code, an English template and its values, so that the web can say them in the reader's language.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session as Db

from app.deflection.judging.crowds import as_told
from app.deflection.judging.ledger import watermark
from app.deflection.judging.need_rows import need_id
from app.deflection.judging.needs import Form, Need, Signal, Viewed
from app.deflection.judging.outcomes import PREDICATES, PROVISIONAL, Judgement, Verdict, judge, state_of
from app.deflection.judging.rulebook import Rulebook
from app.deflection.judging.searches import Searched
from app.deflection.judging.sessions import ACCOUNT, BROWSER
from app.deflection.recording.clock import DAY, HOUR, MINUTE, SECOND
from app.deflection.recording.events import Click, Event, milliseconds
from app.deflection.recording.names import actor_of
from app.deflection.recording.store import events_by_ref, events_of_actors, tied_to
from app.errors import NotFound


class UnknownSearch(NotFound):
    """No such search or ticket, or nothing led to it, or its events were dropped when their time was over."""


def N_(template: str) -> str:
    """Marks a template for translation; the web translates it."""
    return template


@dataclass(frozen=True)
class Sentence:
    """Something a person can read; `t`, when there is one, is when it happened (ms)."""

    code: str
    template: str
    params: dict[str, Any] = field(default_factory=dict)
    t: int | None = None

    @property
    def text(self) -> str:
        """The sentence in English."""
        return self.template % {name: _shown(name, value) for name, value in self.params.items()}

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class AuditSearch:
    """A search of the need, with what was listed and what was opened from it: (rank, article)."""

    search_id: str
    members: tuple[str, ...]
    t: int
    q: str
    n_results: int
    results: tuple[str, ...]
    opened: tuple[tuple[int | None, str], ...]
    answer_shown: bool
    surface: str
    lang: str
    revision: str | None
    rule: str
    outcome: str


@dataclass(frozen=True)
class AuditView:
    """An article opened, active against required reading time; `rank` as it stood in the list it came from."""

    view_id: str
    t: int
    article: str
    source: str
    rank: int | None
    active_ms: int
    required_ms: int
    beacon: bool
    revision: str | None

    @property
    def satisfied(self) -> bool:
        return self.active_ms >= self.required_ms


@dataclass(frozen=True)
class AuditForm:
    """A contact form opened: sent or left, and which answers it had."""

    form_id: str
    t: int
    sent: bool
    arm: str
    shown: bool
    articles: tuple[str, ...]


@dataclass(frozen=True)
class AuditVote:
    """The last word of the person on one thing."""

    t: int
    kind: str
    value: int
    article: str | None


@dataclass(frozen=True)
class AuditTicket:
    """A linked ticket: how we know, how long after the need's last activity (ms), and what became of it."""

    ticket_id: str
    t: int
    channel: str
    level: str
    topical: bool
    delay: int
    status: str
    duplicate: bool


@dataclass(frozen=True)
class AuditChange:
    """A ledger entry: what this need counted as before."""

    as_of: int
    from_outcome: str | None
    to_outcome: str | None
    cause: str
    version: str


@dataclass(frozen=True)
class Audit:
    """One need followed to its end. `story` is what happened in order, `reason` what decided, `changes` what would change it."""

    search_id: str | None
    need: str
    kind: str
    outcome: str
    rule: str
    search_outcome: str
    search_rule: str
    predicates: tuple[str, ...]
    state: str
    final_at: int
    link_class: int
    post_ticket: bool
    excluded: str
    version: str
    searches: tuple[AuditSearch, ...]
    views: tuple[AuditView, ...]
    forms: tuple[AuditForm, ...]
    votes: tuple[AuditVote, ...]
    tickets: tuple[AuditTicket, ...]
    ledger: tuple[AuditChange, ...]
    story: tuple[Sentence, ...]
    reason: Sentence
    finality: Sentence
    changes: tuple[Sentence, ...]


def audit(db: Db, now: datetime, rules: Rulebook | None = None, *, search_id: str | None = None, ticket_id: str | None = None) -> Audit:
    """The audit of one search, or of the latest need that led to one ticket; raises `UnknownSearch`."""
    if search_id is None:
        return audits_of_ticket(db, str(ticket_id), now, rules)[0]
    rules = rules or Rulebook()
    judgement, events = _judged_around(db, search_id, rules)
    for verdict in judgement.verdicts:
        for search in verdict.need.searches:
            if search_id in search.members:
                return _audit(db, verdict, search, judgement, events, milliseconds(now), rules)
    raise UnknownSearch(f"no search {search_id} that counts: unknown, too short to mean something, or no longer kept")


def audits_of_ticket(db: Db, ticket_id: str, now: datetime, rules: Rulebook | None = None) -> tuple[Audit, ...]:
    """The needs that led to a ticket, latest first; raises `UnknownSearch` if none is known."""
    rules = rules or Rulebook()
    judgement, events = _judged_around(db, ticket_id, rules)
    led = [v for v in judgement.verdicts if any(link.contact.ticket_id == ticket_id for link in v.links)]
    if not led:
        raise UnknownSearch(f"nothing that we saw led to ticket {ticket_id}")
    led.sort(key=lambda v: v.need.recency, reverse=True)
    at = milliseconds(now)
    return tuple(_audit(db, v, v.need.searches[-1] if v.need.searches else None, judgement, events, at, rules) for v in led)


def _judged_around(db: Db, ref: str, rules: Rulebook) -> tuple[Judgement, list[Event]]:
    actors = {actor_of(event) for event in events_by_ref(db, [ref])}
    tied = tied_to(db, actors)
    events = events_of_actors(db, tied.names) if actors else []
    judgement = judge(events, rules, crowds=tied.crowds)
    judgement.watermark = watermark(db)
    return judgement, events


def _audit(
    db: Db, verdict: Verdict, search: Searched | None, judgement: Judgement, events: Iterable[Event], at: int, rules: Rulebook
) -> Audit:
    need = verdict.need
    ranks = {(e.search_id or e.form_id, e.article): e.rank for e in events if isinstance(e, Click)}
    ident = need_id(need)
    state = state_of(verdict.final_at, need.last, at, judgement.watermark, rules)
    rule, outcome = verdict.outcome_of_search(search) if search is not None else (verdict.rule, verdict.outcome)
    return Audit(
        search_id=search.search_id if search else None,
        need=ident,
        kind=need.kind,
        outcome=verdict.outcome,
        rule=verdict.rule,
        search_outcome=outcome,
        search_rule=rule,
        predicates=tuple(name for name in PREDICATES if verdict.facts[name]),
        state=state,
        final_at=verdict.final_at,
        link_class=need.link_class,
        post_ticket=verdict.post_ticket,
        excluded=need.excluded,
        version=rules.version,
        searches=tuple(_search(verdict, s, ranks) for s in need.searches),
        views=tuple(_view(v, ranks) for v in need.views),
        forms=tuple(AuditForm(as_told(f.form_id), f.t, f.sent, f.arm, f.shown, f.articles) for f in need.forms),
        votes=tuple(AuditVote(v.t, v.kind, v.value, v.article) for v in need.votes.values()),
        tickets=tuple(_tickets(verdict)),
        ledger=_ledger(db, ident),
        story=tuple(sorted(_story(verdict, ranks), key=lambda s: s.t or 0)),
        reason=_reason(verdict),
        finality=_finality(verdict, state),
        changes=tuple(_changes(verdict, state, rules, at)) or (Sentence("change_over", N_("Nothing that can still happen."), {}),),
    )


Ranks = dict[tuple[str | None, str], int | None]


def _search(verdict: Verdict, search: Searched, ranks: Ranks) -> AuditSearch:
    rule, outcome = verdict.outcome_of_search(search)
    opened = tuple((rank, article) for (ref, article), rank in ranks.items() if ref in search.members)
    return AuditSearch(
        search.search_id, tuple(search.members), search.t, search.q, search.n_results, search.results,
        opened, search.answer_shown, search.surface, search.lang, search.revision, rule, outcome,
    )  # fmt: skip


def _view(view: Viewed, ranks: Ranks) -> AuditView:
    event = view.event
    rank = ranks.get((event.search_id, event.article), ranks.get((event.form_id, event.article)))
    return AuditView(view.view_id, view.t, view.article, event.source, rank, view.active_ms, view.required_ms, event.beacon, event.revision)


def _tickets(verdict: Verdict) -> Iterator[AuditTicket]:
    for link in sorted(verdict.links, key=lambda link: link.contact.t):
        c = link.contact
        delay = c.t - verdict.need.last
        yield AuditTicket(c.ticket_id, c.t, c.event.channel, link.level, link.topical, delay, c.status, c.duplicate)


def _ledger(db: Db, ident: str) -> tuple[AuditChange, ...]:
    rows = db.execute(
        text("SELECT as_of, from_outcome, to_outcome, cause, version FROM outcome_ledger WHERE need_id = :id ORDER BY id"), {"id": ident}
    )
    return tuple(AuditChange(*row) for row in rows)


# --------------------------------------------------------------------------------------------------------------------- words


def _shown(name: str, value: Any) -> Any:
    if name == "delay":
        return f"{value // MINUTE} min" if value < 2 * HOUR else f"{value // HOUR} h" if value < 2 * DAY else f"{value // DAY} d"
    if isinstance(value, datetime):
        return f"{value.day} {value:%b %Y, %H:%M} UTC"
    return value


def _moment(t: int) -> datetime:
    return datetime.fromtimestamp(t // SECOND, UTC) if 0 <= t < 253_402_300_800_000 else datetime.fromtimestamp(0, UTC)


def _seconds(ms: int) -> int:
    return ms // SECOND


def _story(verdict: Verdict, ranks: Ranks) -> Iterator[Sentence]:
    need = verdict.need
    for search in need.searches:
        yield _told_search(search)
    for view in need.views:
        yield _told_view(view, ranks)
    for form in need.forms:
        yield _told_form(form)
    for vote in need.votes.values():
        yield _told_vote(vote)
    for ticket in _tickets(verdict):
        yield _told_ticket(ticket)


def _told_search(search: Searched) -> Sentence:
    params = {"query": search.q, "n": search.n_results, "times": len(search.members)}
    if search.n_results == 0:
        return Sentence("search_none", N_("Searched for “%(query)s” and found nothing."), params, search.t)
    if search.answer_shown:
        one = N_("Searched for “%(query)s”: 1 result, with an answer shown above it.")
        more = N_("Searched for “%(query)s”: %(n)s results, with an answer shown above them.")
        return Sentence("search_answer", one if search.n_results == 1 else more, params, search.t)
    one, more = N_("Searched for “%(query)s”: 1 result."), N_("Searched for “%(query)s”: %(n)s results.")
    return Sentence("search", one if search.n_results == 1 else more, params, search.t)


def _told_view(view: Viewed, ranks: Ranks) -> Sentence:
    rank = ranks.get((view.event.search_id, view.article))
    params = {"article": view.article, "rank": rank, "read": _seconds(view.active_ms), "needed": _seconds(view.required_ms)}
    if not view.event.beacon and view.active_ms == 0:
        return Sentence("view_unmeasured", N_("Opened “%(article)s”; how long it was read is not known."), params, view.t)
    if view.satisfied:
        return Sentence("view_read", N_("Opened “%(article)s” and read it for %(read)s s (%(needed)s s are needed)."), params, view.t)
    return Sentence("view_short", N_("Opened “%(article)s” and read it for only %(read)s s of the %(needed)s s needed."), params, view.t)


def _told_form(form: Form) -> Sentence:
    params = {"n": len(form.articles), "articles": ", ".join(form.articles)}
    if form.shown and form.articles:
        sent = ("form_answers_sent", N_("Opened the contact form, was shown “%(articles)s” there, and sent it."))
        left = ("form_answers_left", N_("Opened the contact form, was shown “%(articles)s” there, and left it without sending."))
    elif form.arm == "holdout":
        sent = ("form_held_sent", N_("Opened the contact form without answers, in the comparison group, and sent it."))
        left = ("form_held_left", N_("Opened the contact form without answers, in the comparison group, and left it without sending."))
    else:
        sent = ("form_sent", N_("Opened the contact form and sent it."))
        left = ("form_left", N_("Opened the contact form and left it without sending."))
    code, template = sent if form.sent else left
    return Sentence(code, template, params, form.t)


def _told_vote(vote: Signal) -> Sentence:
    params = {"article": vote.article or ""}
    if vote.value == 0:
        return Sentence("vote_withdrawn", N_("Took a vote back."), params, vote.t)
    if vote.kind == "solved":
        positive = ("vote_solved", N_("Said: this solved it."))
        negative = ("vote_unsolved", N_("Said: this did not solve it."))
    else:
        positive = ("vote_helpful", N_("Said that it helped."))
        negative = ("vote_unhelpful", N_("Said that it did not help."))
    code, template = positive if vote.value > 0 else negative
    return Sentence(code, template, params, vote.t)


_LEVELS = {
    "form": N_("sent with the form of this question"),
    "session": N_("from the same visit"),
    "browser": N_("from the same browser"),
    "account": N_("from the same account"),
    "sender": N_("from an address that belongs to this person"),
}


def _told_ticket(ticket: AuditTicket) -> Sentence:
    level = ticket.level.removesuffix("-weak")
    params = {"ticket": ticket.ticket_id, "channel": ticket.channel, "how": _LEVELS[level], "delay": max(0, ticket.delay)}
    if ticket.topical:
        template = N_("Wrote request %(ticket)s on the same topic (%(channel)s), %(how)s, %(delay)s after the last thing they did here.")
        return Sentence("ticket_topical", template, params, ticket.t)
    template = N_("Wrote request %(ticket)s (%(channel)s), %(how)s, %(delay)s after the last thing they did here.")
    return Sentence("ticket", template, params, ticket.t)


_REASONS = {
    "R0": N_("Does not count: a program, a member of staff, a test, an excluded browser or account, or nothing but spam."),
    "R1": N_("Wrote to us about it."),
    "R2": N_("Told us that it was answered, and looked no further."),
    "R3": N_("Told us that it was not answered, and read nothing else long enough afterwards."),
    "R4": N_("Opened the contact form and left it, with nothing read long enough afterwards: that is not an answer."),
    "R5": N_("Went on to another question without reading this long enough."),
    "R6": N_("Read an article long enough after the last search, and a request would have reached us: probably answered."),
    "R7": N_("Read an article long enough, but without a cookie or account we could not see a request: not known."),
    "R8": N_("Opened an article, but how long it was read is not known."),
    "R9": N_("Left a page that showed an answer: it may have been enough, nobody knows."),
    "R10": N_("Found nothing and left."),
    "R11": N_("Had results, read none long enough, and left."),
}


_NOT_ON_TOPIC = N_("Wrote to us soon afterwards, though the subject does not say that it was about this.")


def _reason(verdict: Verdict) -> Sentence:
    if verdict.rule == "R1" and not any(link.topical or link.level.startswith("form") for link in verdict.links):
        return Sentence(verdict.rule, _NOT_ON_TOPIC, {})
    return Sentence(verdict.rule, _REASONS[verdict.rule], {"excluded": verdict.need.excluded})


def _finality(verdict: Verdict, state: str) -> Sentence:
    params = {"date": _moment(verdict.final_at)}
    if state == PROVISIONAL:
        return Sentence("provisional", N_("Not final before %(date)s."), params, verdict.final_at)
    return Sentence(
        "final", N_("Final since %(date)s; a request imported later still changes it, and the change is kept on record."), params
    )


def _changes(verdict: Verdict, state: str, rules: Rulebook, at: int) -> Iterator[Sentence]:
    """What would move the need to another outcome, as far as it still can happen."""
    need = verdict.need
    if verdict.rule == "R0":
        yield Sentence("change_none", N_("Nothing, unless the exclusion was a mistake."))
        return
    if verdict.rule == "R1":
        tickets = ", ".join(sorted(link.contact.ticket_id for link in verdict.links))
        yield Sentence("change_spam", N_("Marking %(tickets)s as spam or as a test would take it back."), {"tickets": tickets})
        return
    yield from _change_by_ticket(verdict, rules, at)
    if state != PROVISIONAL:
        return
    if verdict.rule != "R2":
        yield Sentence("change_vote", N_("A “yes, this helped” on one of its articles or “this solved it” would confirm it as answered."))
    yield from _change_by_search(need, rules, at)
    if verdict.rule in ("R3", "R4", "R8", "R9", "R10", "R11") and at <= need.last + rules.continue_ms:
        yield _change_by_reading(verdict, rules)
    if any(not form.sent for form in need.forms):
        yield Sentence("change_form", N_("Sending the form that was left would make it a request."))


def _change_by_search(need: Need, rules: Rulebook, at: int) -> Iterator[Sentence]:
    """Who said that it was answered asks something new next time; who read it does so in the next visit."""
    if not need.searches or need.is_confirmed:
        return
    if not need.has_read and at <= need.last + rules.continue_ms:
        yield Sentence("change_search", N_("Another search on the same topic within 48 hours may continue it."))
    elif at <= need.last + rules.session_gap_ms:
        yield Sentence("change_search", N_("Another search on the same topic in the same visit may continue it."))


def _change_by_reading(verdict: Verdict, rules: Rulebook) -> Sentence:
    """Reading answers only who would be seen writing (R6); without a cookie or account it stays unknown (R7)."""
    if verdict.need.link_class not in (ACCOUNT, BROWSER):
        template = N_("Reading an article for %(needed)s s after it would make it: not known, as a request could not be recognised.")
    elif verdict.rule == "R3":
        template = N_("Reading another article for %(needed)s s after it would count as an answer.")
    else:
        template = N_("Reading an article for %(needed)s s after it would count as an answer.")
    return Sentence("change_reading", template, {"needed": _seconds(rules.sat_ms)})


def _change_by_ticket(verdict: Verdict, rules: Rulebook, at: int) -> Iterator[Sentence]:
    need = verdict.need
    if need.link_class in (ACCOUNT, BROWSER):
        yield _change_by_known(need, rules, at)
    elif at <= need.last + rules.unseen_window_ms:
        template = N_("A request written in this tab within 30 minutes would count as: wrote to us; a later one could not be recognised.")
        yield Sentence("change_ticket_tab", template, {})


def _change_by_known(need: Need, rules: Rulebook, at: int) -> Sentence:
    params = {"date": _moment(need.last + rules.window_ms)}
    if at > need.last + rules.window_ms:
        template = N_("A request of this person written before %(date)s, of which we are told only later, would count as: wrote to us.")
        return Sentence("change_ticket_late", template, params)
    if need.link_class == ACCOUNT:
        template = N_(
            "A request on this topic by this account, its browsers or its addresses, written before %(date)s, would count as: wrote to us."
        )
        return Sentence("change_ticket_account", template, params)
    template = N_(
        "A request on this topic by this browser, or by an address known to belong to it, "
        "written before %(date)s, would count as: wrote to us."
    )
    return Sentence("change_ticket_browser", template, params)


def sentences(audit: Audit) -> Sequence[Sentence]:
    """The whole audit as sentences in reading order: story, reason, finality, what would change it."""
    return (*audit.story, audit.reason, audit.finality, *audit.changes)
