"""What other products would report on the very same data, next to ours, with the reason why they differ.

Only for this comparison: none of these numbers is used, or shown, anywhere else.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.deflection.inference.statistics import FEWEST_FOR_A_RATE
from app.deflection.reporting import facts
from app.deflection.reporting.facts import Frame
from app.deflection.reporting.metrics import Summary

ASSUMED_HOURS = 24
"""Within this time without a new contact the assumed-resolution kind of rule calls a question resolved."""


@dataclass(frozen=True)
class VendorNumber:
    """One number as a vendor defines it; `per_ticket` marks a ratio instead of a share."""

    key: str
    count: float
    base: float
    per_ticket: bool = False

    @property
    def value(self) -> float | None:
        return self.count / self.base if self.base >= FEWEST_FOR_A_RATE else None


def vendor_numbers(every: Frame, needs: Frame, report: Summary, ticket_persons: int) -> tuple[VendorNumber, ...]:
    """The four usual definitions; `every` are all needs of the period with browsing, `needs` the counted ones."""
    visitors = every.where(~every.rules(facts.EXCLUDED)).persons
    quick = (needs["escalate_ms"] >= 0) & (needs["escalate_ms"] <= ASSUMED_HOURS * 3_600_000)
    opened = needs["opened"]
    assumed = opened & ~quick & (needs["vote"] >= 0)
    potential = opened & ~quick
    # Where only some forms of a question showed answers, nobody counted which of them were left.
    whole = needs.where((needs["forms_shown"] > 0) & (needs["forms_shown"] == needs["forms"]))
    shown, left = int(whole["forms_shown"].sum()), int(whole["forms_left"].sum())
    return (
        VendorNumber("zendesk", visitors, ticket_persons, per_ticket=True),
        VendorNumber("intercom", int((assumed | needs.rules(facts.CONFIRMED)).sum()), int(opened.sum())),
        VendorNumber("servicenow", int((potential | needs.rules(facts.CONFIRMED)).sum()), len(needs)),
        VendorNumber("form", left, shown),
        VendorNumber("silence", int((~needs.rules(facts.ESCALATED)).sum()), len(needs)),
        VendorNumber("hylla", report.solved.count, report.solved.base),
    )
