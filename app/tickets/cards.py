"""Payment card numbers in what people type: found by length, grouping and the Luhn check, and masked so that the rest can be kept."""

from __future__ import annotations

import re

from stdnum import luhn

_CANDIDATE = re.compile(r"(?<![\d\w])\d(?:[  .\-]?\d){12,18}(?![\d\w])")


def has_card_number(text: str) -> bool:
    """Whether the text holds something that passes as a payment card number."""
    return any(_is_card(found.group()) for found in _CANDIDATE.finditer(text))


def mask_card_numbers(text: str) -> str:
    """The text with every card number cut down to its last four digits."""
    return _CANDIDATE.sub(lambda found: "•••• " + _digits(found.group())[-4:] if _is_card(found.group()) else found.group(), text)


def _digits(text: str) -> str:
    return "".join(str(int(c)) for c in text if c.isdecimal())


def _is_card(text: str) -> bool:
    digits = _digits(text)
    # 0000… passes Luhn and is no card; cards start with 2 to 6 (and 1, 8, 9 only for airlines and others we do not take).
    return 13 <= len(digits) <= 19 and digits[0] in "23456" and luhn.is_valid(digits)
