"""Pictures beside the articles: type and size read from the first bytes, never decoded; SVG that could act is refused."""

from __future__ import annotations

import re
import struct

MAX_BYTES = 5_000_000
_SVG_SIZE = re.compile(rb"""\b(width|height)\s*=\s*["']\s*([0-9.]+)(?:px)?\s*["']""")
_SVG_BOX = re.compile(rb"""\bviewBox\s*=\s*["']\s*[-0-9.]+[\s,]+[-0-9.]+[\s,]+([0-9.]+)[\s,]+([0-9.]+)""")
_SVG_ACTIVE = re.compile(
    rb"""<\s*(?:\w+:)?(?:script|foreignObject|iframe|object|embed|handler|set|animate\w*)\b|<!\s*(?:ENTITY|DOCTYPE)|\son\w+\s*=|javascript:"""
    rb"""|(?:href|src)\s*=\s*["']\s*(?!#|data:image/(?:png|jpeg|gif|webp)[;,])|@import|url\(\s*["']?\s*(?!#|["'])|<\?xml-stylesheet""",
    re.I,
)


class BadPicture(Exception):
    """The file is not the picture its name says, or may not be served."""


def measured(data: bytes, content_type: str) -> tuple[int, int]:
    """Width and height in pixels; zero where an SVG does not say."""
    if len(data) > MAX_BYTES:
        raise BadPicture(f"the picture has {len(data)} bytes; at most {MAX_BYTES} are served")
    readers = {"image/png": _png, "image/jpeg": _jpeg, "image/gif": _gif, "image/webp": _webp, "image/svg+xml": _svg}
    try:
        return readers[content_type](data)
    except (struct.error, IndexError, ValueError):
        raise BadPicture(f"this is no {content_type.partition('/')[2].removesuffix('+xml').upper()} file, or it is damaged") from None


def _png(data: bytes) -> tuple[int, int]:
    if data[:8] != b"\x89PNG\r\n\x1a\n" or data[12:16] != b"IHDR":
        raise ValueError
    return struct.unpack(">II", data[16:24])


def _gif(data: bytes) -> tuple[int, int]:
    if data[:6] not in {b"GIF87a", b"GIF89a"}:
        raise ValueError
    return struct.unpack("<HH", data[6:10])


def _jpeg(data: bytes) -> tuple[int, int]:
    """Walk the segments up to the one that starts a frame."""
    if data[:2] != b"\xff\xd8":
        raise ValueError
    at = 2
    while True:
        if data[at] != 0xFF:
            raise ValueError
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
        elif 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        else:
            at += 2 + struct.unpack(">H", data[at + 2 : at + 4])[0]


def _webp(data: bytes) -> tuple[int, int]:
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        raise ValueError
    kind = data[12:16]
    if kind == b"VP8X":
        if len(data) < 30:
            raise ValueError
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return (bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = struct.unpack("<HH", data[26:30])
        return width & 0x3FFF, height & 0x3FFF
    raise ValueError


def _svg(data: bytes) -> tuple[int, int]:
    text = data.removeprefix(b"\xef\xbb\xbf")
    if b"\x00" in text:
        raise ValueError  # UTF-16 would hide what the patterns below look for
    start = re.search(rb"<svg\b[^>]*>", text)
    if not start:
        raise ValueError
    active = _SVG_ACTIVE.search(re.sub(rb"&#?\w+;?", b"", text) if b"&" in text else text)
    if active:
        raise BadPicture(
            f"this SVG holds “{active[0].decode('utf-8', 'replace').strip()[:30]}”, which may not be served; save it as a plain drawing"
        )
    sizes = {name: float(value) for name, value in _SVG_SIZE.findall(start[0])}
    if len(sizes) == 2:
        return round(sizes[b"width"]), round(sizes[b"height"])
    box = _SVG_BOX.search(start[0])
    return (round(float(box[1])), round(float(box[2]))) if box else (0, 0)
