"""Arrays ↔ one run of bytes: each as narrow as its values allow, so that reading means pointing at them and not unpacking them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

_WIDTHS = (np.int8, np.int16, np.int32)
_ALIGNED = 8


def packed(arrays: Mapping[str, np.ndarray], head: Any) -> bytes:
    """Arrays under names, and beside them what JSON can hold."""
    narrow = {name: _narrow(array) for name, array in arrays.items()}
    layout = [[name, array.dtype.str, len(array)] for name, array in narrow.items()]
    start = _padded(json.dumps([layout, head], ensure_ascii=False, separators=(",", ":")).encode(), b" ")
    return b"".join([len(start).to_bytes(_ALIGNED, "little"), start, *(_padded(array.tobytes(), b"\0") for array in narrow.values())])


def unpacked(data: bytes) -> tuple[dict[str, np.ndarray], Any]:
    """What was packed; the arrays look into the bytes themselves."""
    place = _ALIGNED + int.from_bytes(data[:_ALIGNED], "little")
    layout, head = json.loads(data[_ALIGNED:place])
    arrays = {}
    for name, dtype, count in layout:
        arrays[name] = np.frombuffer(data, dtype=dtype, count=count, offset=place)
        place += -(-arrays[name].nbytes // _ALIGNED) * _ALIGNED
    return arrays, head


def _narrow(array: np.ndarray) -> np.ndarray:
    if array.dtype.kind != "i":
        return array
    low, high = (int(array.min()), int(array.max())) if len(array) else (0, 0)
    for width in _WIDTHS:
        if np.iinfo(width).min <= low and high <= np.iinfo(width).max:
            return array.astype(width)
    return array


def _padded(data: bytes, filler: bytes) -> bytes:
    return data + filler * (-len(data) % _ALIGNED)
