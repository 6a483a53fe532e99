"""Sizes of pictures, read from real files' first bytes."""

from __future__ import annotations

import struct
import zlib

import pytest

from app.content.pictures import BadPicture, measured

PNG = (
    b"\x89PNG\r\n\x1a\n"
    + struct.pack(">I", 13)
    + b"IHDR"
    + struct.pack(">II", 640, 480)
    + b"\x08\x02\x00\x00\x00"
    + struct.pack(">I", zlib.crc32(b""))
)
GIF = b"GIF89a" + struct.pack("<HH", 300, 200) + b"\x00" * 20
JPEG = (
    b"\xff\xd8\xff\xe0"
    + struct.pack(">H", 16)
    + b"JFIF\x00"
    + b"\x00" * 9
    + b"\xff\xc2"
    + struct.pack(">HBHH", 17, 8, 720, 1280)
    + b"\x00" * 20
)
VP8X = b"RIFF\x00\x00\x00\x00WEBPVP8X" + b"\x0a\x00\x00\x00" + b"\x00" * 4 + (799).to_bytes(3, "little") + (599).to_bytes(3, "little")
VP8L = b"RIFF\x00\x00\x00\x00WEBPVP8L" + b"\x00" * 4 + b"\x2f" + (99 | (49 << 14)).to_bytes(4, "little")
VP8 = b"RIFF\x00\x00\x00\x00WEBPVP8 " + b"\x00" * 4 + b"\x00\x00\x00\x9d\x01\x2a" + struct.pack("<HH", 320, 240)


@pytest.mark.parametrize(
    ("data", "kind", "size"),
    [
        (PNG, "image/png", (640, 480)),
        (GIF, "image/gif", (300, 200)),
        (JPEG, "image/jpeg", (1280, 720)),
        (VP8X, "image/webp", (800, 600)),
        (VP8L, "image/webp", (100, 50)),
        (VP8, "image/webp", (320, 240)),
        (b'<svg width="24" height="12"/>', "image/svg+xml", (24, 12)),
        (b"<?xml version='1.0'?><svg viewBox='0 0 48.4 24'/>", "image/svg+xml", (48, 24)),
        (b"<svg width='100%' height='100%'/>", "image/svg+xml", (0, 0)),
    ],
)
def test_the_size_is_read(data: bytes, kind: str, size: tuple[int, int]) -> None:
    assert measured(data, kind) == size


@pytest.mark.parametrize("kind", ["image/png", "image/gif", "image/jpeg", "image/webp", "image/svg+xml"])
@pytest.mark.parametrize("data", [b"", b"\xff\xd8\xff", PNG[:18], JPEG[:12], b"<html></html>", VP8X[:20], b"\x00" * 40])
def test_damaged_and_disguised_pictures_are_refused(data: bytes, kind: str) -> None:
    with pytest.raises(BadPicture):
        measured(data, kind)
