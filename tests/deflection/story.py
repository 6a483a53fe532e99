"""Events of one browser in few words, for tests; and what they come to."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from app.deflection.judging.outcomes import Judgement, Verdict, judge
from app.deflection.judging.rulebook import Rulebook
from app.deflection.recording.events import Event, parse_event

CASES = json.loads((Path(__file__).parent / "conformance.json").read_text())
START = 1_700_000_000_000


class Story:
    """Writes events of one browser in few words; `at` is in seconds after the beginning."""

    def __init__(
        self, visitor: str | None = "v1", tab: str | None = "t1", account: str | None = None, prefix: str = "", **common: Any
    ) -> None:
        self.common = {"visitor": visitor, "tab": tab, "account": account, "role": "customer", "ua": "Mozilla/5.0", **common}
        self.prefix = prefix
        self.events: list[dict[str, Any]] = []

    def add(self, at: float, type: str, **fields: Any) -> Story:
        t = START + round(at * 1000)
        event_id = fields.pop("event_id", f"{self.prefix}{self.common['visitor']}-{self.common['tab']}-{len(self.events)}")
        self.events.append({"event_id": event_id, "type": type, "t_client": t, "t_sent": t, "t_recv": t, **self.common, **fields})
        return self

    def search(self, at: float, search_id: str, q: str = "reset password", n: int = 3, **fields: Any) -> Story:
        results = fields.pop("results", [f"a{i}" for i in range(1, n + 1)])
        return self.add(at, "search", search_id=search_id, q=q, n_results=n, results=results, mode=fields.pop("mode", "submit"), **fields)

    def view(
        self, at: float, view_id: str, search_id: str | None = None, article: str = "a1", read: float | None = None, **fields: Any
    ) -> Story:
        fields.setdefault("source", "search" if search_id else "direct")
        self.add(at, "view", view_id=view_id, article=article, search_id=search_id, **fields)
        if read is not None:
            self.add(at + read, "dwell", view_id=view_id, active_ms=round(read * 1000))
        return self

    def vote(self, at: float, value: int, kind: str = "helpful", **thing: str) -> Story:
        return self.add(at, "vote", kind=kind, value=value, **thing)

    def form(self, at: float, form_id: str) -> Story:
        return self.add(at, "form_open", form_id=form_id)

    def ticket(self, at: float, ticket_id: str, subject: str = "reset password", **fields: Any) -> Story:
        return self.add(
            at, "ticket", ticket_id=ticket_id, t_created=START + round(at * 1000), subject=subject, **{"channel": "form", **fields}
        )


def parsed(*stories: Story | Iterable[dict[str, Any]]) -> list[Event]:
    return [parse_event(e) for story in stories for e in (story.events if isinstance(story, Story) else story)]


def judged(*stories: Story, rules: Rulebook | None = None) -> Judgement:
    return judge(parsed(*stories), rules or Rulebook())


def outcomes(judgement: Judgement) -> dict[str, str]:
    """The outcome of each search."""
    return {s.search_id: v.outcome_of_search(s)[1] for v in judgement.verdicts for s in v.need.searches}


def verdict_of(judgement: Judgement, search_id: str) -> Verdict:
    return next(v for v in judgement.verdicts if any(search_id in s.members for s in v.need.searches))
