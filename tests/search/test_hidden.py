"""What a viewer may not see takes no part in anything: hits, order, scores, passages, "close", corrections."""

from __future__ import annotations

import random

import pytest
from desks import NOISE, MakeDesk, article

from app.content import STAFF, VISITOR, Audience, Site, Viewer
from app.search import LearnedPhrase, SearchContext

FEES = article(
    "fees", "Fees for cash", "Taking out cash costs nothing three times a month.", summary="Three withdrawals a month are free.",
    sections=(("abroad", "Cash abroad", "Withdrawals abroad in euro cost nothing. The machine's owner may add a fee."),),
)  # fmt: skip
DECLINED = article("declined", "Card payment declined", "The payment was declined because the balance is too low.")
SEEN = (FEES, DECLINED, article("swedish", "Uttag", "Uttag kostar inget.", locale="sv"), *NOISE)
WORDS = [
    "cash", "fee", "fees", "withdrawals", "abroad", "euro", "machine", "owner", "payment", "declined", "balance", "month", "free", "costs",
    "nothing", "secret", "quetzal",
]  # fmt: skip


def _hidden(count: int, audience: Audience, **dates: str) -> list[object]:
    chance = random.Random(count)
    return [
        article(
            f"{audience}{n}", " ".join(chance.choices(WORDS, k=3)), " ".join(chance.choices(WORDS, k=40)),
            sections=(("s", " ".join(chance.choices(WORDS, k=2)), " ".join(chance.choices(WORDS, k=30))),), audience=audience, **dates,
        )
        for n in range(count)
    ]  # fmt: skip


ALL = [
    *SEEN, *_hidden(40, Audience.AGENTS), *_hidden(15, Audience.CUSTOMERS), *_hidden(10, Audience.PUBLIC, live_from="2030-01-01"),
]  # fmt: skip
QUERIES = [
    "cash", "fee for withdrawals abroad in euro", "free withdrawals a month", "payment declined", "delcined payment", "quetzal", "secret fee",
    "what costs nothing abroad", "owner of the machine", "withdrawal fee balance euro machine castle dragon", "uttag", "cash nothing",
]  # fmt: skip


@pytest.mark.parametrize("query", QUERIES)
def test_a_visitor_is_answered_as_if_hidden_articles_did_not_exist(desk: MakeDesk, query: str) -> None:
    learned = LearnedPhrase(f"{Audience.AGENTS}1", "en", "cash fee abroad machine", 9.0)
    mine = LearnedPhrase("fees", "en", "cash machine abroad", 2.0)
    with_hidden = desk(*ALL, context=SearchContext(Site("Test"), learned=(learned, mine))).ask(query)
    without = desk(*SEEN, context=SearchContext(Site("Test"), learned=(mine,))).ask(query)
    assert [h.slug for h in with_hidden.hits] == [h.slug for h in without.hits]
    assert [h.score for h in with_hidden.hits] == pytest.approx([h.score for h in without.hits], rel=1e-9)
    for part in ("passage", "close", "corrected", "did_you_mean", "also_searched", "total", "by_category", "by_locale"):
        mine_there, mine_here = getattr(with_hidden, part), getattr(without, part)
        assert mine_there == mine_here, part


def test_each_kind_of_viewer_has_scores_of_its_own(desk: MakeDesk) -> None:
    d = desk(*ALL)
    found = [d.ask("cash fee", viewer=v) for v in (VISITOR, Viewer(frozenset({Audience.PUBLIC, Audience.CUSTOMERS})), STAFF, VISITOR)]
    assert found[0].hits == found[3].hits
    assert found[0].total < found[1].total < found[2].total
    assert found[0].hits[0].score != found[2].hits[0].score


def test_an_article_that_is_hidden_by_an_update_leaves_the_scores(desk: MakeDesk) -> None:
    d = desk(*SEEN, *_hidden(20, Audience.PUBLIC))
    before = d.ask("cash fee abroad").hits[0].score
    d.engine.update(_hidden(20, Audience.AGENTS), [f"en/{Audience.PUBLIC}{n}" for n in range(20)], "revision2", d.context)  # type: ignore[arg-type]
    after = d.ask("cash fee abroad")
    assert {h.slug for h in after.hits} <= {a.slug for a in SEEN}
    assert after.total == 1
    assert after.hits[0].score != before, "the hidden ones made its words less rare"
