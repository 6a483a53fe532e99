"""The portal's own texts: gathered completely, and written in every language it offers."""

from __future__ import annotations

import re

import pytest
from babel.messages.catalog import Catalog

from app.web import messages
from app.web.i18n import gettext, ngettext

PLACEHOLDER = re.compile(r"%%?\(\w+\)s|%%s")


@pytest.fixture(scope="module")
def gathered() -> Catalog:
    return messages.extract()


def texts(catalog: Catalog) -> set[object]:
    return {message.id for message in catalog if message.id}


def test_the_template_holds_exactly_what_pages_and_program_say(gathered: Catalog):
    assert texts(messages.read(messages.TEMPLATE)) == texts(gathered), "run python -m app.web.messages"


@pytest.mark.parametrize("locale", ["sv", "ru", "he"])
def test_no_text_is_missing(gathered: Catalog, locale: str):
    catalog = messages.read(messages.catalog_path(locale), locale)
    assert texts(gathered) - texts(catalog) == set()
    assert messages.untranslated(catalog) == []


@pytest.mark.parametrize("locale", ["sv", "ru", "he"])
def test_translations_keep_the_places_that_are_filled_in_and_the_markup(locale: str):
    wrong = []
    for message in messages.read(messages.catalog_path(locale), locale):
        if not message.id:
            continue
        sources = message.id if isinstance(message.id, tuple) else (message.id,)
        allowed = {place for source in sources for place in PLACEHOLDER.findall(source)}
        for form in message.string if isinstance(message.string, tuple) else (message.string,):
            places = set(PLACEHOLDER.findall(form))
            # A plural form may say “one” in words instead of the number.
            if (
                not places <= allowed
                or (allowed - places) - {"%(num)s"}
                or re.findall(r"</?\w+>", form) != re.findall(r"</?\w+>", sources[0])
            ):
                wrong.append((sources[0], form))
    assert wrong == []


@pytest.mark.parametrize(
    ("locale", "number", "expected"),
    [("en", 1, "1 article"), ("en", 0, "0 articles"), ("sv", 2, "2 artiklar"), ("ru", 1, "1 статья"), ("ru", 3, "3 статьи"), ("ru", 11, "11 статей"),
     ("ru", 21, "21 статья"), ("he", 1, "מאמר אחד"), ("he", 5, "5 מאמרים")],
)  # fmt: skip
def test_numbers_take_the_form_of_their_language(locale: str, number: int, expected: str):
    assert ngettext("%(num)s article", "%(num)s articles", number, locale=locale) == expected


def test_a_locale_without_a_catalog_speaks_its_language_or_english():
    assert gettext("Contact", locale="sv-FI") == gettext("Contact", locale="sv")
    assert gettext("Contact", locale="fi") == "Contact"
