"""Which arm of the trial a person is in: most see answers in the contact form, some do not, so that their effect can be measured."""

from __future__ import annotations

from datetime import timedelta

from flask import current_app

from app import deflection
from app.deflection import Actor
from app.web import context

LOOK_AGAIN = timedelta(minutes=10)
"""The share follows last month's forms; it need not be counted for every form."""


def arm_of(actor: Actor, form_id: str) -> str:
    """`on` or `holdout`, the same for one person each time; staff always see what customers see."""
    share = share_without_answers()
    if actor.role != "customer" or share <= 0:
        return "on"
    return deflection.arm_of(actor.account or actor.visitor or actor.tab or form_id, share)


def share_without_answers() -> float:
    """The share of people who see no answers in the form, counted at most every ten minutes in this process; 1 once the trial stopped itself."""
    setting, now = context.portal().settings.form_holdout_share, context.now()
    known = current_app.extensions.get("trial_share")
    if known is None or abs(now - known[0]) > LOOK_AGAIN:
        known = (now, deflection.current_share(context.db(), now, setting))
        current_app.extensions["trial_share"] = known
    return float(known[1])
