"""The thresholds that outcomes depend on, as one versioned value; a chart never mixes two versions without a seam."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from app.config import Settings
from app.deflection.recording.clock import DAY, HOUR, MINUTE, SECOND
from app.errors import Invalid

RULES_VERSION = 2
"""Raised when the rules themselves change; thresholds are part of the version by their digest."""


class InvalidRulebook(Invalid):
    """A set of thresholds cannot be used; `errors` names each."""


@dataclass(frozen=True, slots=True)
class Rulebook:
    """Thresholds of the outcome rules. Times are milliseconds; the defaults are those of docs/deflection.md."""

    sat_ms: int = 30 * SECOND
    window_ms: int = 7 * DAY
    """Attribution window W for a ticket on the topic."""
    weak_window_ms: int = 24 * HOUR
    grace_ms: int = 24 * HOUR
    session_gap_ms: int = 30 * MINUTE
    unseen_window_ms: int = 30 * MINUTE
    """The window of a need of link class 0: later than this, nobody could see its ticket anyway."""
    burst_pause_ms: int = 3 * SECOND
    repeat_ms: int = 600 * SECOND
    synonym_ms: int = 60 * SECOND
    continue_ms: int = 48 * HOUR
    similar: float = 0.40
    topical: float = 0.50
    require_watermark: bool = False

    @property
    def version(self) -> str:
        """Names these rules with these thresholds: the same everywhere, different whenever one differs."""
        digest = hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()
        return f"{RULES_VERSION}-{digest[:10]}"

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_mapping(cls, given: Mapping[str, Any]) -> Rulebook:
        """Thresholds from a JSON object; raises `InvalidRulebook` naming every unknown or impossible one."""
        known = {f.name: f for f in fields(cls)}
        errors = {str(name): "is no threshold; known are " + ", ".join(known) for name in given if name not in known}
        for name, value in given.items():
            if name in known and not _fits(cls(), name, value):
                errors[name] = "must be true or false" if name == "require_watermark" else "must be a positive number"
        if errors:
            raise InvalidRulebook("; ".join(f"{name} {problem}" for name, problem in sorted(errors.items())), errors)
        return cls(**given)


def rules_from(settings: Settings) -> Rulebook:
    """The thresholds that the operator set."""
    return Rulebook(
        sat_ms=settings.satisfied_seconds * SECOND,
        window_ms=settings.attribution_hours * HOUR,
        weak_window_ms=settings.weak_attribution_hours * HOUR,
        synonym_ms=settings.same_question_seconds * SECOND,
        similar=settings.similar,
    )


def _fits(defaults: Rulebook, name: str, value: Any) -> bool:
    default = getattr(defaults, name)
    if isinstance(default, bool):
        return isinstance(value, bool)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    if isinstance(default, float):
        return 0 < value <= 1
    return isinstance(value, int) and value >= 0
