"""What editors and past searches add, what is told of it, and what is quoted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from desks import NOISE, Desk, MakeDesk, article

from app.content import Site
from app.search import Hit, LearnedPhrase, SearchContext

CASH = article("cash", "Cash machine declined", "The cash machine refuses to pay out when the limit is reached.")
RATES = article("rates", "Exchange rates", "We use the rate of the day.")
PIN = article("pin", "Find your PIN", "The PIN stands in the app.")


def _hit(desk: Desk, text: str, **more: object) -> Hit:
    return desk.ask(text, explain=True, **more).hits[0]


def test_synonyms_widen_the_search_weakly_and_are_named(tmp_path: Path) -> None:
    context = SearchContext(Site("Test"), synonyms={"en": ((("atm",), ("cash machine",), True), (("secret number",), ("pin",), False))})
    d = Desk(tmp_path, [CASH, RATES, PIN, article("atm", "ATM fees", "An ATM may cost something."), *NOISE], context)
    results = d.ask("atm", explain=True)
    assert [h.slug for h in results.hits] == ["atm", "cash"]
    assert "cash machine" in results.also_searched
    explanation = results.hits[1].explanation
    assert explanation is not None and {t.origin for t in explanation.terms} == {"synonym"}
    assert d.slugs("cash machine")[:2] == ["cash", "atm"]
    assert d.slugs("my secret number") == ["pin"]
    assert "secret number" not in d.ask("pin").also_searched, "one way only"
    assert d.slugs('"atm"') == ["atm"], "a quoted word switches them off"
    assert d.slugs("atm", exact=True) == ["atm"]
    without = Desk(tmp_path / "without", [CASH, RATES, *NOISE], context)
    assert without.slugs("atm") == ["cash"]
    assert without.slugs('"atm"') == [], "even where nobody has it"
    loosened = without.ask('atm "rate atm"')
    assert loosened.close and loosened.also_searched == ("cash machine",), "the word that is not quoted is widened still"


def test_one_word_of_a_synonym_of_several_is_no_match_by_itself(tmp_path: Path) -> None:
    context = SearchContext(Site("Test"), synonyms={"en": ((("declined",), ("not accepted", "turned down"), True),)})
    here = article("here", "Where it works", "Cards are accepted in every country. A payment that was turned down is told at once.")
    d = Desk(tmp_path, [here, RATES, *NOISE], context)
    marked = d.ask("declined").hits[0].snippet
    assert "[[accepted]]" not in marked, "accepted is not what declined means"
    assert not d.ask("declined").close, "both words of turned down side by side do mean it"
    only_one = article("here", "Where it works", "Cards are accepted in every country and a payment is turned into euro.")
    assert Desk(tmp_path / "other", [only_one, RATES, *NOISE], context).ask("declined").close


def test_learned_phrases_lift_their_article_and_say_so(desk: MakeDesk) -> None:
    plain = desk(CASH, RATES, PIN, *NOISE)
    assert plain.slugs("yesterday the ghost swallowed lunch") == []
    phrase = LearnedPhrase("cash", "en", "the ghost in it swallowed it", 3.0)
    context = SearchContext(
        Site("Test"), learned=(phrase, LearnedPhrase("gone", "en", "money", 9.0), LearnedPhrase("pin", "en", "nothing", 0.0))
    )
    plain.engine.open(plain.generation, "revision1", context)
    hit = _hit(plain, "yesterday the ghost swallowed lunch")
    assert hit.slug == "cash"
    assert hit.explanation is not None
    assert {t.field for t in hit.explanation.terms} <= {"learned", "learned_pairs"}
    assert sum(t.score for t in hit.explanation.terms) == pytest.approx(hit.score)
    assert plain.slugs("the ghost swallowed lunch", exact=True) == []
    plain.engine.open(plain.generation, "revision1", plain.context)
    assert plain.slugs("the ghost swallowed lunch") == [], "one switch turns them off"


def test_learned_phrases_stay_with_their_article_over_a_commit(desk: MakeDesk) -> None:
    d = desk(CASH, RATES, *NOISE, context=SearchContext(Site("Test"), learned=(LearnedPhrase("cash", "en", "hungry bankomat", 2.0),)))
    d.engine.update([replace(CASH, title="Refused by the machine")], [], "revision2", d.context)
    assert d.slugs("hungry bankomat") == ["cash"]


def test_neighbouring_words_count_more_than_scattered_ones(desk: MakeDesk) -> None:
    together = article("together", "Help one", "A bank transfer takes long. The fee is low. Nothing about any card here at all.")
    apart = article("apart", "Help two", "The bank is closed. The fee for a card is low. One transfer takes long here at all.")
    assert desk(together, apart, *NOISE).slugs("bank transfer") == ["together", "apart"]


def test_the_form_that_was_typed_wins_among_equals(desk: MakeDesk) -> None:
    d = desk(article("one", "Help", "The transfers are listed."), article("two", "Help", "The transfer is listed."), *NOISE)
    assert d.slugs("transfer")[0] == "two"
    assert d.slugs("transfers")[0] == "one"


def test_what_is_explained_adds_up_and_names_fields_words_and_reasons(desk: MakeDesk) -> None:
    hit = _hit(desk(CASH, RATES, *NOISE), "cash machien declined")
    assert hit.explanation is not None
    assert sum(t.score for t in hit.explanation.terms) == pytest.approx(hit.score)
    seen = {(t.origin, t.field) for t in hit.explanation.terms}
    assert {("query", "title"), ("exact", "exact"), ("correction", "title"), ("correction", "pairs")} <= seen


# Snippets, sections, passages

FEES = article(
    "fees", "Fees for cash", "Cash is free up to a limit. " * 3,
    summary="Withdrawals are free up to 200 a month.",
    sections=(
        ("abroad", "Cash abroad", "Banks abroad may add a fee. We never add one for withdrawals abroad in euro. The machine shows it first."),
        ("lost", "Lost receipts", "A receipt is no proof. The app lists everything."),
    ),
)  # fmt: skip


def test_a_snippet_marks_what_was_asked_in_the_sentence_that_holds_most_of_it(desk: MakeDesk) -> None:
    hit = desk(FEES, *NOISE).ask("withdrawals abroad in euro").hits[0]
    assert "[[withdrawals abroad]] in [[euro]]" in hit.snippet
    assert hit.sections == (("abroad", "Cash abroad"),)


def test_a_hebrew_prefix_and_a_title_are_marked(desk: MakeDesk) -> None:
    hit = desk(article("k", "הכרטיס שלי", "איפה הכרטיס שלי עכשיו.", locale="he")).ask("כרטיס", "he").hits[0]
    assert hit.title_marked == "[[הכרטיס]] שלי"


def test_the_best_passage_is_word_for_word_and_links_to_its_section(desk: MakeDesk) -> None:
    results = desk(FEES, *NOISE).ask("fee for withdrawals abroad in euro")
    passage = results.passage
    assert passage is not None
    assert passage.text in FEES.sections[1][2]
    assert "We never add one for withdrawals abroad in euro." in passage.text
    assert (passage.anchor, passage.heading, passage.url) == ("abroad", "Cash abroad", "/en/articles/fees#abroad")
    assert passage.text_marked.replace("[[", "").replace("]]", "") == passage.text


def test_under_a_heading_that_asks_the_question_the_passage_is_how_its_section_begins(desk: MakeDesk) -> None:
    sections = (
        ("abroad", "Cash abroad", "Take out small sums. Choose euro, never another currency. Read the screen. The machine knows cash."),
    )
    guide = article("guide", "Before a journey", "Pack early.", sections=sections)
    passage = desk(guide, *NOISE).ask("cash abroad").passage
    assert passage is not None
    assert passage.text == "Take out small sums. Choose euro, never another currency. Read the screen."


def test_one_word_of_two_is_no_answer_however_much_it_weighs(desk: MakeDesk) -> None:
    lone = article("lone", "Fees of machines", "The owner of the machine may take a surcharge of its own. It says so before you confirm.")
    d = desk(lone, *NOISE)
    assert d.ask("surcharge").passage is not None
    results = d.ask("surcharge word")
    assert [h.slug for h in results.hits][:1] == ["lone"]
    assert results.passage is None


def test_a_word_that_was_only_guessed_is_no_part_of_a_passage(desk: MakeDesk) -> None:
    rates = article(
        "rates", "Exchange at a machine", "The rate of the machine is shown before you confirm. Another rate may hold tomorrow."
    )
    results = desk(rates, *NOISE).ask("machine ate")
    assert (results.corrected, [h.slug for h in results.hits][:1]) == (None, ["rates"])
    assert results.passage is None


def test_the_summary_can_be_the_passage(desk: MakeDesk) -> None:
    passage = desk(FEES, *NOISE).ask("how many withdrawals are free a month").passage
    assert passage is not None
    assert passage.text == FEES.summary
    assert passage.url == "/en/articles/fees"


@pytest.mark.parametrize("query", ["fee", "receipt of the king on stage", "the machine shows bread and horses and winter"])
def test_no_passage_is_quoted_when_no_place_holds_enough_or_it_is_not_clear_which(desk: MakeDesk, query: str) -> None:
    twin = replace(FEES, key="en/twin", article_id="twin", slug="twin")
    assert desk(FEES, twin, *NOISE).ask(query).passage is None


def test_pages_after_the_first_quote_nothing_and_snippets_can_be_left_out(desk: MakeDesk) -> None:
    d = desk(FEES, *NOISE)
    assert d.ask("fee for withdrawals abroad in euro", page=2).passage is None
    bare = d.ask("fee for withdrawals abroad in euro", snippets=False, passage=False)
    assert (bare.hits[0].snippet, bare.hits[0].title_marked, bare.passage) == ("", "", None)
