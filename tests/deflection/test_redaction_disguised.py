"""Masking of numbers as people and copied texts really write them: odd spaces and dashes, digits of other scripts, words around."""

from __future__ import annotations

import random
import string
import unicodedata
from collections.abc import Callable

import pytest
from stdnum import luhn
from stdnum.de import idnr as german
from test_redaction import PLACEHOLDERS, card, email, iban, key, phone, words

from app.deflection import redact

COUNT = 1000
FRAMES = (
    "%s", "(%s)", "tel:%s", "id=%s", "nr.%s", "hej,%s,hej", "“%s”", "номер:%s, помогите", "המספר שלי הוא %s תודה", "\u200f%s\u200f",
    "mitt nummer är %s och jag heter Kim", "Перезвоните на %s пожалуйста", "why %s?", "\t%s\n",
)  # fmt: skip
SEPARATORS = (" ", "\u00a0", "\u202f", "\u2009", "  ", "\u2011", "\u2013", "-")
ZEROS = (0x30, 0xFF10, 0x0660, 0x06F0, 0x0966, 0x1D7CE)

Make = Callable[[random.Random], str]


def digits(rng: random.Random, count: int) -> str:
    return "".join(rng.choices(string.digits, k=count))


def personnummer(rng: random.Random) -> str:
    year, month, day = rng.randint(40, 99), rng.randint(1, 12), rng.randint(1, 28)
    birth = f"{year:02d}{month:02d}{day:02d}"
    last = digits(rng, 3)
    last += luhn.calc_check_digit(birth + last)
    return rng.choice(
        (f"{birth}-{last}", f"19{birth}-{last}", f"{birth}+{last}", f"19{year}-{month:02d}-{day:02d}-{last}", f"{birth} - {last}")
    )


def snils(rng: random.Random) -> str:
    s = digits(rng, 9)
    check = sum(weight * int(digit) for weight, digit in zip(range(9, 0, -1), s, strict=True)) % 101 % 100
    return rng.choice((f"{s[:3]}-{s[3:6]}-{s[6:]} {check:02d}", f"{s[:3]} {s[3:6]} {s[6:]} {check:02d}"))


def american(rng: random.Random) -> str:
    area = rng.choice([n for n in range(1, 900) if n != 666])
    return f"{area:03d}-{rng.randint(1, 99):02d}-{rng.randint(1, 9999):04d}"


def british(rng: random.Random) -> str:
    letters, s = rng.choice("ABCEGHJKLMNOPRSTWXYZ") + rng.choice("ABCEGHJKLMNPRSTWXYZ"), digits(rng, 6)
    return rng.choice((f"{letters}{s}C", f"{letters} {s[:2]} {s[2:4]} {s[4:]} A", f"{letters}-{s[:2]}-{s[2:4]}-{s[4:]}-B"))


def steuer_id(rng: random.Random) -> str:
    while True:
        ten = list(rng.sample(string.digits, 9))
        ten.insert(rng.randint(0, 9), rng.choice(ten))
        for check in string.digits:
            if ten[0] != "0" and german.is_valid("".join(ten) + check):
                return "".join(ten) + check


def russian_phone(rng: random.Random) -> str:
    s = f"{rng.choice((903, 905, 910, 916, 921, 926))}{digits(rng, 7)}"
    a, b, c, d = s[:3], s[3:6], s[6:8], s[8:]
    return rng.choice((f"8 ({a}) {b}-{c}-{d}", f"8-{a}-{b}-{c}-{d}", f"8.{a}.{b}.{c}.{d}", f"{a} {b}-{c}-{d}", f"7 {a} {b}{c}{d}"))


def spelt_email(rng: random.Random) -> str:
    at = rng.choice((" @ ", " (at) ", "[at]", "＠"))
    domain = rng.choice((f"{words(rng)}.com", f"bücher-{words(rng)}.de", "почта.рф", f"{words(rng)}．com"))
    return f"{words(rng)}+{words(rng)}{at}{domain}"


def other_key(rng: random.Random) -> str:
    signs = string.ascii_letters + string.digits
    return rng.choice(("sk-proj-", "sk-", "xoxp-")) + "".join(rng.choices(signs, k=40)) + "7Q"


def disguised(rng: random.Random, text: str) -> str:
    separator, zero = rng.choice(SEPARATORS), rng.choice(ZEROS)
    return "".join(separator if c in " -" else chr(zero + int(c)) if c in string.digits else c for c in text)


def bare(text: str) -> str:
    plain = "".join(str(unicodedata.digit(c)) if unicodedata.category(c) == "Nd" else c for c in unicodedata.normalize("NFKC", text))
    return "".join(c for c in plain if c.isalnum()).casefold()


def masked(text: str, secret: str) -> bool:
    """Whether nothing usable of the secret is left: no six of its letters or digits in a row."""
    found = redact(text)
    left, sought = bare(found), bare(secret)
    return any(p in found for p in PLACEHOLDERS) and not any(sought[i : i + 6] in left for i in range(len(sought) - 5))


@pytest.mark.parametrize(
    "make", [phone, russian_phone, iban, card, personnummer, snils, american, british, steuer_id], ids=lambda m: m.__name__
)
def test_numbers_in_disguise_are_masked(make: Make) -> None:
    rng = random.Random(2031)
    missed = []
    for _ in range(COUNT):
        secret = disguised(rng, make(rng))
        text = rng.choice(FRAMES) % secret
        if not masked(text, secret):
            missed.append((text, redact(text)))
    assert len(missed) <= COUNT // 100, missed[:20]


@pytest.mark.parametrize("make", [email, spelt_email, key, other_key], ids=lambda m: m.__name__)
def test_addresses_and_keys_are_masked_between_any_words(make: Make) -> None:
    rng = random.Random(2032)
    texts = [(secret, rng.choice(FRAMES) % secret) for secret in (make(rng) for _ in range(COUNT))]
    missed = [(text, redact(text)) for secret, text in texts if not masked(text, secret)]
    assert len(missed) <= COUNT // 100, missed[:20]


def model(rng: random.Random) -> str:
    n = rng.randint(1000, 9999)
    return rng.choice(
        (
            f"iPhone {n % 20}",
            f"SM-G{n}F",
            f"RTX {n}",
            f"WH-{n}XM5",
            f"LaserJet {n}dn",
            f"UE55AU{n}",
            f"CUH-{n}",
            f"i7-{n}K",
            f"EOS {n}D",
            f"DDR5-{n}",
        )
    )


def release(rng: random.Random) -> str:
    n = rng.randint(1000, 9999)
    return rng.choice(
        (
            f"Chrome {n % 50 + 90}.0.{n}.{n % 200}",
            f"Windows 10.0.{n * 2}",
            f"версия {n % 30}.{n % 7}.1",
            f"build {n}",
            f"2026.{n % 12 + 1}.{n % 9}",
        )
    )


def period(rng: random.Random) -> str:
    d, m, y = rng.randint(1, 27), rng.randint(1, 12), rng.randint(2015, 2030)
    return rng.choice(
        (f"{d:02d}.{m:02d}.{y}-{d + 1:02d}.{m:02d}.{y}", f"{y}-{y + 1}", f"{d}.–{d + 1}.{m}.{y}", f"{d} {m} {y}", f"{y}/{m:02d}/{d:02d}")
    )


def reference(rng: random.Random) -> str:
    n = rng.randint(1000, 99_999)
    return rng.choice(
        (f"заказ №{n}", f"הזמנה {n}", f"INV-2026-{n:05d}", f"RMA{n}", f"ORA-{n:05d}", f"AADSTS{n}", f"Fehler {n}-{n % 90 + 10}", f"A{n}B")
    )


@pytest.mark.parametrize("make", [model, release, period, reference], ids=lambda m: m.__name__)
def test_what_a_question_is_about_stays_as_it_was_written(make: Make) -> None:
    rng = random.Random(2033)
    texts = [rng.choice(FRAMES) % disguised(rng, make(rng)) for _ in range(COUNT)]
    touched = [(text, redact(text)) for text in texts if redact(text) != text]
    assert len(touched) <= COUNT // 100, touched[:20]
