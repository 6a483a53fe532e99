"""The reports of somebody who has just imported what people did."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy import text

from app.cli.working import MANY_GROUPED, group, judge
from app.deflection import record
from app.deflection.recording.events import parse_event
from app.portal import Portal


def test_questions_that_were_imported_have_names_as_soon_as_they_are_in_groups(open_house: Callable[..., Portal]) -> None:
    portal = open_house()
    now = datetime.now(UTC)
    asked = int(now.timestamp() * 1000) - 86_400_000
    words = ["my card is blocked", "cancel a transfer", "where is my refund"]
    searches = [
        {
            "event_id": f"e{n}", "type": "search", "t_recv": asked + n, "visitor": f"b{n}", "tab": f"t{n}", "search_id": f"s{n}",
            "q": words[n % 3], "mode": "submit", "n_results": 0, "results": [], "lang": "en",
        }
        for n in range(MANY_GROUPED + 6)
    ]  # fmt: skip
    with portal.database.session() as db:
        record(db, *map(parse_event, searches))
    judge(portal, now)
    said = group(portal, now)
    with portal.database.session() as db:
        names = set(db.execute(text("SELECT label FROM query_cluster")).scalars())
    assert names == set(words), said
