"""The theme file: brand.toml becomes the first part of the stylesheet. A colour that cannot be read is refused, with one that can.

Colours are moved in OKLab, where equal steps look equal, so that the proposed shade is still the company's colour.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flask import Flask
from markupsafe import Markup

from app.errors import Invalid
from app.web.colours import contrast, is_colour, mix, nearest_shade

REFUSED, WARNED = 4.5, 7.0
LIGHT = {"bg": "#ffffff", "canvas": "#f4f8f7", "ink": "#10211f"}
DARK = {"bg": "#0f1716", "canvas": "#0a1110", "ink": "#e8f0ee"}
NAMES = ("brand", "mark", "brand_deep", "brand_soft", "on_brand", "on_mark")


class InvalidBrand(Invalid):
    """The theme file cannot be used; the message names every problem."""


@dataclass(frozen=True)
class Font:
    """One font file of ours: which letters it holds and for which locales it is fetched early."""

    family: str
    file: Path
    weights: str
    range: str
    size_adjust: str = ""
    locales: tuple[str, ...] = ()


@dataclass(frozen=True)
class Brand:
    """A theme that can be read: complete palettes, and what to warn of."""

    name: str
    logo: str
    """SVG source, drawn in currentColor."""
    icon: Path
    light: Mapping[str, str]
    dark: Mapping[str, str]
    has_dark: bool = True
    radius: int = 8
    fonts: tuple[Font, ...] = ()
    stacks: Mapping[str, str] = field(default_factory=dict)
    fallback: Mapping[str, Any] = field(default_factory=dict)
    stylesheet: Path | None = None
    warnings: tuple[str, ...] = ()


def load_brand(path: Path) -> Brand:
    """The theme in `path`; raises `InvalidBrand` with all that is wrong, each with a way out."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InvalidBrand(f"{path} is missing: it names the portal and its colours") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidBrand(f"{path} is not valid TOML: {error}") from None
    problems: list[str] = []
    warnings: list[str] = []
    light = _palette(raw.get("light", {}), LIGHT, "light", problems, warnings)
    dark = _palette(raw.get("dark_theme", {}), DARK, "dark_theme", problems, warnings, basis=light)
    brand = Brand(
        name=str(raw.get("name", "")).strip(),
        logo=_text_of(path, raw.get("logo", ""), problems),
        icon=_file(path, raw.get("icon", ""), "icon", problems),
        light=light,
        dark=dark,
        has_dark=bool(raw.get("dark", True)),
        radius=_radius(raw.get("radius", 8), problems),
        fonts=tuple(_font(path, entry, problems) for entry in raw.get("fonts", [])),
        stacks=raw.get("stacks", {}),
        fallback=raw.get("fallback", {}),
        stylesheet=_file(path, raw["stylesheet"], "stylesheet", problems) if raw.get("stylesheet") else None,
        warnings=tuple(warnings),
    )
    if not brand.name:
        problems.append("name is empty: it stands in the header and in every title")
    if problems:
        raise InvalidBrand(f"{path} cannot be used:\n" + "\n".join(f"  {p}" for p in problems))
    return brand


def _palette(
    given: Mapping[str, str],
    ground: Mapping[str, str],
    where: str,
    problems: list[str],
    warnings: list[str],
    basis: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """A full palette from what was given; what was left out is made from brand and mark, or from the light theme."""
    for name, value in given.items():
        if name not in NAMES:
            problems.append(f"[{where}] {name} is no colour of the theme; it has {', '.join(NAMES)}")
        elif not is_colour(value):
            problems.append(f"[{where}] {name} = “{value}” is not a colour like #0b5c5a")
    good = {name: value for name, value in given.items() if name in NAMES and is_colour(value)}
    colours = _completed(good, ground, basis)
    for problem, warning in _judged(colours, ground, where):
        (warnings if warning else problems).append(problem)
    return colours


def _completed(given: dict[str, str], ground: Mapping[str, str], basis: Mapping[str, str] | None) -> dict[str, str]:
    bg, ink = ground["bg"], ground["ink"]
    brand = given.get("brand") or nearest_shade((basis or {}).get("brand", "#0b5c5a"), bg, WARNED)
    mark = given.get("mark") or ("#ffe27a" if basis is None else mix(basis["mark"], bg, 0.65))
    on_brand = given.get("on_brand") or max(("#ffffff", ground["bg"], "#10211f"), key=lambda c: contrast(c, brand))
    soft = given.get("brand_soft") or mix(brand, bg, 0.87)
    return {
        "brand": brand,
        "mark": mark,
        "on_brand": on_brand,
        "brand_soft": soft,
        "brand_deep": given.get("brand_deep") or nearest_shade(mix(brand, ink, 0.3), soft, WARNED),
        "on_mark": given.get("on_mark") or max((ink, LIGHT["ink"], DARK["ink"]), key=lambda c: contrast(c, mark)),
    }


def _judged(colours: Mapping[str, str], ground: Mapping[str, str], where: str) -> list[tuple[str, bool]]:
    """(sentence, is it only a warning) for every pair of colours that text is read in."""
    pairs = (
        ("brand", colours["brand"], ground["bg"], "the page"),
        ("brand", colours["brand"], ground["canvas"], "grey ground"),
        ("brand_deep", colours["brand_deep"], colours["brand_soft"], "brand_soft"),
        ("on_brand", colours["on_brand"], colours["brand"], "brand"),
        ("on_mark", colours["on_mark"], colours["mark"], "mark"),
    )
    found = []
    for name, colour, against, what in pairs:
        ratio = contrast(colour, against)
        if ratio < WARNED:
            aim = REFUSED if ratio < REFUSED else WARNED
            shade = nearest_shade(colour, against, aim)
            sentence = (
                f"[{where}] {name} = {colour} has {ratio:.1f}:1 on {what}, text needs {aim}:1; the nearest shade that has it is {shade}"
            )
            found.append((sentence, ratio >= REFUSED))
    return found


def _radius(value: object, problems: list[str]) -> int:
    if isinstance(value, int) and 0 <= value <= 24:
        return value
    problems.append(f"radius = {value} is not a number of pixels from 0 to 24")
    return 8


def _file(base: Path, name: object, what: str, problems: list[str]) -> Path:
    path = (base.parent / str(name)).resolve()
    if not str(name) or not path.is_file():
        problems.append(f"{what} = “{name}” is not a file beside {base.name}")
    return path


def _text_of(base: Path, name: object, problems: list[str]) -> str:
    path = _file(base, name, "logo", problems)
    text = path.read_text(encoding="utf-8").strip() if path.is_file() else ""
    if text and (not text.startswith("<svg") or "<script" in text.lower()):
        problems.append(f"logo = “{name}” is not a plain SVG file")
    return text


def _font(base: Path, entry: Mapping[str, Any], problems: list[str]) -> Font:
    return Font(
        family=str(entry.get("family", "")),
        file=_file(base, entry.get("file", ""), f"the file of font “{entry.get('family', '')}”", problems),
        weights=str(entry.get("weights", "400")),
        range=str(entry.get("range", "")),
        size_adjust=str(entry.get("size_adjust", "")),
        locales=tuple(entry.get("locales", ())),
    )


def stylesheet_head(brand: Brand, font_address: Mapping[Path, str]) -> str:
    """The part of the stylesheet that the theme decides: font faces and colour tokens."""
    faces = [_face(font, font_address[font.file]) for font in brand.fonts]
    rules = [
        f":root {{ {_tokens(brand.light)} --r-1: {brand.radius // 2}px; --r-2: {brand.radius}px; --r-3: {round(brand.radius * 1.75)}px; }}"
    ]
    if brand.has_dark:
        rules.append(f'@media (prefers-color-scheme: dark) {{ :root:not([data-theme="light"]) {{ {_tokens(brand.dark)} }} }}')
        rules.append(f':root[data-theme="dark"] {{ {_tokens(brand.dark)} }}')
    for locales, stack in brand.stacks.items():
        where = ":root" if locales == "default" else ", ".join(f":root:lang({tag.strip()})" for tag in locales.split(","))
        rules.append(f"{where} {{ --font: {stack}; }}")
    return "\n".join([*faces, _fallback(brand.fallback), "@layer reset {", *rules, "}"])


def _tokens(colours: Mapping[str, str]) -> str:
    names = {**colours, "chart-1": colours["brand"], "chart-band": f"{colours['brand']}2e"}
    return " ".join(f"--{name.replace('_', '-')}: {value};" for name, value in names.items())


def _face(font: Font, address: str) -> str:
    adjust = f" size-adjust: {font.size_adjust};" if font.size_adjust else ""
    return (
        f'@font-face {{ font-family: "{font.family}"; font-weight: {font.weights}; font-display: swap;{adjust} '
        f'src: url("{address}") format("woff2"); unicode-range: {font.range}; }}'
    )


def _fallback(fallback: Mapping[str, Any]) -> str:
    """A local font made as wide as ours, so that nothing moves when the file arrives."""
    if not fallback:
        return ""
    sources = ", ".join(f'local("{name}")' for name in fallback.get("local", ("Arial",)))
    return (
        f'@font-face {{ font-family: "Local Fallback"; src: {sources}; size-adjust: {fallback.get("size_adjust", "100%")}; '
        f"ascent-override: {fallback.get('ascent_override', 'normal')}; descent-override: {fallback.get('descent_override', 'normal')}; "
        "line-gap-override: 0%; }"
    )


def init(app: Flask) -> None:
    """Read the theme at start, refuse one that cannot be read, and give templates `brand` and its logo."""
    settings = app.extensions["portal"].settings
    brand = load_brand(settings.path(settings.brand_file))
    for warning in brand.warnings:
        app.logger.warning("%s: %s", settings.brand_file, warning)
    app.extensions["brand"] = brand
    logo = brand.logo.replace("<svg", '<svg aria-hidden="true" focusable="false"', 1)
    # The logo is a file of the company's own repository, read at start.
    app.jinja_env.globals.update(brand=brand, brand_logo=Markup(logo))  # noqa: S704  # nosec B704
