from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.web.brand import InvalidBrand, load_brand, stylesheet_head
from app.web.colours import contrast, mix, nearest_shade

ROOT = Path(__file__).parents[2]
OURS = ROOT / "brand.toml"


@pytest.fixture
def theme(tmp_path: Path):
    """Write a theme beside a logo and an icon, from lines of TOML."""
    (tmp_path / "logo.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')

    def write(*lines: str) -> Path:
        path = tmp_path / "brand.toml"
        path.write_text('name = "Bank"\nlogo = "logo.svg"\nicon = "logo.svg"\n' + "\n".join(lines))
        return path

    return write


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [("#000", "#fff", 21.0), ("#777777", "#ffffff", 4.48), ("#0b5c5a", "#ffffff", 7.8), ("#fff", "#ffffff", 1.0)],
)
def test_contrast_is_that_of_wcag(one: str, other: str, ratio: float):
    assert contrast(one, other) == pytest.approx(ratio, abs=0.01)
    assert contrast(other, one) == contrast(one, other)


def test_our_own_theme_passes_without_a_warning():
    brand = load_brand(OURS)
    assert brand.name
    assert brand.warnings == ()


def test_too_pale_a_colour_is_refused_with_the_nearest_shade_that_passes(theme):
    with pytest.raises(InvalidBrand) as caught:
        load_brand(theme("[light]", 'brand = "#7fd6d0"'))
    message = str(caught.value)
    assert "[light] brand = #7fd6d0" in message
    shade = re.search(r"on the page, text needs 4.5:1; the nearest shade that has it is (#\w{6})", message)
    assert shade
    assert contrast(shade[1], "#ffffff") >= 4.5
    load_brand(theme("[light]", f'brand = "{nearest_shade("#7fd6d0", "#f4f8f7", 4.5)}"'))


def test_the_proposed_shade_is_the_nearest_and_keeps_the_hue():
    shade = nearest_shade("#7fd6d0", "#ffffff", 4.5)
    assert 4.5 <= contrast(shade, "#ffffff") < 4.7
    red, green, blue = (int(shade[i : i + 2], 16) for i in (1, 3, 5))
    assert red < blue <= green  # still the same blue-green
    assert nearest_shade("#0b5c5a", "#ffffff", 4.5) == "#0b5c5a"


def test_a_colour_between_the_two_limits_is_only_warned_of(theme):
    brand = load_brand(theme("[light]", 'brand = "#1f7a77"'))
    assert any("[light] brand = #1f7a77" in warning for warning in brand.warnings)


def test_all_problems_of_a_theme_are_reported_at_once(theme):
    with pytest.raises(InvalidBrand) as caught:
        load_brand(theme("radius = 99", "[light]", 'brand = "green"', 'colour = "#000"', 'mark = "#808080"'))
    message = str(caught.value)
    for part in ("radius = 99", "“green”", "colour is no colour", "on_mark"):
        assert part in message


@pytest.mark.parametrize("lines", [['stylesheet = "nowhere.css"'], ['[[fonts]]\nfamily = "X"\nfile = "nowhere.woff2"'], ["= broken"]])
def test_a_theme_that_names_missing_files_or_is_no_toml_is_refused(theme, lines):
    with pytest.raises(InvalidBrand):
        load_brand(theme(*lines))


def test_a_missing_theme_says_so(tmp_path: Path):
    with pytest.raises(InvalidBrand, match="is missing"):
        load_brand(tmp_path / "brand.toml")


def test_a_theme_of_two_colours_makes_a_complete_and_readable_palette_for_both_modes(theme):
    brand = load_brand(theme("[light]", 'brand = "#7b1fa2"', 'mark = "#ffd54f"'))
    for palette, ground in ((brand.light, "#ffffff"), (brand.dark, "#0f1716")):
        assert contrast(palette["brand"], ground) >= 4.5
        assert contrast(palette["on_brand"], palette["brand"]) >= 4.5
        assert contrast(palette["brand_deep"], palette["brand_soft"]) >= 4.5
        assert contrast(palette["on_mark"], palette["mark"]) >= 4.5


def test_a_theme_without_dark_mode_writes_no_dark_rules(theme):
    assert "dark" not in stylesheet_head(load_brand(theme("dark = false")), {})
    assert "prefers-color-scheme: dark" in stylesheet_head(load_brand(theme("dark = true")), {})


def test_mixing_meets_its_two_ends():
    assert mix("#0b5c5a", "#ffffff", 0) == "#0b5c5a"
    assert mix("#0b5c5a", "#ffffff", 1) == "#ffffff"


PAIRS = [
    *((ink, ground, 7.0) for ink in ("ink", "ink-2") for ground in ("bg", "canvas", "sunken")),
    *(("ink-3", ground, 7.0) for ground in ("bg", "canvas")),
    ("ink-3", "sunken", 4.5), ("brand", "bg", 7.0), ("brand", "canvas", 7.0), ("brand", "sunken", 4.5), ("brand", "brand-soft", 4.5),
    ("on-brand", "brand", 7.0), ("on-mark", "mark", 7.0), ("ink", "brand-soft", 7.0), ("brand-deep", "brand-soft", 7.0),
    *((tone, f"{tone}-soft", 7.0) for tone in ("good", "warn", "bad", "info")),
    *(("ink", f"{tone}-soft", 7.0) for tone in ("warn", "bad", "info", "good")),
    ("ink-2", "warn-soft", 4.5), ("ink-3", "warn-soft", 4.5), ("line-ui", "bg", 3.0), ("line-ui", "canvas", 3.0),
    *((f"chart-{n}", "bg", 3.0) for n in (1, 2, 3, 4)),
]  # fmt: skip


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_every_pair_of_colours_that_text_is_read_in_has_its_contrast(mode: str):
    tokens = (ROOT / "app/static/css/10-tokens.css").read_text()
    blocks = re.findall(r":root[^{]*\{([^}]*)\}", tokens)
    colours = dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{3,6})\b", blocks[0]))
    brand = load_brand(OURS)
    palette = brand.light
    if mode == "dark":
        colours |= dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{3,6})\b", blocks[1]))
        assert colours == colours | dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{3,6})\b", blocks[2]))  # chosen = preferred
        palette = brand.dark
    colours |= {name.replace("_", "-"): value for name, value in palette.items()} | {"chart-1": palette["brand"]}
    short = [(one, other, round(contrast(colours[one], colours[other]), 2)) for one, other, need in PAIRS
             if contrast(colours[one], colours[other]) < need]  # fmt: skip
    assert short == []
