"""What people type by mistake is masked before it is stored: typed placeholders, which also cluster better than the originals.

Most texts hold no digit, no at-sign and no long token: they are done after one look. Order numbers, error codes, versions, amounts and
dates stay, because they are what a question is about.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache

import phonenumbers
from stdnum import iban, luhn
from stdnum.il import idnr
from stdnum.ru import inn
from stdnum.se import personnummer

EMAIL, PHONE, IBAN, CARD, ID, IP, URL, NUMBER, KEY = (
    f"‹{name}›" for name in ("email", "phone", "iban", "card", "id", "ip", "url", "number", "key")
)

_SUSPICIOUS = re.compile(r"@|＠|[(\[]at[)\]]|://|www\.|\d[\W\d]*\d[\W\d]*\d[\W\d]*\d|:[0-9a-f]*:|\S{16,}", re.I)
_EMAIL = re.compile(r"[^\s@<>()\[\],;:\"‹›]+(?:@| @ | ?[(\[]at[)\]] ?)[^\s@<>()\[\],;:\"/?‹›]+\.[^\s@<>()\[\],;:\"/?.‹›]{2,}", re.I)
_URL = re.compile(r"(?:\b[a-z][a-z0-9+.-]{1,15}://|\bwww\.)[^\s<>\"‹›]+", re.I)
_IBAN = re.compile(r"(?<![A-Z0-9])[A-Z]{2} ?\d{2}(?:[ .-]?[A-Z0-9]){11,30}(?![A-Z0-9])", re.I)
_AT = re.compile(r"[(\[]at[)\]]", re.I)
_WIDE_GAP = re.compile(r"(?<=[\w)])[ \t]{2,3}(?=[\d(])|(?<=\d)[ \t]{2,3}(?=[A-Z])")
_INVISIBLE = re.compile(
    r"(?<=\d)[\u00ad\u200b-\u200f\u2060-\u2064\ufeff]+(?=\w)|(?<=[A-Za-z])[\u00ad\u200b-\u200f\u2060-\u2064\ufeff]+(?=\d)"
)
"""What a copied number may hold between its digits without anybody seeing it."""
_DIGITS = re.compile(r"(?:(?<![\w‹])(?<!\d[.,])|(?<=[\u05d0-\u05ea]))[+(]?\(?\d(?:[\d\s().\-/]*\d)?(?!\w)")
_IPV4 = re.compile(r"(?<![\w.])(\d{1,3}(?:\.\d{1,3}){3})(?::\d{1,5})?(?![\w]|\.\d)")
_IPV6 = re.compile(r"(?<![\w:])[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?:(?<=:)\d{1,3}(?:\.\d{1,3}){3})?(?![\w:])", re.I)
_LONG_NUMBER = re.compile(r"\d{6,}")
_TOKEN = re.compile(r"[A-Za-z0-9+/=_\-.~:]{16,}")
_SNILS = re.compile(r"(?<!\d)\d{3}[ -]\d{3}[ -]\d{3}[ -]\d{2}(?!\d)")
_NINO = re.compile(r"(?<![A-Z0-9])[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z][ -]?\d{2}[ -]?\d{2}[ -]?\d{2}[ -]?[A-D](?![A-Z0-9])", re.I)
"""A British national insurance number; it has no check digit, but a form of its own."""
_SSN = re.compile(r"(?!000|666|9)\d{3}([- ])(?!00)\d{2}\1(?!0000)\d{4}")
_PASSPORT = re.compile(r"(?<![\d.,])\d{2} ?\d{2}[ №N]{1,3}\d{6}(?!\d)")
_PERSONNUMMER = re.compile(r"(?<!\d)(?:(?:19|20)?\d{6}(?: - |[-+ ])?|(?:19|20)\d\d[- ]\d\d[- ]\d\d[- ])\d{4}(?!\d)")

_DATE = re.compile(
    r"(?:(?:19|20)\d\d([-./])(?:0?[1-9]|1[0-2])\1(?:0?[1-9]|[12]\d|3[01])"
    r"|(?:0?[1-9]|[12]\d|3[01])([-./])(?:0?[1-9]|[12]\d|3[01])\2(?:19|20)?\d\d)"
    r"(?:[ T]+\d{1,2}(?:[:.]\d\d){0,2})?"
)
_GROUPED = re.compile(r"\d{1,3}(?:[ \u00a0.,']\d{3})+(?:[.,]\d{1,2})?")
_MONEY_BEFORE = re.compile(r"(?:[$€£₪₽¥]|\b(?:usd|eur|gbp|sek|nok|dkk|ils|nis|rub|chf|kr|rs))\s?-?$", re.I)
_MONEY_AFTER = re.compile(
    r"^(?:[.,]\d{1,2})?[ \u00a0]?(?:[$€£₪₽¥]|(?:usd|eur|gbp|sek|nok|dkk|ils|nis|rub|chf|kr|kronor|euros?|dollars?|rubles?|руб|р)\b)",
    re.I,
)
_VERSION_BEFORE = re.compile(
    r"(?:\bv|\bver\.?|\bversion|\bbuild|\brelease|\bios|\bandroid|\bmacos|\bwindows|\bfirmware|\bapp|версия|גרסה)\s*$", re.I
)
_HEX_BEFORE = re.compile(r"0x[0-9a-f]*$", re.I)
_LEADING = re.compile(r"^\(?0|^8(?:\D*\d){10}$")
_RUSSIAN = re.compile(r"^(7[ (-]{1,2})?9\d{2}[ )-]{1,2}\d{3}[ -]?\d{2}[ -]?\d{2}$")
"""A mobile number without its 8, or with a 7 that has lost its plus."""
_AMERICAN = re.compile(r"^\(?[2-9]\d{2}\)?[ .-]?[2-9]\d{2}[ .-]?\d{4}$")
_GROUPED_PHONE = re.compile(r"^\d{2,3}(?:[ -]\d{2,3}){2,3}$")

_KNOWN_KEY = re.compile(
    r"(?:^|(?<=[=:]))(?:[srp]k_|sk-(?=[\w-]*\d)(?=[\w-]*[A-Z])|ghp_|gho_|ghs_|github_pat_|glpat-|xox[abprs]-|AIza|ya29\.|SG\.|eyJ|whsec_|shpat_|npm_|pypi-|hf_|EAA|AGE-SECRET)|(?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}",
)
_UUID = re.compile(r"^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$", re.I)
_LICENCE = re.compile(r"^(?=[^a-z]*$)(?=.*\d)(?=.*[A-Z])[A-Z0-9]{4,8}(?:-[A-Z0-9]{4,8}){3,}$")
_PARTS = re.compile(r"[-_.:/~+=]+")
_WORD_RUN = re.compile(r"[A-Z]?[a-z]{3,}|[A-Z]{4,}")
_CHANGE = re.compile(r"(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])|(?<=[a-z])(?=[A-Z])")

MOST_PIECES = 80
LEADING_ZERO_REGIONS = ("SE", "IL", "GB", "DE", "FR", "RU", "FI", "NL", "IT", "CH", "AT", "BE", "UA", "TR", "AU", "IN", "JP")
GROUPED_REGIONS = ("ES", "PL", "NO", "DK", "PT", "CZ", "GR")


def redact(text: str) -> str:
    """The text with e-mails, phones, IBANs, cards, national ids, addresses of machines, long numbers and keys masked."""
    if not _SUSPICIOUS.search(text):
        return text
    plain = _in_plain_signs(_INVISIBLE.sub("", text))
    masked = _masked(plain)
    return text if masked == plain else masked


def _in_plain_signs(text: str) -> str:
    """Digits of any script, spaces and dashes of any width, and full-width letters as those of a keyboard."""
    if not text.isascii():
        text = "".join(map(_plain_sign, text))
    return _WIDE_GAP.sub(" ", text)


@lru_cache(maxsize=4096)
def _plain_sign(sign: str) -> str:
    kind = unicodedata.category(sign)
    if kind == "Nd":
        return str(unicodedata.digit(sign))
    if kind == "Zs":
        return " "
    if kind == "Pd" or sign == "\u2212":
        return "-"
    return chr(ord(sign) - 0xFEE0) if "\uff01" <= sign <= "\uff5e" else sign


def _masked(text: str) -> str:
    if "@" in text or ":" in text or "www." in text.lower() or _AT.search(text):
        text = _URL.sub(_mask_url, text)
        text = _EMAIL.sub(EMAIL, text)
    text = _IBAN.sub(_mask_iban, text)
    text = _NINO.sub(ID, text)
    text = _TOKEN.sub(_mask_key, text)
    if ":" in text:
        text = _IPV6.sub(_mask_ipv6, text)
    text = _IPV4.sub(_mask_ipv4, text)
    text = _SNILS.sub(_masked_if(_is_snils, ID), text)
    text = _DIGITS.sub(_mask_digits, text)
    return _LONG_NUMBER.sub(_mask_number, text)


def requester_hash(address: str, key: str | bytes) -> str:
    """A sender's address as a keyed hash: the same person is recognised, the address cannot be read back without the key."""
    secret = key.encode() if isinstance(key, str) else key
    return hmac.new(secret, address.strip().casefold().encode(), hashlib.sha256).hexdigest()[:32]


Mask = Callable[[re.Match[str]], str]


def _masked_if(check: Callable[[str], bool], placeholder: str) -> Mask:
    return lambda match: placeholder if check(match[0]) else match[0]


def _mask_url(match: re.Match[str]) -> str:
    # A plain address says which page it is about; a query, a fragment or a password in it may say who.
    url = match[0]
    return URL if any(sign in url for sign in "?#@=") else url


def _mask_iban(match: re.Match[str]) -> str:
    """Cut at the length at which the check digits fit: the pattern may have swallowed the next word."""
    text = match[0]
    for end in range(len(text), 14, -1):
        if text[end - 1] in " .-" or (end < len(text) and text[end] not in " .-"):
            continue
        plain = re.sub(r"[ .-]", "", text[:end]).upper()
        if iban.is_valid(plain, check_country=False):
            return IBAN + text[end:]
    return text


def _mask_key(match: re.Match[str]) -> str:
    token = match[0].rstrip(".:")
    return KEY + match[0][len(token) :] if is_key(token) else match[0]


def is_key(token: str) -> bool:
    """Whether a long token looks drawn by lot rather than made of words and short numbers."""
    if len(token) < 16:
        return False
    if _KNOWN_KEY.search(token) or _UUID.match(token) or _LICENCE.match(token):
        return True
    return any(_is_random(part) for part in _PARTS.split(token) if len(part) >= 12) or (
        # Base64 holds separators of its own, which leave short pieces.
        len(token) >= 24
        and ("+" in token or "/" in token or token.endswith("="))
        and "://" not in token
        and _is_random(_PARTS.sub("", token))
    )


def _is_random(part: str) -> bool:
    if part.isdigit() or part.startswith("0x"):
        return False
    if part.isalpha() and (part.islower() or part.isupper() or part.istitle()):
        return False
    words = sum(len(run) for run in _WORD_RUN.findall(part))
    changes = len(_CHANGE.findall(part))
    return changes >= 2 and (words < 0.5 * len(part) or changes >= 0.25 * len(part))


def _mask_ipv6(match: re.Match[str]) -> str:
    try:
        ipaddress.IPv6Address(match[0])
    except ValueError:
        return match[0]
    return IP if len(match[0]) > 3 else match[0]


def _mask_ipv4(match: re.Match[str]) -> str:
    octets = match[1].split(".")
    if any(int(o) > 255 or (len(o) > 1 and o[0] == "0") for o in octets) or _VERSION_BEFORE.search(match.string, 0, match.start()):
        return match[0]
    return IP


def _is_snils(text: str) -> bool:
    digits = [int(c) for c in text if c.isdigit()]
    check = sum(weight * digit for weight, digit in zip(range(9, 0, -1), digits, strict=False)) % 101 % 100
    return check == digits[9] * 10 + digits[10]


def _mask_digits(match: re.Match[str]) -> str:
    """A run of digits with the signs people put between them: card, national id, phone, or none of these."""
    text = match[0]
    if text[0] == "(" and text.count("(") > text.count(")"):
        return "(" + _DIGITS.sub(_mask_digits, text[1:])  # a bracket around the number, not one of its own
    digits = re.sub(r"\D", "", text)
    if len(digits) < 7 or _is_money(match) or _is_version(match) or _HEX_BEFORE.search(match.string, 0, match.start()):
        return text
    found = _kind_of(text, digits)
    if found:
        return found
    # Several numbers stand side by side: judge each, and pairs of neighbours.
    pieces = re.split(r"(\s{1,2}|/)", text)
    if len(pieces) > MOST_PIECES:
        return NUMBER  # nobody asks a question in forty numbers, and looking at every stretch of them would take too long
    return text if len(pieces) < 3 else _mask_pieces(pieces)


def _is_version(match: re.Match[str]) -> bool:
    return set(match[0]) <= set("0123456789.") and "." in match[0] and bool(_VERSION_BEFORE.search(match.string, 0, match.start()))


def _is_money(match: re.Match[str]) -> bool:
    text, whole = match[0], match.string
    if text[0] in "+(0":
        return False
    return bool(
        _MONEY_BEFORE.search(whole, max(0, match.start() - 6), match.start()) or _MONEY_AFTER.match(whole[match.end() : match.end() + 12])
    )


def _kind_of(text: str, digits: str) -> str:
    if _DATE.fullmatch(text):
        return ""
    if 13 <= len(digits) <= 19 and "+" not in text and luhn.is_valid(digits):
        return CARD
    if _is_national_id(text, digits):
        return ID
    if _is_phone(text, digits):
        return PHONE
    if len(digits) >= 13 and not _GROUPED.fullmatch(text) and re.fullmatch(r"[\d -]+", text) and not re.search(r"\s{2}|--", text):
        return NUMBER
    return ""


def _mask_pieces(pieces: list[str]) -> str:
    """Mask what is recognisable in a row of numbers, the longest stretch first."""
    count = (len(pieces) + 1) // 2
    for length in range(min(count - 1, 7), 0, -1):
        for start in range(count - length + 1):
            stretch = "".join(pieces[2 * start : 2 * (start + length) - 1])
            digits = re.sub(r"\D", "", stretch)
            found = _kind_of(stretch, digits) if len(digits) >= 7 else ""
            if found:
                before, after = pieces[: 2 * start], pieces[2 * (start + length) - 1 :]
                left = "".join(before[:-1]) if before else ""
                gap = before[-1] if before else ""
                return _rest(left) + gap + found + (after[0] + _rest("".join(after[1:])) if after else "")
    return "".join(pieces)


def _rest(text: str) -> str:
    return _DIGITS.sub(_mask_digits, text) if text else ""


def _is_national_id(text: str, digits: str) -> bool:
    if len(digits) == 9 and _SSN.fullmatch(text):
        return True
    if len(digits) == 9 and re.fullmatch(r"\d{9}|\d{8}-\d|\d-\d{7}-\d|\d{3} ?\d{3} ?\d{3}", text):
        # A grouped nine-digit number may be anything; only the undivided form is taken for an id by its check digit alone.
        return bool(idnr.is_valid(digits)) and " " not in text
    if len(digits) in (10, 12) and _PERSONNUMMER.fullmatch(text):
        return _is_personnummer(text, digits) or (text.isdigit() and inn.is_valid(digits)) or bool(_PASSPORT.fullmatch(text))
    if len(digits) == 10 and _PASSPORT.fullmatch(text):
        return True
    if len(digits) == 12 and text.isdigit():
        return bool(inn.is_valid(digits))
    return len(digits) == 11 and text.isdigit() and _is_snils(text) and text[0] not in "78"


def _is_personnummer(text: str, digits: str) -> bool:
    if not luhn.is_valid(digits[-10:]):
        return False
    return bool(personnummer.is_valid(digits)) or 61 <= int(digits[-6:-4]) <= 91


def _is_phone(text: str, digits: str) -> bool:
    if len(digits) > 15:
        return False
    if text.startswith("+") or text.startswith("(+"):
        return _is_number_of("+" + digits, None)
    if digits.startswith("00") and len(digits) >= 10:
        return _is_number_of("+" + digits[2:], None)
    if _LEADING.match(text):
        return any(_is_number_of(digits, region) for region in LEADING_ZERO_REGIONS)
    if _RUSSIAN.match(text):
        return _is_number_of(digits[-10:], "RU")
    if _AMERICAN.match(text):
        return _is_number_of(digits, "US")
    if digits.startswith("1") and _AMERICAN.match(text[1:].lstrip(" -.(")):
        return _is_number_of(digits, "US")
    if 8 <= len(digits) <= 9 and _GROUPED_PHONE.match(text):
        return any(_is_number_of(digits, region) for region in GROUPED_REGIONS)
    return False


def _is_number_of(digits: str, region: str | None) -> bool:
    try:
        number = phonenumbers.parse(digits, region)
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.is_valid_number(number) or (region is None and phonenumbers.is_possible_number(number))


def _mask_number(match: re.Match[str]) -> str:
    """Six or more digits in a row; a hexadecimal error code and an amount of money are not anybody's number."""
    before = match.string[max(0, match.start() - 12) : match.start()]
    if _HEX_BEFORE.search(before):
        return match[0]
    if len(match[0]) <= 9 and (_MONEY_BEFORE.search(before) or _MONEY_AFTER.match(match.string[match.end() : match.end() + 12])):
        return match[0]
    return NUMBER
