"""Slips, words run together, other keyboards: found at once, told honestly, never invented."""

from __future__ import annotations

import random

import pytest
from desks import NOISE, MakeDesk, article
from hypothesis import given, settings
from hypothesis import strategies as st

from app.search.causes import told_together
from app.search.spelling import Vocabulary, is_one_edit, is_two_edits

DECLINED = article(
    "declined", "Card payment declined", "The payment was declined because the balance is too low. A declined payment costs nothing."
)
DISPUTE = article("dispute", "Dispute a payment", "Ask the shop first. Then dispute the transaction with us, recipient by recipient.")
TOP_UP = article("top-up", "Top up by bank", "To top up, use the bank details of your account.")
MODEL = article("reader", "Card reader X300", "The reader X300 shows error E404 when its battery is flat.")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("payment delcined", "payment declined"), ("payment declned", "payment declined"), ("payment decllined", "payment declined"),
     ("payment declimed", "payment declined"), ("Paymnet declined?", "payment declined?"), ("recpient", "recipient")],
)  # fmt: skip
def test_a_slip_is_searched_as_what_was_meant_and_told(desk: MakeDesk, typed: str, meant: str) -> None:
    d = desk(DECLINED, DISPUTE, *NOISE)
    results = d.ask(typed)
    assert results.corrected == meant
    assert results.hits[0].slug in {"declined", "dispute"}
    assert results.hits[0].slug == ("dispute" if meant == "recipient" else "declined")


def test_a_word_that_is_told_ranks_as_if_it_had_been_typed(desk: MakeDesk) -> None:
    other = article("other", "Payment by post", "A payment by post needs a stamp. Payment, payment, payment.")
    d = desk(DECLINED, DISPUTE, other, *NOISE)
    right, slip = (d.ask(text, explain=True).hits[0] for text in ("payment declined", "payment delcined"))
    assert (right.slug, slip.slug) == ("declined", "declined")
    shares = [sum(t.score for t in hit.explanation.terms if t.word == "declined") for hit in (right, slip) if hit.explanation]
    assert shares[0] == pytest.approx(shares[1]) and shares[0] > 0


def test_the_exact_words_are_searched_when_asked_for(desk: MakeDesk) -> None:
    results = desk(DECLINED, *NOISE).ask("delcined", exact=True)
    assert (results.hits, results.corrected, results.also_searched) == ((), None, ())


@pytest.mark.parametrize("typed", ["X301", "E405", "x30", "1234567"])
def test_numbers_codes_and_product_names_are_never_corrected(desk: MakeDesk, typed: str) -> None:
    results = desk(MODEL, *NOISE).ask(typed)
    assert (results.corrected, results.did_you_mean, results.hits) == (None, None, ())


@pytest.mark.parametrize("typed", ["dogs", "loan", "beard", "card declines nothing"])
def test_a_word_of_its_own_is_not_told_as_a_slip(desk: MakeDesk, typed: str) -> None:
    results = desk(DECLINED, DISPUTE, article("doge", "Doges", "The load of bread was borne by the doge."), *NOISE).ask(typed)
    assert results.corrected is None
    assert results.did_you_mean is None


@pytest.mark.parametrize(
    ("typed", "locale", "title", "text"),
    [
        ("staking", "en", "Staying signed in", "Staying signed in takes one click; staying is safe."),
        ("charge", "en", "Change a plan", "A change of plan is free. Change it any day."),
        ("banken", "sv", "Länken fungerar inte", "Om länken i mejlet är för gammal begär du en ny. Tanken är god."),
        ("писать", "ru", "Печать", "Печать документа. Пикать он не будет."),
        ("mausern", "de", "Mauern bauen", "Mauern und Mäuse."),
        ("והדואר", "he", "הדולר", "שער הדולר והדולר היום."),
        ("iphone", "en", "Our iphones", "The iphones we know."),
        ("registerhaltiger", "de", "Registerhaltig drucken", "Text, der registerhaltig ist."),
        ("отображаемым", "ru", "Файлы", "О файлах, отображаемых в списке."),
    ],
)
def test_a_word_of_the_language_or_another_form_is_no_slip(desk: MakeDesk, typed: str, locale: str, title: str, text: str) -> None:
    results = desk(article("other", title, text, locale=locale), *NOISE).ask(typed, locale)
    assert (results.corrected, results.did_you_mean) == (None, None)


def test_a_word_of_the_language_is_told_where_the_query_says_what_was_meant(desk: MakeDesk) -> None:
    d = desk(DECLINED, DISPUTE, *NOISE)
    assert d.ask("cad payment").corrected == "card payment"
    assert d.ask("cad").corrected is None


def test_a_word_that_people_say_every_day_needs_more_than_that(desk: MakeDesk) -> None:
    assert desk(DECLINED, DISPUTE, *NOISE).ask("care payment").corrected is None


def test_a_word_that_people_may_say_every_day_is_never_replaced_only_offered(desk: MakeDesk) -> None:
    many = [article(f"c{n}", f"Virtual card payment {n}", "Pay by virtual card payment.") for n in range(25)]
    results = desk(*many, *NOISE).ask("virtual care payment")
    assert (results.corrected, results.did_you_mean, results.also_searched) == (None, "virtual card payment", ())


def test_in_a_language_whose_common_words_nobody_counted_every_word_of_it_is_only_offered(desk: MakeDesk) -> None:
    many = [article(f"c{n}", "בעל הכרטיס", "מספר בעל הכרטיס.", locale="he") for n in range(25)]
    d = desk(*many, *NOISE)
    results = d.ask("מספר בלע הכרטיס", "he")
    assert (results.corrected, results.did_you_mean, results.passage) == (None, "מספר בעל הכרטיס", None)
    assert d.ask("מספר בעל הכרטיסט", "he").corrected == "מספר בעל הכרטיס", "no word of the language"


def test_what_somebody_chose_as_a_keyword_or_title_is_no_slip(desk: MakeDesk) -> None:
    many = [article(f"t{n}", f"Transfer number {n}", "A transfer to a friend.") for n in range(25)]
    mentioned = article("mentioned", "Old page", "A transfur is mentioned here.")
    chosen = article("chosen", "Another old page", "A tansfer is mentioned here.", keywords=("tansfer",))
    d = desk(*many, mentioned, chosen, *NOISE)
    assert (d.ask("transfur").did_you_mean, d.ask("tansfer").did_you_mean) == ("transfer", None)


def test_a_hebrew_abbreviation_is_no_slip(desk: MakeDesk) -> None:
    d = desk(article("fee", "עמלה מחו״ל", "עמלה מחו״ל נמוכה.", locale="he"), *NOISE)
    assert d.ask("עמלה ומחו״ל", "he").corrected is None


def test_a_correction_that_is_told_is_not_named_a_second_time(desk: MakeDesk) -> None:
    d = desk(DECLINED, DISPUTE, TOP_UP, *NOISE)
    told = d.ask("payment delcined")
    assert (told.corrected, told.also_searched) == ("payment declined", ())
    assert d.ask("topup").also_searched == ("top up",), "what is not told is named here"


def test_a_slip_that_has_the_stem_of_what_was_meant_is_offered(desk: MakeDesk) -> None:
    d = desk(article("pc", "Your computer", "The computer must be on. A computer is needed."), *NOISE)
    results = d.ask("computeer")
    assert (results.corrected, results.did_you_mean) == (None, "computer")
    assert [h.slug for h in results.hits] == ["pc"]


def test_a_rare_word_of_the_language_is_left_alone_unless_only_the_other_fits(desk: MakeDesk) -> None:
    many = [article(f"c{n}", f"Virtual card payment {n}", "Pay by virtual card.") for n in range(25)]
    d = desk(article("cad", "Drawings", "We take no cad drawings."), *many, *NOISE)
    assert d.ask("cad").did_you_mean is None
    assert d.ask("cad drawings").did_you_mean is None
    assert d.ask("virtual cad payment").did_you_mean == "virtual card payment"


def test_a_form_that_only_the_dictionary_lacks_is_a_slip(desk: MakeDesk) -> None:
    d = desk(article("kalender", "Termine", "Im Kalender stehen Termine.", locale="de"), *NOISE)
    assert d.ask("kalende", "de").did_you_mean == "kalender"
    d = desk(article("register", "Registerhaltig drucken", "Text, der registerhaltig ist.", locale="de"), *NOISE)
    assert d.ask("registerhaltige", "de").did_you_mean is None


def test_a_slip_in_a_compound_is_told_although_its_parts_are_known(desk: MakeDesk) -> None:
    page = article("klick", "Rechtsklick", "Der Rechtsklick öffnet ein Menü. Ein Klick und ein Recht.", locale="de")
    assert desk(page, *NOISE).ask("rechtklick menü", "de").corrected == "rechtsklick menü"


def test_what_stands_exactly_beside_a_word_decides_between_its_forms(desk: MakeDesk) -> None:
    d = desk(
        article("one", "Print a file", "Send the file to a printer. A file is printed at once. The file may be long."),
        article("two", "Print all", "Send many files to a printer. All files are printed."),
        *NOISE,
    )
    assert d.ask("print many fileq").corrected == "print many files"
    assert d.ask("print the fileq").corrected == "print the file"


def test_a_word_among_others_that_nobody_has_is_rather_one_of_them(desk: MakeDesk) -> None:
    d = desk(article("codes", "Codes", "We send codes."), *NOISE)
    assert d.ask("codecs").corrected == "codes"
    assert d.ask("codecs of encoded television broadcasts").corrected is None


def test_words_of_a_language_that_nobody_here_writes_are_not_taken_for_slips(desk: MakeDesk) -> None:
    d = desk(*[article(f"night{n}", f"Night transfer {n}", "A transfer at night.") for n in range(3)], *NOISE)
    assert d.ask("kann nicht anmelden").corrected is None
    assert d.ask("nihgt transfer anmelden").corrected == "night transfer anmelden"


def test_an_abbreviation_in_capitals_is_no_slip_of_a_word_but_shouting_is(desk: MakeDesk) -> None:
    d = desk(article("disc", "Discs", "A disc may break."), DECLINED, *NOISE)
    assert d.ask("Disv").corrected == "disc"
    assert d.ask("DISV with me").corrected is None
    assert d.ask("CARD DECLNED").corrected == "CARD declined"
    tale = article("tale", "Orca's voice", "Orca's voice hasn't arrived. Orca speaks when the voice has arrived.")
    assert desk(tale, *NOISE).ask("Oprca’s voice").corrected == "orca's voice"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("limt", "limit"), ("lsit", "list"), ("liist", "list"), ("drukcen", "drucken"), ("windos", "windows")],
)
def test_the_likelier_slip_wins(desk: MakeDesk, typed: str, meant: str) -> None:
    words = "limit list lift drucken drücken windows window"
    d = desk(*[article(w.replace("ü", "ue"), w.capitalize(), f"About {w}.", locale="de") for w in words.split()])
    results = d.ask(typed, "de")
    assert results.corrected == meant


def test_the_other_words_of_the_query_decide_between_two_corrections(desk: MakeDesk) -> None:
    d = desk(
        article("ship", "Shops abroad", "Shops take the card on holiday."), article("show", "Shows", "The app shows the balance."), *NOISE
    )
    assert d.ask("balance in the app shos").corrected == "balance in the app shows"
    assert d.ask("holiday card shos").corrected == "holiday card shops"


def test_two_words_written_as_one_are_searched_without_a_word(desk: MakeDesk) -> None:
    results = desk(TOP_UP, *NOISE).ask("topup")
    assert (results.corrected, results.hits[0].slug) == (None, "top-up")


def test_two_edits_only_for_long_words(desk: MakeDesk) -> None:
    d = desk(DISPUTE, article("shop", "Shops", "The shop sells shoes."), *NOISE)
    assert d.ask("transatcoin").corrected == "transaction"
    assert d.ask("shepz").corrected is None


def test_a_word_that_another_language_has_is_no_slip(desk: MakeDesk) -> None:
    d = desk(DECLINED, article("betalning", "Betalningar", "Om betalningen declinad.", locale="sv"), *NOISE)
    assert d.ask("declinad", "en").corrected is None
    assert d.ask("declinad", "en").hits[0].locale == "sv"


def test_a_slip_that_another_language_has_is_offered_where_everything_else_speaks_for_it(desk: MakeDesk) -> None:
    timmar = article("timmar", "Timmes paus", "En timmes paus.", locale="sv")
    times = article("times", "Failed three times", "When verification has failed three times, wait.")
    d = desk(times, timmar, *NOISE)
    assert d.ask("verification failed three timmes").did_you_mean == "verification failed three times"
    assert d.ask("timmes").did_you_mean is None
    assert d.ask("en timmes paus").did_you_mean is None


def test_a_rare_word_beside_a_common_one_is_only_offered(desk: MakeDesk) -> None:
    many = [article(f"t{n}", f"Transfer number {n}", "A transfer to a friend.") for n in range(25)]
    d = desk(article("typo", "Old page", "A tranfser is mentioned here by mistake."), *many, *NOISE)
    results = d.ask("tranfser")
    assert results.did_you_mean == "transfer"
    assert [h.slug for h in results.hits] == ["typo"]
    assert results.corrected is None


def test_words_run_together_and_apart_find_each_other(desk: MakeDesk) -> None:
    d = desk(TOP_UP, article("login", "Your login", "The login needs a code."), DECLINED, *NOISE)
    assert d.slugs("topup")[0] == "top-up"
    assert d.slugs("log in")[0] == "login"


def test_a_word_written_together_or_apart_is_not_called_a_slip(desk: MakeDesk) -> None:
    d = desk(TOP_UP, article("login", "Your login", "The login needs a code."), *NOISE)
    for typed, written in (("log in", "login"), ("topup", "top")):
        explanation = d.ask(typed, explain=True).hits[0].explanation
        assert explanation is not None
        assert {(t.word, t.origin) for t in explanation.terms if t.origin in {"joined", "correction"}} >= {(written, "joined")}
        assert not [t for t in explanation.terms if t.origin == "correction"]
        assert "written together or apart" in told_together(explanation.terms)


def test_two_words_that_articles_have_side_by_side_are_not_run_together_as_well(desk: MakeDesk) -> None:
    d = desk(article("single", "Cards for once", "A single-use card is gone after its single use."), *NOISE)
    explanation = d.ask("single use", explain=True).hits[0].explanation
    assert explanation is not None
    assert {t.origin for t in explanation.terms} == {"query", "exact", "shingle"}


def test_parts_of_a_german_compound_are_found_but_not_told_as_a_slip(desk: MakeDesk) -> None:
    page = article("maus", "Die Maus einstellen", "Der Modus der Maus kann geändert werden.", locale="de")
    results = desk(page, article("drucker", "Drucker", "Der Drucker druckt.", locale="de")).ask("Mausmodus", "de")
    assert [h.slug for h in results.hits] == ["maus"]
    assert results.corrected is None


@pytest.mark.parametrize(
    ("typed", "locale", "meant", "slug"),
    [
        ("ghbdtn", "ru", "привет", "privet"),
        ("rfhnf", "ru", "карта", "karta"),
        ("akuo", "he", "שלום", "shalom"),
        ("руддщ", "en", "hello", "hello"),
    ],
)
def test_the_wrong_keyboard_is_turned_round(desk: MakeDesk, typed: str, locale: str, meant: str, slug: str) -> None:
    d = desk(
        article("privet", "Привет", "Мы рады.", locale="ru"), article("karta", "Карта", "Ваша карта.", locale="ru"),
        article("shalom", "שלום", "ברוכים הבאים.", locale="he"), article("hello", "Hello there", "Welcome."), *NOISE,
    )  # fmt: skip
    results = d.ask(typed, locale)
    assert results.corrected == meant
    assert results.hits[0].slug == slug


@pytest.mark.parametrize(
    ("typed", "locale", "meant"),
    [("ghbdtn", "ru", "привет"), ("Ghbdtn", "en", "привет"), ("akuo", "he", "שלום"), ("руддщ", "en", "hello"), ("[jxe ltymub", "ru", "хочу деньги"),
     (";fkj,f", "ru", "жалоба"), ("Rfr gthtdtcnb ltymub?", "ru", "как перевести деньги?"), ("ltymub.", "ru", "деньги."),
     ("yf vj. rfhne", "ru", "на мою карту"),
     ("rfr gthtdtcnb ltymub yf dfqp", "ru", "как перевести деньги на вайз"), ("thl kjxuo t, vfryhx", "he", "איך לחסום את הכרטיס")],
)  # fmt: skip
def test_what_is_words_on_another_keyboard_only_is_read_so_though_no_article_has_them(
    desk: MakeDesk, typed: str, locale: str, meant: str
) -> None:
    pages = [article(f"page-{tag}", "7", "7", locale=tag) for tag in ("ru", "he")]
    results = desk(*pages, *NOISE).ask(typed, locale)
    assert (results.corrected, results.hits) == (meant, ())


@pytest.mark.parametrize(
    ("typed", "locale"),
    [("qwerty", "ru"), ("qwerty", "he"), ("abc123", "ru"), ("P@ssw0rd", "ru"), ("jTgvlNRX#a", "ru"), ("password", "ru"), ("password", "he"),
     ("gpay", "he"), ("spotify", "ru"), ("nuri", "en"), ("lösenord", "ru"), ("kärnkraft", "he"), ("überweisung", "ru")],
)  # fmt: skip
def test_names_passwords_and_words_of_another_language_are_not_turned_round(desk: MakeDesk, typed: str, locale: str) -> None:
    pages = [article(f"page-{tag}", "7", "7", locale=tag) for tag in ("ru", "he", "sv")]
    assert desk(*pages, *NOISE).ask(typed, locale).corrected is None


def test_a_known_word_is_never_turned_round(desk: MakeDesk) -> None:
    d = desk(article("akuo", "Akuo", "Akuo is a brand."), article("shalom", "שלום", "ברוכים הבאים.", locale="he"))
    results = d.ask("akuo", "he")
    assert results.corrected is None
    assert [h.slug for h in results.hits] == ["akuo"]


def test_when_nothing_fits_the_nearest_are_called_close(desk: MakeDesk) -> None:
    d = desk(DECLINED, DISPUTE, *NOISE)
    results = d.ask("mortgage for a castle in transylvania payment")
    assert results.close
    assert results.passage is None
    assert not d.ask("payment declined").close


LETTERS = st.text(alphabet="abcd", min_size=1, max_size=6)


@settings(max_examples=400, deadline=None, derandomize=True)
@given(a=LETTERS, b=LETTERS)
def test_edits_are_counted_as_the_textbook_does(a: str, b: str) -> None:
    distance = _distance(a, b)
    assert is_one_edit(a, b) == (distance <= 1)
    assert is_two_edits(a, b) == (distance <= 2)


def _distance(a: str, b: str) -> int:
    """Optimal string alignment, straight from its definition."""
    table = [[max(i, j) for j in range(len(b) + 1)] for i in range(len(a) + 1)]
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            table[i][j] = min(table[i - 1][j] + 1, table[i][j - 1] + 1, table[i - 1][j - 1] + (a[i - 1] != b[j - 1]))
            if i > 1 and j > 1 and a[i - 1] == b[j - 2] and a[i - 2] == b[j - 1]:
                table[i][j] = min(table[i][j], table[i - 2][j - 2] + 1)
    return table[-1][-1]


def test_the_vocabulary_finds_every_word_within_reach_and_no_other() -> None:
    chance = random.Random(4)
    words = sorted({"".join(chance.choice("aeinorst") for _ in range(chance.randint(3, 10))) for _ in range(1500)})
    vocabulary = Vocabulary(words)
    for word in chance.sample(words, 60):
        typed = word[:1] + word[2:]
        assert sorted(vocabulary.within(typed, 1)) == [w for w in words if w != typed and _distance(typed, w) <= 1]
        assert sorted(vocabulary.within(typed, 2)) == [w for w in words if w != typed and _distance(typed, w) <= 2]
