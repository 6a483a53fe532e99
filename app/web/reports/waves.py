"""Groups of questions that far more people ask than usual, for managers and agents, with the notice that could answer them."""

from __future__ import annotations

from functools import lru_cache

from app.deflection import Spike, notice_proposal, spikes
from app.web import context


def waves() -> list[tuple[Spike, str]]:
    """The spikes of the moment, each with a proposed notice; looked for once a minute, because every opening of the queue asks."""
    now = context.now()
    portal = context.portal()
    return list(_waves(portal.database.url, int(now.timestamp()) // 60, portal.settings.privacy_k))


@lru_cache(maxsize=2)
def _waves(database: str, minute: int, k: int) -> tuple[tuple[Spike, str], ...]:
    now = context.now()
    return tuple((spike, notice_proposal(spike, now)) for spike in spikes(context.db(), now, k))
