"""Colours as people see them: contrast by WCAG 2, and the nearest shade of a colour that reaches one."""

from __future__ import annotations

import re
from functools import lru_cache

Triple = tuple[float, float, float]


def is_colour(text: object) -> bool:
    """Whether `text` is written as #rgb or #rrggbb."""
    return isinstance(text, str) and bool(re.fullmatch(r"#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})", text))


def _linear(colour: str) -> Triple:
    digits = colour.lstrip("#")
    if len(digits) == 3:
        digits = "".join(c * 2 for c in digits)
    values = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    r, g, b = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values)
    return r, g, b


def _hex(linear: Triple) -> str:
    values = [min(max(v, 0.0), 1.0) for v in linear]
    coded = [12.92 * v if v <= 0.0031308 else 1.055 * v ** (1 / 2.4) - 0.055 for v in values]
    return "#" + "".join(f"{round(v * 255):02x}" for v in coded)


def luminance(colour: str) -> float:
    r, g, b = _linear(colour)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one: str, other: str) -> float:
    """The WCAG contrast ratio of two colours, from 1 to 21."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def mix(one: str, other: str, share: float) -> str:
    """`one` with `share` of `other` in it, mixed in OKLab."""
    a, b = _oklab(_linear(one)), _oklab(_linear(other))
    r, g, bl = (x * (1 - share) + y * share for x, y in zip(a, b, strict=True))
    return _hex(_from_oklab((r, g, bl)))


@lru_cache(maxsize=256)
def nearest_shade(colour: str, against: str, ratio: float) -> str:
    """The shade of `colour` (same hue, nearest lightness) that has at least `ratio` against another colour; itself if it has it."""
    if contrast(colour, against) >= ratio:
        return colour
    lightness, a, b = _oklab(_linear(colour))
    steps = [lightness + sign * step / 256 for step in range(1, 257) for sign in (-1, 1)]
    for tried in steps:
        if 0 <= tried <= 1:
            # Colourfulness shrinks towards black and white, where the screen has none to give.
            room = min(tried / lightness if lightness else 1, (1 - tried) / (1 - lightness) if lightness < 1 else 1, 1)
            shade = _hex(_from_oklab((tried, a * room, b * room)))
            if contrast(shade, against) >= ratio:
                return shade
    return max(("#000000", "#ffffff"), key=lambda c: contrast(c, against))


def _oklab(rgb: Triple) -> Triple:
    r, g, b = rgb
    long = (0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b) ** (1 / 3)
    medium = (0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b) ** (1 / 3)
    short = (0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short,
    )


def _from_oklab(lab: Triple) -> Triple:
    lightness, a, b = lab
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )
