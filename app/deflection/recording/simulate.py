"""A stream of events with known truth: people with questions, of whom we know whether they were answered and would have written.

For benchmarks, tests and demonstrations. Every rate is an assumption, stated in `Behaviour`; the stream shows how definitions behave,
not how large anything is in the world. The same seed gives the same stream.
"""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

SECOND, HOUR, DAY = 1000, 3_600_000, 86_400_000
AGENTS = {
    "desktop": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "phone": "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 Safari/604.1",
    "tablet": "Mozilla/5.0 (iPad; CPU OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Safari/604.1",
}
ROBOT = "Mozilla/5.0 (compatible; ExampleBot/2.1; +https://bot.example/)"

_SYLLABLES = (
    "ka",
    "re",
    "mo",
    "ti",
    "sun",
    "ver",
    "lo",
    "pan",
    "dri",
    "fe",
    "go",
    "bel",
    "ster",
    "ni",
    "cha",
    "pro",
    "tex",
    "um",
    "or",
    "al",
)


@dataclass(frozen=True)
class Subject:
    """What people ask: wordings by locale, the articles found, how often these answer, how often the unanswered write."""

    name: str
    wordings: dict[str, tuple[str, ...]]
    articles: tuple[str, ...] = ()
    answers: float = 0.6
    writes: float = 0.35
    weight: float = 1.0


@dataclass(frozen=True)
class Behaviour:
    """Rates of everything a person may do; assumptions, not measurements."""

    signed_in: float = 0.35
    no_cookie: float = 0.12
    typed: float = 0.5
    opens: float = 0.85
    """Opens a result, if there is one."""
    asks_again: float = 0.35
    """Searches again in other words when not answered."""
    votes: float = 0.03
    dwell_answered: float = 80.0
    dwell_not: float = 22.0
    """Median seconds of active reading."""
    dwell_spread: float = 0.8
    no_beacon: float = 0.03
    answer_shown: float = 0.1
    by_form: float = 0.6
    """Of those who write, the share that uses the form; the others send mail or phone."""
    walks_away: float = 0.2
    """Leaves an opened form without sending, answered or not."""
    form_helps: float = 0.25
    """An answer shown in the form answers somebody who was not, if the subject has one."""
    says_solved: float = 0.4
    """Presses 'this answered my question' when the form helped."""
    holdout: float = 0.1
    surveyed: float = 0.05
    replies_answered: float = 0.5
    replies_not: float = 0.4
    writes_unasked: float = 0.04
    """People who write without having searched, for each who searched."""
    known_sender: float = 0.7
    """Of mails and calls, the share whose sender we know."""
    writes_after_hours: float = 12.0
    """How long after the question mails and calls come, on average."""
    robots: float = 0.01


@dataclass
class Truth:
    """What really happened to one need; nobody who only sees events knows it."""

    search_id: str
    subject: str
    answered: bool
    wrote: bool
    would_write: bool
    """Meant to write unless answered."""
    at: int
    arm: str = ""
    would_send: bool = True
    """Would not have walked away from the form."""


@dataclass
class Simulated:
    """Events in the neutral schema, in the order in which they are received, and the truth behind them."""

    events: list[dict[str, Any]] = field(default_factory=list)
    truth: list[Truth] = field(default_factory=list)

    @property
    def answered_share(self) -> float:
        return sum(t.answered for t in self.truth) / len(self.truth)

    @property
    def avoided(self) -> int:
        """Needs that were answered of people of whom a request would have come otherwise."""
        return sum(t.answered and t.would_write and t.would_send for t in self.truth)


def subjects(count: int, seed: int = 1) -> list[Subject]:
    """Made-up subjects with made-up words, some without any article."""
    rng = random.Random(seed)  # noqa: S311 - a simulation, not a secret
    found = []
    for i in range(count):
        words = ["".join(rng.choice(_SYLLABLES) for _ in range(rng.choice((2, 3)))) for _ in range(3)]
        wordings = (" ".join(words), " ".join(words[:2]), f"how do i {words[1]} {words[2]}", f"{words[0]} {words[2]} {words[1]}")
        articles = () if i % 9 == 8 else (f"a{i}", f"a{(i + 1) % count}")
        found.append(Subject(f"s{i}", {"en": wordings}, articles, rng.uniform(0.3, 0.85), rng.uniform(0.15, 0.6), 1 / (i + 3)))
    return found


def stream(
    seed: int, topics: Sequence[Subject], needs: int, start: int, days: int, behaviour: Behaviour | None = None, growth: float = 0.0
) -> Simulated:
    """`needs` questions over `days` from `start` (ms); with `growth`, answers get better by that share over the period."""
    return _Stream(seed, topics, start, days, behaviour or Behaviour(), growth).run(needs)


class _Stream:
    def __init__(self, seed: int, topics: Sequence[Subject], start: int, days: int, behaviour: Behaviour, growth: float) -> None:
        self.rng = random.Random(seed)  # noqa: S311 - a simulation, not a secret
        self.seed, self.topics, self.start, self.days, self.b, self.growth = seed, topics, start, days, behaviour, growth
        self.weights = [t.weight for t in topics]
        self.done = Simulated()
        self.n = 0

    def run(self, needs: int) -> Simulated:
        people = max(1, round(needs / 1.6))
        for _ in range(needs):
            self._question(self.rng.randrange(people))
        for _ in range(round(needs * self.b.writes_unasked)):
            self._unasked()
        for i in range(round(needs * self.b.robots)):
            self._robot(i)
        self.done.events.sort(key=lambda e: (e["t_recv"], e["event_id"]))
        return self.done

    # who and when

    def id(self, kind: str) -> str:
        self.n += 1
        return f"{kind}{self.seed}-{self.n}"

    def _moment(self) -> int:
        """More by day than by night, fewer at the weekend."""
        while True:
            at = self.start + int(self.rng.random() * self.days * DAY)
            hour, weekday = at // HOUR % 24, (at // DAY + 3) % 7
            if self.rng.random() < (0.25 + 0.75 * math.exp(-((hour - 14) ** 2) / 30)) * (0.6 if weekday >= 5 else 1.0):
                return at

    def _who(self, person: int) -> dict[str, Any]:
        fixed = random.Random(f"{self.seed}:{person}")  # noqa: S311
        device = fixed.choices(("phone", "desktop", "tablet"), (0.55, 0.4, 0.05))[0]
        cookie = fixed.random() >= self.b.no_cookie
        signed_in = fixed.random() < self.b.signed_in
        locales = list(self.topics[0].wordings)
        return {
            "visitor": f"v{self.seed}-{person}" if cookie else None,
            "account": f"u{self.seed}-{person}" if signed_in else None,
            "ua": AGENTS[device],
            "_locale": fixed.choices(locales, [1 / (i * i + 1) for i in range(len(locales))])[0],
            "_sender": hashlib.sha256(f"{self.seed}:{person}".encode()).hexdigest()[:32],
            "_person": person,
        }

    def _emit(self, who: dict[str, Any], at: int, type: str, **fields: Any) -> None:
        common = {k: v for k, v in who.items() if not k.startswith("_") and v is not None}
        delay = 50 + int(self.rng.expovariate(1 / 200))
        self.done.events.append(
            {"event_id": self.id("e"), "type": type, "t_client": at, "t_sent": at, "t_recv": at + delay, **common, **fields}
        )

    # one question

    def _question(self, person: int) -> None:
        rng, b = self.rng, self.b
        topic = rng.choices(self.topics, self.weights)[0]
        who = self._who(person)
        who["tab"] = self.id("t")
        at = self._moment()
        if who["account"]:
            self._emit(who, at - 2000, "identify", requester=who["_sender"])
        locale = who["_locale"] if who["_locale"] in topic.wordings else next(iter(topic.wordings))
        would_write = rng.random() < topic.writes
        searches = answered = 0
        first = last = ""
        while True:
            found = topic.articles if rng.random() < 0.93 else ()
            last = self._search(who, at, rng.choice(topic.wordings[locale]), found, locale)
            first, searches = first or last, searches + 1
            at += int(rng.uniform(3, 12) * SECOND)
            if found and rng.random() < b.opens:
                better = 1 + self.growth * (at - self.start) / (self.days * DAY)
                answered = rng.random() < min(topic.answers * better, 0.97)
                at = self._read(who, at, rng.choices(found, [3.0, *[1.0] * (len(found) - 1)])[0], last, bool(answered))
            if answered or searches >= 4 or rng.random() > b.asks_again:
                break
            at += int(rng.uniform(4, 40) * SECOND)
        truth = Truth(last, topic.name, bool(answered), False, would_write, at, would_send=self._would_send(last, b.by_form))
        if not answered and would_write:
            self._write(who, at, topic, locale, last, truth)
        if rng.random() < b.surveyed:
            said = rng.random() < (b.replies_answered if truth.answered else b.replies_not)
            self._emit(who, at + 20 * SECOND, "survey", search_id=last, **({"answered": truth.answered} if said else {}))
        self.done.truth.append(truth)

    def _search(self, who: dict[str, Any], at: int, words: str, found: tuple[str, ...], locale: str) -> str:
        shown = bool(found) and self.rng.random() < self.b.answer_shown
        if self.rng.random() < self.b.typed and len(words) > 6:
            for cut in (len(words) // 2, len(words) - 2):
                self._emit(
                    who, at - (len(words) - cut) * 150, "search", search_id=self.id("q"), q=words[:cut].strip() or words, mode="type",
                    n_results=len(found), results=list(found), lang=locale, surface="portal",
                )  # fmt: skip
        search_id = self.id("q")
        self._emit(
            who, at, "search", search_id=search_id, q=words, mode="submit", n_results=len(found), results=list(found), lang=locale,
            surface="portal", answer_shown=shown,
        )  # fmt: skip
        return search_id

    def _read(self, who: dict[str, Any], at: int, article: str, search_id: str, answered: bool) -> int:
        rng, b = self.rng, self.b
        view = self.id("w")
        self._emit(who, at, "click", search_id=search_id, article=article, rank=1)
        beacon = rng.random() >= b.no_beacon
        self._emit(who, at + 200, "view", view_id=view, article=article, source="search", search_id=search_id, beacon=beacon)
        seconds = rng.lognormvariate(math.log(b.dwell_answered if answered else b.dwell_not), b.dwell_spread)
        end = at + int(min(seconds, 900) * SECOND)
        if beacon:
            self._emit(who, end, "dwell", view_id=view, active_ms=int(min(seconds, 900) * SECOND))
        if rng.random() < b.votes:
            self._emit(who, end + 300, "vote", kind="helpful", value=1 if answered else -1, view_id=view)
        return end + SECOND

    # writing to us

    def _write(self, who: dict[str, Any], at: int, topic: Subject, locale: str, search_id: str, truth: Truth) -> None:
        rng, b = self.rng, self.b
        subject = rng.choice(topic.wordings[locale])
        if rng.random() >= b.by_form:
            truth.wrote = True
            late = int(rng.expovariate(1 / b.writes_after_hours) * HOUR)
            known = rng.random() < b.known_sender
            self._ticket(
                who if known else {"_sender": self.id("r")}, at + late + 60 * SECOND, subject, rng.choice(("email", "email", "phone")), None
            )
            return
        form = self.id("f")
        at += 5 * SECOND
        self._emit(who, at, "form_open", form_id=form)
        unit = who["account"] or who["visitor"] or who["tab"]
        share = int(hashlib.sha256(f"{self.seed}|{unit}".encode()).hexdigest()[:8], 16) / 0xFFFFFFFF
        truth.arm = "holdout" if share < b.holdout else "on"
        shown = truth.arm == "on" and bool(topic.articles)
        self._emit(who, at + 4 * SECOND, "suggest", form_id=form, articles=list(topic.articles), arm=truth.arm, shown=shown)
        if shown and rng.random() < b.form_helps:
            truth.answered, truth.would_send = True, self._would_send(search_id, 1.0)
            self._read_in_form(who, at + 8 * SECOND, topic.articles[0], form)
            if rng.random() < b.says_solved:
                self._emit(who, at + 150 * SECOND, "vote", kind="solved", value=1, form_id=form)
            return
        if rng.random() < b.walks_away:
            return
        truth.wrote = True
        self._ticket(who, at + int(rng.uniform(40, 240) * SECOND), subject, "form", form)

    def _would_send(self, search_id: str, by_form: float) -> bool:
        """Whether what was never begun would have been sent; drawn apart, so that the stream does not depend on it."""
        return random.Random(f"{self.seed}:sends:{search_id}").random() >= by_form * self.b.walks_away  # noqa: S311

    def _read_in_form(self, who: dict[str, Any], at: int, article: str, form: str) -> None:
        view = self.id("w")
        seconds = min(self.rng.lognormvariate(math.log(self.b.dwell_answered), self.b.dwell_spread), 140)
        self._emit(who, at, "click", form_id=form, article=article, rank=1)
        self._emit(who, at + 100, "view", view_id=view, article=article, source="suggestion", form_id=form)
        self._emit(who, at + int(seconds * SECOND), "dwell", view_id=view, active_ms=int(seconds * SECOND))

    def _ticket(self, who: dict[str, Any], at: int, subject: str, channel: str, form: str | None) -> None:
        fields: dict[str, Any] = {
            "ticket_id": self.id("k"),
            "t_created": at,
            "channel": channel,
            "subject": subject,
            "requester": who["_sender"],
        }
        if form:
            self._emit(who, at, "ticket", **fields, form_id=form)
            return
        self._emit({"ua": ""}, at, "ticket", **fields)

    def _unasked(self) -> None:
        topic = self.rng.choices(self.topics, self.weights)[0]
        subject = self.rng.choice(next(iter(topic.wordings.values())))
        self._ticket({"_sender": self.id("r")}, self._moment(), subject, self.rng.choice(("email", "phone")), None)

    def _robot(self, i: int) -> None:
        who = {"visitor": f"bot{self.seed}-{i}", "tab": self.id("t"), "ua": ROBOT, "account": None}
        for j in range(self.rng.randrange(1, 6)):
            self._search(who, self._moment(), f"robot words {j}", (), "en")


def lines(simulated: Simulated) -> Iterator[str]:
    """The events as JSON Lines."""
    import json

    return (json.dumps(event, ensure_ascii=False) for event in simulated.events)


def simulated_lines(seed: int, topics: Sequence[Subject], needs: int, start: int, days: int) -> Iterator[str]:
    """A stream of `needs` questions over `days` from `start` (ms) as JSON Lines, ready to be imported."""
    found = stream(seed, topics, needs, start, days, growth=0.15)
    # Mail that is written after the last day has not come yet.
    end = start + days * DAY
    return lines(Simulated([event for event in found.events if event["t_recv"] < end], found.truth))
