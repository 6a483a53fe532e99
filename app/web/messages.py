"""Gathers the portal's own texts for translators: `python -m app.web.messages` brings messages.pot and every messages.po up to date.

Texts that are gone leave the catalogs; new ones come in empty, and the tests name them until somebody has translated them.
"""

from __future__ import annotations

import sys
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po, write_po

from app.web.i18n import FOLDER

ROOT = Path(__file__).parent.parent.parent
SOURCES = (("app", [("**.py", "python")]), ("templates", [("**.html", "jinja2"), ("**.txt", "jinja2")]))
JINJA = {"extensions": "jinja2.ext.i18n", "silent": "false", "trim_blocks": "true", "lstrip_blocks": "true"}
KEYWORDS = {**DEFAULT_KEYWORDS, "N_": None, "gettext_html": None}
TEMPLATE = FOLDER / "messages.pot"


def extract() -> Catalog:
    """All texts that the program and the templates show, with the places they are shown in."""
    catalog = Catalog(project="Hylla", charset="utf-8", fuzzy=False)
    for folder, methods in SOURCES:
        found = extract_from_dir(
            ROOT / folder, methods, {"**.html": JINJA, "**.txt": JINJA}, keywords=KEYWORDS, comment_tags=("Translators:",)
        )
        for name, _line, text, comments, context in sorted(found, key=lambda one: (one[0], one[1])):
            catalog.add(text, None, [(f"{folder}/{name}", 0)], auto_comments=comments, context=context)
    return catalog


def locales() -> list[str]:
    """The locales that have a catalog."""
    return sorted(path.parent.parent.name for path in FOLDER.glob("*/LC_MESSAGES/messages.po"))


def catalog_path(locale: str) -> Path:
    return FOLDER / locale / "LC_MESSAGES" / "messages.po"


def read(path: Path, locale: str | None = None) -> Catalog:
    """The catalog in a file."""
    with path.open("rb") as file:
        return read_po(file, locale=locale)


def write(path: Path, catalog: Catalog) -> None:
    """Write a catalog, sorted by text, so that a change of code makes a small change here."""
    out = BytesIO()
    write_po(out, catalog, width=120, sort_output=True, omit_header=False, include_lineno=False, ignore_obsolete=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(out.getvalue())


def update(names: list[str]) -> dict[str, int]:
    """Bring the template and the catalogs up to date; returns how many texts each still lacks."""
    template = extract()
    write(TEMPLATE, template)
    missing = {}
    for locale in names:
        path = catalog_path(locale)
        catalog = read(path, locale) if path.is_file() else Catalog(locale=locale, project="Hylla", charset="utf-8", fuzzy=False)
        catalog.update(template, no_fuzzy_matching=True)
        write(path, catalog)
        missing[locale] = len(untranslated(catalog))
    return missing


def untranslated(catalog: Catalog) -> list[str]:
    """The texts of a catalog without a translation, or with a plural form too few."""
    return [str(m.id) for m in catalog if m.id and not all(m.string if isinstance(m.string, tuple | list) else [m.string])]


if __name__ == "__main__":
    for name, count in update(sys.argv[1:] or locales()).items():
        print(f"{name}: {count} texts to translate")
