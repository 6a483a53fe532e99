"""Which arm of the trial a person is in: most see answers in the contact form, a few do not, so that their effect can be measured."""

from __future__ import annotations

import hashlib

from app.deflection import Actor
from app.web import context


def arm_of(actor: Actor, form_id: str) -> str:
    """`on` or `holdout`, the same for one person each time; staff always see what customers see."""
    share = context.portal().settings.form_holdout_share
    if actor.role != "customer" or share <= 0:
        return "on"
    person = actor.account or actor.visitor or actor.tab or form_id
    drawn = int.from_bytes(hashlib.sha256(f"form-answers/{person}".encode()).digest()[:6], "big") / 2**48
    return "holdout" if drawn < share else "on"
