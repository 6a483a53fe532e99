"""How each article does where it was the last thing read, compared with other articles read for the same questions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from app.deflection.inference.statistics import Proportion, Shrunk, dense, design_effect, shrink_all
from app.deflection.reporting import facts
from app.deflection.reporting.facts import FAILED, Frame

PRIOR_WEIGHT = 20


@dataclass(frozen=True)
class ArticleRow:
    """One article: `expected` is what other articles answer on the same mix of questions."""

    article: str
    last_read: Proportion
    """Of all needs, whatever was read: how many ended with this article."""
    answered: Proportion
    shrunk: Shrunk
    escalated: Proportion
    escalated_shrunk: Shrunk
    helpful: int
    not_helpful: int
    left: int
    """Needs that ended here with neither an answer nor a request."""
    expected: float
    persons: int

    @property
    def needs(self) -> int:
        return int(self.last_read.count)

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
    groups = list(read.groups("article"))
    last_read = _last_read(needs)
    answered = [_share_of(own, own.rules(facts.CONFIRMED, facts.LIKELY)) for _, own in groups]
    escalated = [_share_of(own, own.rules(facts.ESCALATED)) for _, own in groups]
    codes = [code for code, _ in groups]
    shrunk = _shrink(answered, _priors(read, read.rules(facts.CONFIRMED, facts.LIKELY), category_of)[codes])
    writing = _shrink(escalated, _priors(read, read.rules(facts.ESCALATED), category_of)[codes])
    rows = [
        _row(own, names[code], last_read[code], (a, s), (e, w), expected[code])
        for (code, own), a, s, e, w in zip(groups, answered, shrunk, escalated, writing, strict=True)
    ]
    return sorted(rows, key=lambda row: (-row.lost, row.article))


def _share_of(needs: Frame, hits: np.ndarray) -> Proportion:
    return Proportion(int(hits.sum()), len(needs), design_effect(hits, needs["person"]))


def _shrink(shares: list[Proportion], priors: np.ndarray) -> list[Shrunk]:
    """Pulled towards the priors as strongly as the effective sizes allow."""
    return shrink_all([s.count / s.deff for s in shares], [s.base / s.deff for s in shares], priors.tolist(), PRIOR_WEIGHT)


def _last_read(needs: Frame) -> list[Proportion]:
    """For each article code, its share in all needs with the design effect of persons: all articles in one pass over pairs with a person."""
    total, articles = len(needs), len(needs.names["article"])
    person = dense(needs["person"])
    sizes = np.bincount(person).astype(float)
    pairs, hits = np.unique(needs["article"].astype(np.int64) * len(sizes) + person, return_counts=True)
    article, who = np.divmod(pairs, len(sizes))
    counts, squares, products = (
        np.bincount(article, weights=weights, minlength=articles) for weights in (hits, hits.astype(float) ** 2, hits * sizes[who])
    )
    p, people = counts / total, int(np.count_nonzero(sizes))
    # Σ over persons of (hits − p·needs)², multiplied out, because most persons have no hit.
    residuals = squares - 2 * p * products + p**2 * float((sizes**2).sum())
    binomial = p * (1 - p) * total
    clustered = np.divide(residuals * people, binomial * max(people - 1, 1), out=np.ones(articles), where=binomial > 0)
    effects = clustered.clip(1.0, float(total)).tolist()
    return [Proportion(int(count), total, effect) for count, effect in zip(counts.tolist(), effects, strict=True)]


def _row(
    needs: Frame,
    article: str,
    last_read: Proportion,
    answered: tuple[Proportion, Shrunk],
    escalated: tuple[Proportion, Shrunk],
    expected: float,
) -> ArticleRow:
    return ArticleRow(
        article,
        last_read,
        *answered,
        *escalated,
        int((needs["vote"] > 0).sum()),
        int((needs["vote"] < 0).sum()),
        int(needs.rules(*FAILED).sum() - escalated[0].count),
        expected,
        needs.persons,
    )


def _priors(read: Frame, hits: np.ndarray, category_of: Mapping[str, str]) -> np.ndarray:
    """For each article code, the share of its category."""
    names = read.names["article"]
    n = np.bincount(read["article"], minlength=len(names)).astype(float)
    k = np.bincount(read["article"], weights=hits.astype(float), minlength=len(names))
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
