"""Needs with known truth as facts, for tests of reports: no events, no database, but noise of every kind."""

from __future__ import annotations

import random

from app.deflection.reporting.facts import DAY_MS, FORM, NeedFact

NOW = 20_700 * DAY_MS
FINAL_AFTER = 8 * DAY_MS


def need(i: int, **fields) -> NeedFact:
    """A final, counted need that nobody answered, with some fields changed."""
    first = fields.pop("first", NOW - 30 * DAY_MS + i * 1000)
    defaults = {
        "person": i, "last": first + 60_000, "kind": 0, "rule": 11, "final_at": first + FINAL_AFTER, "link_class": 1, "post_ticket": False,
        "locale": "en", "device": "phone", "cluster": 1, "searches": 1, "clicked": 0,
    }  # fmt: skip
    return NeedFact(need=f"n{i}", first=first, **(defaults | fields))


def population(seed: int, n: int, days: int = 90, answer: float = 0.6, survey: float = 0.2) -> tuple[list[NeedFact], dict[str, float]]:
    """`n` needs by people with several each; gives the true answered share and the true number of tickets avoided as well."""
    rng = random.Random(seed)
    facts, answered_n, avoided = [], 0, 0.0
    for i in range(n):
        cluster = rng.choices(range(1, 9), [8, 6, 5, 4, 3, 2, 1, 1])[0]
        writes = 0.1 + 0.06 * cluster
        answered = rng.random() < min(0.95, answer + 0.05 * (4 - cluster))
        would_write = rng.random() < writes
        answered_n += answered
        avoided += answered and would_write
        link_class = rng.choices((2, 1, 0), (0.5, 0.4, 0.1))[0]
        rule = _rule(rng, answered, would_write, link_class)
        asked = rng.random() < survey
        replied = asked and rng.random() < 0.5
        first = NOW - int(rng.uniform(10, days) * DAY_MS)
        facts.append(
            need(
                i, first=first, person=rng.randrange(n * 2 // 3), rule=rule, link_class=link_class, cluster=cluster,
                article=f"a{cluster}" if rule in (2, 6, 7) or rng.random() < 0.5 else "", opened=rule in (2, 6, 7), satisfied=rule in (2, 6, 7),
                searches=rng.choice((1, 1, 2, 3)), zero=int(rule == 10), clicked=int(rule in (2, 6, 7)), answer_ms=20_000 if rule in (2, 6) else -1,
                escalate_ms=int(rng.expovariate(1) * DAY_MS / 2) if rule == 1 else -1, asked=asked, survey=int(answered) if replied else -1,
                locale=rng.choice(("en", "en", "sv")), device=rng.choice(("phone", "desktop")),
            )
        )  # fmt: skip
    facts += [need(n + i, rule=0, survey=1, asked=True) for i in range(20)]
    facts += [need(n + 100 + i, kind=FORM, searches=0, rule=1) for i in range(20)]
    facts += [need(n + 200 + i, kind=1, searches=0, rule=5) for i in range(20)]
    return facts, {"answered": answered_n / n, "avoided": avoided}


def _rule(rng: random.Random, answered: bool, would_write: bool, link_class: int) -> int:
    if not answered and would_write:
        return 1 if link_class else rng.choice((10, 11))
    if answered and rng.random() < 0.03:
        return 2
    read = rng.random() < (0.9 if answered else 0.2)
    if read:
        return 6 if link_class else 7
    return rng.choice((10, 11, 11, 8))
