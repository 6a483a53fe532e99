"""Queries that ask the same thing come together, in four languages, with slips; others do not."""

from __future__ import annotations

import itertools
import random

import pytest

from app.deflection.grouping.cluster_text import stem, stems
from app.deflection.grouping.clusters import Clustering, cluster


def _ids():
    numbers = itertools.count(1)
    return lambda: next(numbers)


def _cluster(counts, language="en"):
    bags = {}
    for query, n in counts.items():
        bag = stems(query, language)
        bags[bag] = bags.get(bag, 0) + n
    clustering = cluster(bags, _ids())
    return {query: clustering.known[stems(query, language)] for query in counts}


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("en", "how do I reset my passwords", "password reset"),
        ("ru", "где мой перевод", "переводы"),
        ("he", "ביטול הכרטיס", "ביטול כרטיס"),
        ("ru", "как отключить Notifications", "отключить notification"),
    ],
)
def test_inflection_does_not_make_another_question(language, one, other):
    assert stems(one, language) == stems(other, language)


def test_short_hebrew_words_keep_their_first_letter():
    assert stem("בית", "he") == "בית"


def test_a_query_of_stop_words_alone_keeps_its_words():
    assert stems("how to", "en") == ("how", "to")


def test_slips_and_other_orders_join_and_strangers_do_not():
    found = _cluster(
        {"virtual card limit": 40, "limit of virtual cards": 5, "virtaul card limit": 1, "close my account": 30, "top up fee": 20}
    )
    assert found["virtual card limit"] == found["limit of virtual cards"] == found["virtaul card limit"]
    assert len({found["virtual card limit"], found["close my account"], found["top up fee"]}) == 3


def test_inflection_that_no_stemmer_knows_is_bridged_by_letters():
    found = _cluster({"ändra fakturan": 9, "ändra fakturor": 5, "spärra kortet": 9}, "sv")
    assert found["ändra fakturan"] == found["ändra fakturor"] != found["spärra kortet"]


def test_codes_that_differ_in_a_digit_stay_apart():
    found = _cluster({"error code 4012": 9, "error code 4013": 9})
    assert found["error code 4012"] != found["error code 4013"]


def test_known_queries_keep_their_cluster_and_new_ones_find_it():
    clustering = Clustering(_ids())
    first = clustering.assign(stems("freeze my card", "en"), 10)
    other = clustering.assign(stems("exchange rates today", "en"), 10)
    assert clustering.assign(stems("card freeze", "en")) == first
    assert clustering.assign(stems("freeze card please now", "en")) == first
    assert clustering.assign(stems("exchange rate", "en")) == other


def test_merge_leaves_a_trace_and_spares_what_is_pinned():
    clustering = Clustering(_ids())
    for id, words, leads in ((1, "cancel subscription", True), (2, "cancell subscripton", True), (3, "cancelled subscriptions now", True)):
        clustering.restore(id, tuple(sorted(words.split())), 10 - id, leads, pinned=id == 3)
    assert clustering.merge_leaders() == [(2, 1)]
    assert set(clustering.leaders) == {1, 3}


def test_a_noisy_log_is_grouped_by_its_topics():
    rng = random.Random(12)
    syllables = ["ka", "re", "mo", "ti", "sun", "ver", "lo", "pan", "dri", "fe", "go", "bel", "ster", "ni", "cha", "pro", "tex"]
    vocabulary = ["".join(rng.choice(syllables) for _ in range(3)) for _ in range(900)]
    topics = [tuple(rng.sample(vocabulary, 3)) for _ in range(80)]
    log = [(_written(rng, topic), i) for i in range(80) for topic in [topics[i]] for _ in range(30)]
    bags = {}
    for query, _ in log:
        bags[stems(query, "en")] = bags.get(stems(query, "en"), 0) + 1
    known = cluster(bags, _ids()).known
    pairs = list(itertools.combinations(rng.sample([(known[stems(q, "en")], t) for q, t in log], 600), 2))
    together = [(a, b) for a, b in pairs if a[0] == b[0]]
    same = [(a, b) for a, b in pairs if a[1] == b[1]]
    assert sum(a[1] == b[1] for a, b in together) / len(together) >= 0.98
    assert sum(a[0] == b[0] for a, b in same) / len(same) >= 0.9


def _written(rng, topic):
    words = [word[:-1] if rng.random() < 0.04 else word for word in topic]
    words = [word + rng.choice(("", "", "s", "ing")) for word in words]
    rng.shuffle(words)
    return " ".join((["how", "do", "i"] if rng.random() < 0.3 else []) + words)
