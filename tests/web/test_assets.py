from __future__ import annotations

import gzip
import json
import os
import re
import time
from pathlib import Path

import brotli
import pytest

from app.web import assets
from app.web.assets import build, icon

ROOT = Path(__file__).parents[2]
BRAND = ROOT / "brand.toml"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    out = tmp_path_factory.mktemp("dist")
    return out, build(BRAND, out)


def test_names_change_with_the_content_and_compressed_forms_say_the_same(built):
    out, manifest = built
    assert re.fullmatch(r"help\.[0-9a-f]{10}\.css", manifest["help.css"])
    for name in ("help.css", "help.js", "theme.js"):
        plain = (out / manifest[name]).read_bytes()
        assert gzip.decompress((out / f"{manifest[name]}.gz").read_bytes()) == plain
        assert brotli.decompress((out / f"{manifest[name]}.br").read_bytes()) == plain


@pytest.mark.parametrize(("name", "limit"), [("help.css", 12_000), ("help.js", 6_000), ("theme.js", 300)])
def test_what_travels_stays_within_its_budget(built, name: str, limit: int):
    out, manifest = built
    assert (out / f"{manifest[name]}.gz").stat().st_size <= limit


def test_no_page_needs_more_than_its_budget_of_fonts(built):
    from app.web.brand import load_brand

    need: dict[str, int] = {}
    for font in load_brand(BRAND).fonts:
        for locale in font.locales:
            need[locale] = need.get(locale, 0) + font.file.stat().st_size
    assert set(need) >= {"en", "sv", "ru", "he"}
    assert {locale: size for locale, size in need.items() if size > 28_000} == {}


def test_fonts_come_from_here_and_nothing_else_is_fetched_by_the_stylesheet(built):
    out, manifest = built
    addresses = re.findall(r"url\(([^)]*)\)", (out / manifest["help.css"]).read_text())
    # What begins with # is a part of the page itself: a pattern of a chart.
    fetched = [address.strip('"') for address in addresses if not re.fullmatch(r'"?#[\w-]+"?', address)]
    assert fetched
    assert all(re.fullmatch(r"/static/[\w.-]+", address) for address in fetched)
    assert {address.removeprefix("/static/") for address in fetched} <= set(manifest.values())


def test_layers_keep_their_order_and_form_rules_survive_minifying(built):
    css = (built[0] / built[1]["help.css"]).read_text()
    seen = list(dict.fromkeys(re.findall(r"@layer (\w+)", css)))
    assert seen == ["reset", "base", "layout", "parts", "pages", "print", "brand"]
    assert re.search(r"\.q :is\(|\.q input", css)  # a minifier that drops that space breaks every form


def test_a_second_build_changes_nothing_and_is_quick(built):
    out, manifest = built
    before = {path.name: path.stat().st_mtime_ns for path in out.iterdir()}
    begun = time.thread_time()
    assert build(BRAND, out) == manifest
    assert time.thread_time() - begun < 0.5
    assert {path.name: path.stat().st_mtime_ns for path in out.iterdir()} == before


def test_a_file_that_went_missing_is_built_again(tmp_path: Path):
    manifest = build(BRAND, tmp_path)
    (tmp_path / manifest["help.js"]).unlink()
    assert build(BRAND, tmp_path) == manifest
    assert (tmp_path / manifest["help.js"]).is_file()


def test_two_themes_can_stand_side_by_side(tmp_path: Path):
    other = tmp_path / "brand.toml"
    other.write_text(BRAND.read_text().replace("#0b5c5a", "#0a4b8f"))
    (tmp_path / "app").symlink_to(ROOT / "app")
    out = tmp_path / "dist"
    first, second = build(BRAND, out), build(other, out)
    assert first["help.css"] != second["help.css"]
    assert "#0a4b8f" in (out / second["help.css"]).read_text()
    assert all((out / name).is_file() for name in (*first.values(), *second.values()))


def test_files_of_old_builds_leave_after_a_month_and_those_in_use_stay(tmp_path: Path):
    manifest = build(BRAND, tmp_path)
    old = tmp_path / "help.0000000000.css"
    old.write_text("a{}")
    month_ago = time.time() - assets.KEEP_SECONDS - 60
    os.utime(old, (month_ago, month_ago))
    young = tmp_path / "help.1111111111.css"
    young.write_text("a{}")
    assets._clean(tmp_path)
    assert not old.exists()
    assert young.exists()
    assert (tmp_path / manifest["help.css"]).exists()


def test_a_stylesheet_of_ones_own_comes_last_in_its_own_layer(tmp_path: Path):
    theme = tmp_path / "brand.toml"
    (tmp_path / "own.css").write_text(".logo { color: rebeccapurple }")
    theme.write_text(BRAND.read_text().replace('stylesheet = ""', 'stylesheet = "own.css"'))
    (tmp_path / "app").symlink_to(ROOT / "app")
    css = (tmp_path / "dist" / build(theme, tmp_path / "dist")["help.css"]).read_text()
    assert css.rindex("@layer brand") > css.rindex("@layer print")
    assert re.search(r"@layer brand\s?\{\s?\.logo", css)


def test_every_icon_that_templates_name_exists():
    known = json.loads((ROOT / "app/static/icons/icons.json").read_text())
    used = {name for path in (ROOT / "templates").rglob("*.html") for name in re.findall(r"icon\('([\w-]+)'", path.read_text())}
    assert used - set(known) == set()
    assert len(used) > 20


def test_an_icon_is_silent_and_an_unknown_one_is_named():
    assert 'aria-hidden="true"' in icon("search")
    assert 'class="icon flip"' in icon("arrow-right", "flip")
    with pytest.raises(LookupError, match="no-such-icon"):
        icon("no-such-icon")


def test_fonts_and_icons_carry_their_licences():
    fonts = {path.name.split("-")[0] for path in (ROOT / "app/static/fonts").glob("*.woff2")}
    for font in fonts:
        assert "SIL Open Font License" in (ROOT / f"app/static/fonts/LICENSE-{font}.txt").read_text()
    assert "ISC License" in (ROOT / "app/static/icons/LICENSE.txt").read_text()
