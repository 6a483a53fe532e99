"""Queries that ask the same thing, put together without any model: leaders by word overlap, then a softer merge of leaders.

The values here are bags (sorted stems of a query, `cluster_text.stems`) with how often they were asked, one language at a time.
Ids are given once and never reused; what merges leaves a trace old → new (deflection.md 5.1).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from app.deflection.grouping.cluster_text import trigrams
from app.deflection.grouping.wording import dice

Bag = tuple[str, ...]

SAME_WORDS = 0.5
"""IDF-weighted Jaccard from which a bag joins a leader."""
SAME_LETTERS = 0.62
"""Trigram Dice of whole bags from which a rare bag, probably a slip, joins a leader."""
SOFTLY_SAME = 0.6
"""Soft weighted Jaccard from which two leaders are one."""
SAME_WORD = 0.55
"""Trigram Dice from which two stems count as one word in the soft comparison."""
RARE = 3
"""A bag asked at most this often may be a slip of a common one."""
CANDIDATE_STEMS = 2
"""Leaders are looked up by the rarest stems of a bag; common ones bring only strangers."""


@dataclass
class Leader:
    """The bag that a cluster is compared by: the most asked one when the cluster began."""

    id: int
    bag: Bag
    count: int


@dataclass
class Clustering:
    """The leaders of one language, with the indexes to find them; `next_id` gives ids that were never used."""

    next_id: Callable[[], int]
    leaders: dict[int, Leader] = field(default_factory=dict)
    known: dict[Bag, int] = field(default_factory=dict)
    """Every bag that has a cluster."""
    pinned: set[Bag] = field(default_factory=set)
    """Bags that an editor has put where they are."""
    frequency: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    """In how many distinct bags a stem occurs."""
    by_stem: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    by_trigram: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))

    def weight(self, stem: str) -> float:
        """The inverse document frequency of a stem; an unseen one weighs most."""
        return math.log(1 + (len(self.known) + 1) / (self.frequency.get(stem, 0) + 0.5))

    def restore(self, id: int, bag: Bag, count: int, leads: bool, pinned: bool = False) -> None:
        """Put back a bag that already has its cluster."""
        self._remember(bag, id)
        if pinned:
            self.pinned.add(bag)
        if leads:
            self._lead(Leader(id, bag, count))

    def assign(self, bag: Bag, count: int = 1) -> int:
        """The cluster of a bag: the known one, the nearest leader's, or a new one."""
        if bag in self.known:
            return self.known[bag]
        found = self.nearest(bag, count)
        id = found if found is not None else self.next_id()
        self._remember(bag, id)
        if found is None:
            self._lead(Leader(id, bag, count))
        return id

    def nearest(self, bag: Bag, count: int = 1) -> int | None:
        """The best leader that is near enough, None if there is none."""
        best = self._best((jaccard(bag, self.leaders[id].bag, self.weight), id) for id in self._sharing_stems(bag))
        if best and best[0] >= SAME_WORDS:
            return best[1]
        if count <= RARE:
            letters = bag_trigrams(bag)
            best = self._best((dice(letters, bag_trigrams(self.leaders[id].bag)), id) for id in self._sharing_letters(bag))
            if best and best[0] >= SAME_LETTERS:
                return best[1]
        return None

    def _best(self, scored: Iterable[tuple[float, int]]) -> tuple[float, int] | None:
        # Of equally near leaders the more asked one, then the older one.
        return max(scored, key=lambda pair: (pair[0], self.leaders[pair[1]].count, -pair[1]), default=None)

    def _sharing_stems(self, bag: Bag) -> set[int]:
        rarest = sorted(bag, key=lambda stem: (self.frequency.get(stem, 0), stem))
        known = [stem for stem in rarest if stem in self.by_stem][:CANDIDATE_STEMS]
        return {id for stem in known for id in self.by_stem[stem]}

    def _sharing_letters(self, bag: Bag) -> list[int]:
        """Leaders that share enough trigrams to be able to reach the threshold; the most common trigrams are not looked up."""
        letters = bag_trigrams(bag)
        shared: dict[int, int] = defaultdict(int)
        for gram in sorted(letters, key=lambda g: len(self.by_trigram.get(g, ())))[: max(4, len(letters) * 2 // 3)]:
            for id in self.by_trigram.get(gram, ()):
                shared[id] += 1
        needed = max(2, len(letters) // 4)
        return [id for id, n in shared.items() if n >= needed]

    def _remember(self, bag: Bag, id: int) -> None:
        if bag not in self.known:
            for stem in bag:
                self.frequency[stem] += 1
        self.known[bag] = id

    def _lead(self, leader: Leader) -> None:
        self.leaders[leader.id] = leader
        for stem in leader.bag:
            self.by_stem[stem].append(leader.id)
        for gram in bag_trigrams(leader.bag):
            self.by_trigram[gram].append(leader.id)

    def merge_leaders(self) -> list[tuple[int, int]]:
        """Pass 2: every leader joins the first more asked one it is softly the same as; gives old → new, no chains."""
        order = sorted(self.leaders.values(), key=lambda leader: (-leader.count, leader.id))
        similar = SimilarStems(stem for leader in order for stem in leader.bag)
        kept: dict[str, list[Leader]] = defaultdict(list)
        merged: list[tuple[int, int]] = []
        for leader in order:
            target = None if leader.bag in self.pinned else self._softly_same(leader, kept, similar)
            if target is not None:
                merged.append((leader.id, target.id))
                target.count += leader.count
                continue
            for stem in self._rarest(leader.bag):
                for relative in similar.of(stem):
                    kept[relative].append(leader)
        self._apply(dict(merged))
        return merged

    def _rarest(self, bag: Bag) -> list[str]:
        return sorted(bag, key=lambda stem: (self.frequency.get(stem, 0), stem))[: CANDIDATE_STEMS + 1]

    def _softly_same(self, leader: Leader, kept: dict[str, list[Leader]], similar: SimilarStems) -> Leader | None:
        candidates = {other.id: other for stem in leader.bag for other in kept.get(stem, ())}
        best: tuple[float, int] | None = None
        for other in candidates.values():
            score = soft_jaccard(leader.bag, other.bag, self.weight, similar)
            if score >= SOFTLY_SAME and (best is None or (score, other.count) > (best[0], candidates[best[1]].count)):
                best = (score, other.id)
        return candidates[best[1]] if best else None

    def _apply(self, moved: Mapping[int, int]) -> None:
        if not moved:
            return
        for bag, id in self.known.items():
            if id in moved and bag not in self.pinned:
                self.known[bag] = moved[id]
        # A merged leader's words stay findable, so that the same slip finds its way next time: it is in `known`.
        for old in moved:
            del self.leaders[old]
        gone = set(moved)
        for index in (self.by_stem, self.by_trigram):
            for key in index:
                index[key] = [id for id in index[key] if id not in gone]


class SimilarStems:
    """Which stems are softly the same word, found over shared trigrams."""

    def __init__(self, stems: Iterable[str]) -> None:
        self.vocabulary = sorted(set(stems))
        index: dict[str, list[str]] = defaultdict(list)
        for stem in self.vocabulary:
            for gram in trigrams(stem):
                index[gram].append(stem)
        self._index = index
        self._found: dict[str, frozenset[str]] = {}

    def of(self, stem: str) -> frozenset[str]:
        """The stem itself and those near enough; numbers are never near each other."""
        found = self._found.get(stem)
        if found is None:
            found = self._found[stem] = frozenset({stem}) | self._near(stem)
        return found

    def _near(self, stem: str) -> frozenset[str]:
        # Codes and amounts differ in one digit and mean something else.
        if any(c.isdigit() for c in stem):
            return frozenset()
        mine = trigrams(stem)
        shared: dict[str, int] = defaultdict(int)
        for gram in mine:
            for other in self._index.get(gram, ()):
                shared[other] += 1
        return frozenset(
            other
            for other, n in shared.items()
            if 2 * n >= SAME_WORD * (len(mine) + len(trigrams(other))) and not any(map(str.isdigit, other))
        )


def jaccard(a: Bag, b: Bag, weight: Callable[[str], float]) -> float:
    """Weighted overlap of two bags: shared weight ÷ all weight."""
    mine, theirs = set(a), set(b)
    total = sum(map(weight, mine | theirs))
    return sum(map(weight, mine & theirs)) / total if total else 0.0


def soft_jaccard(a: Bag, b: Bag, weight: Callable[[str], float], similar: SimilarStems) -> float:
    """Weighted overlap where near words count as one; a matched pair weighs as its commoner word, so that a slip weighs no more."""
    left = list(b)
    shared = alone = 0.0
    for stem in a:
        match = stem if stem in left else next((other for other in left if other in similar.of(stem)), None)
        if match is None:
            alone += weight(stem)
        else:
            left.remove(match)
            shared += min(weight(stem), weight(match))
    alone += sum(map(weight, left))
    return shared / (shared + alone) if shared + alone else 0.0


def bag_trigrams(bag: Bag) -> frozenset[str]:
    """The trigrams of all words of a bag together."""
    return frozenset().union(*(trigrams(stem) for stem in bag)) if bag else frozenset()


def cluster(bags: Mapping[Bag, int], next_id: Callable[[], int]) -> Clustering:
    """Cluster a whole log: leaders by falling count, then the soft merge."""
    clustering = Clustering(next_id)
    order = sorted(bags, key=lambda bag: (-bags[bag], bag))
    for bag in order:
        # Frequencies first, so that the first leaders are not judged by an empty vocabulary.
        for stem in bag:
            clustering.frequency[stem] += 1
    for bag in order:
        found = clustering.nearest(bag, bags[bag])
        id = found if found is not None else next_id()
        clustering.known[bag] = id
        if found is None:
            clustering._lead(Leader(id, bag, bags[bag]))
        else:
            clustering.leaders[found].count += bags[bag]
    clustering.merge_leaders()
    return clustering
