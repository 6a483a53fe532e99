"""How each article does where it was the last thing read, compared with other articles read for the same questions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from app.deflection import facts
from app.deflection.facts import FAILED, Frame
from app.deflection.statistics import Interval, Proportion, Shrunk, design_effect, shrink_all, wilson

PRIOR_WEIGHT = 20
FEW_VOTES = 30


@dataclass(frozen=True)
class ArticleRow:
    """One article: `expected` is what other articles answer on the same mix of questions."""

    article: str
    needs: int
    answered: Proportion
    shrunk: Shrunk
    escalated: Proportion
    helpful: int
    not_helpful: int
    left: int
    """Needs that ended here with neither an answer nor a request."""
    expected: float
    persons: int

    @property
    def votes(self) -> int:
        return self.helpful + self.not_helpful

    @property
    def below(self) -> bool:
        """Whether it answers less than others on the same questions, beyond chance."""
        return self.shrunk.interval.high < self.expected

    @property
    def above(self) -> bool:
        return self.shrunk.interval.low > self.expected

    @property
    def lost(self) -> float:
        """Needs that would have been answered, had it done as well as others: what to work on first."""
        return self.needs * (self.expected - self.shrunk.mean)


def article_rows(needs: Frame, category_of: Mapping[str, str]) -> list[ArticleRow]:
    """Every article that was the last one read, the most to gain first."""
    names = needs.names["article"]
    nothing = needs.code("article", "")
    read = needs.where(needs["article"] != nothing)
    if not len(read):
        return []
    expected = _expected(read, names)
    priors = _priors(read, names, category_of)
    groups = list(read.groups("article"))
    answered = [_answered(own) for _, own in groups]
    shrunk = shrink_all(
        [a.count / a.deff for a in answered], [a.base / a.deff for a in answered], [priors[code] for code, _ in groups], PRIOR_WEIGHT
    )
    rows = [_row(own, names[code], a, s, expected[code]) for (code, own), a, s in zip(groups, answered, shrunk, strict=True)]
    return sorted(rows, key=lambda row: (-row.lost, row.article))


def _answered(needs: Frame) -> Proportion:
    answered = needs.rules(facts.CONFIRMED, facts.LIKELY)
    return Proportion(int(answered.sum()), len(needs), design_effect(answered, needs["person"]))


def _row(needs: Frame, article: str, answered: Proportion, shrunk: Shrunk, expected: float) -> ArticleRow:
    escalated = needs.rules(facts.ESCALATED)
    return ArticleRow(
        article,
        len(needs),
        answered,
        shrunk,
        Proportion(int(escalated.sum()), len(needs), design_effect(escalated, needs["person"])),
        int((needs["vote"] > 0).sum()),
        int((needs["vote"] < 0).sum()),
        int(needs.rules(*FAILED).sum() - escalated.sum()),
        expected,
        needs.persons,
    )


def _priors(read: Frame, names: tuple[str, ...], category_of: Mapping[str, str]) -> np.ndarray:
    """For each article code, the answered share of its category."""
    answered = read.rules(facts.CONFIRMED, facts.LIKELY).astype(float)
    n = np.bincount(read["article"], minlength=len(names)).astype(float)
    k = np.bincount(read["article"], weights=answered, minlength=len(names))
    categories = np.array([category_of.get(name, "") for name in names])
    overall = float(k.sum() / n.sum())
    priors = np.full(len(names), overall)
    for category in np.unique(categories):
        here = categories == category
        if n[here].sum():
            priors[here] = k[here].sum() / n[here].sum()
    return priors


def _expected(read: Frame, names: tuple[str, ...]) -> np.ndarray:
    """For each article, the answered share of the *other* articles on its own mix of clusters (each cluster shrunk to the average)."""
    answered = read.rules(facts.CONFIRMED, facts.LIKELY).astype(float)
    clusters, cluster = np.unique(read["cluster"], return_inverse=True)
    overall = float(answered.mean())
    size = np.bincount(cluster, minlength=len(clusters)).astype(float)
    hits = np.bincount(cluster, weights=answered, minlength=len(clusters))
    pair = cluster.astype(np.int64) * len(names) + read["article"]
    pairs, index = np.unique(pair, return_inverse=True)
    own_n = np.bincount(index).astype(float)
    own_k = np.bincount(index, weights=answered)
    others_n, others_k = size[pairs // len(names)] - own_n, hits[pairs // len(names)] - own_k
    rates = (others_k + PRIOR_WEIGHT * overall) / (others_n + PRIOR_WEIGHT)
    article = pairs % len(names)
    total = np.bincount(article, weights=own_n, minlength=len(names))
    weighted = np.bincount(article, weights=own_n * rates, minlength=len(names))
    return np.divide(weighted, total, out=np.full(len(names), overall), where=total > 0)


@dataclass(frozen=True)
class VoteShare:
    """Votes on an article with their interval; under 30 it says 'few votes'."""

    helpful: int
    total: int
    interval: Interval

    @property
    def few(self) -> bool:
        return self.total < FEW_VOTES


def vote_share(row: ArticleRow) -> VoteShare:
    return VoteShare(row.helpful, row.votes, wilson(row.helpful, row.votes))
