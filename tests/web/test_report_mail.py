"""The weekly mail over real rows: the page's numbers in both of its versions, for every reader, and nothing that the page hides."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from app import deflection
from app.accounts import Role
from app.web.reports.report_mail import is_due, queue_weekly, weekly_letter
from tests.browser.conftest import FLAGS
from tests.web.report_weeks import fill, parsed, words_of

SECTIONS = {
    "Every number, with its size and interval": "details.numbers tbody tr",
    "Solved without a ticket, by week": 'section[aria-labelledby="h-trend"] tbody tr',
    "Where questions end": "ol.funnel li",
    "Searches that fail most": 'section[aria-labelledby="h-miss"] tbody tr',
    "Articles that need work": 'section[aria-labelledby="h-eff"] tbody tr',
    "Requests nobody searched for": 'section[aria-labelledby="h-uns"] tbody tr',
    "For whom it works": 'section[aria-labelledby="h-by"] tbody tr',
    "How long to wait for a request": 'section[aria-labelledby="h-win"] tbody tr',
    "What other tools would report on the same data": 'section[aria-labelledby="h-ven"] tbody tr',
}
"""Sections of the mail, and where the same rows stand on the page."""
LONGEST = 100_000
"""Bytes of HTML from which mail programs begin to cut a message off."""


@pytest.fixture
def filled(portal):
    fill(portal)


def numbers_in(words):
    return set(re.findall(r"\d+(?:[.,]\d+)*%?", words))


def mail_rows(html, title):
    """Name and cells of each row with values in a section of the mail."""
    (table,) = parsed(html).query(f'table[aria-label="{title}"]')
    bodies = [body for body in table.query("tbody") if body.query("td")]
    return [(words_of(body.query("th bdi")[0]), [words_of(cell) for cell in body.query("td")]) for body in bodies]


def test_every_section_of_the_page_is_in_the_mail_with_the_numbers_of_the_page(app, filled, signed_in):
    page = parsed(signed_in(Role.MANAGER).get("/reports/").get_data(as_text=True))
    html = weekly_letter(app, "en").html
    for title, places in SECTIONS.items():
        there = [words_of(row) for row in page.query(places)]
        here = mail_rows(html, title)
        assert here, title
        for name, cells in here:
            numbers = numbers_in(" ".join(cells))
            name = name.removesuffix(" (common words)")
            assert any(row.startswith(name) and numbers <= numbers_in(row) for row in there), (title, name, cells)


def test_both_versions_of_the_mail_say_the_same(app, filled):
    letter = weekly_letter(app, "en")
    plain = re.sub(r"\s+", " ", letter.text)
    for title in SECTIONS:
        for name, cells in mail_rows(letter.html, title):
            for said in (name, *cells):
                assert said in plain, (title, said)


def test_where_questions_end_sums_to_the_whole_in_the_mail(app, filled):
    ends = {name: int(cells[0].replace(",", "")) for name, cells in mail_rows(weekly_letter(app, "en").html, "Where questions end")}
    parts = ("Solved without a ticket", "Wrote to us", "Left without an answer", "Not known")
    assert sum(ends[part] for part in parts) == ends["Came with a question"] > 0


def test_articles_in_the_mail_are_shrunk_and_have_their_size_and_every_interval(app, filled):
    rows = mail_rows(weekly_letter(app, "en").html, "Articles that need work")
    assert len(rows) >= 5
    for _name, (read, solved, votes, writing) in rows:
        assert re.fullmatch(r"\d+, [\d.]+% \([\d.]+ to [\d.]+\)", read)
        assert re.fullmatch(r"\d+% \(\d+ to \d+\)", solved)
        assert re.fullmatch(r"\d+ / \d+( \(few votes\))?", votes)
        assert re.fullmatch(r"[\d.]+% \([\d.]+ to [\d.]+\)", writing)


def test_failures_in_the_mail_have_their_kind_their_next_step_and_a_gap_with_its_interval(app, filled):
    rows = mail_rows(weekly_letter(app, "en").html, "Searches that fail most")
    assert len(rows) >= 5
    for _name, (failed, gap, step) in rows:
        assert re.fullmatch(r"\d+ of \d+", failed)
        assert re.fullmatch(r"[\d.,]+ \([\d.,]+ to [\d.,]+\)", gap)
        assert step[0].isupper()


def test_a_week_that_is_not_final_is_marked_and_corrected_and_has_its_events(app, portal, filled):
    day = datetime.now(UTC).date() - timedelta(days=8)
    with portal.database.durable_session() as db:
        deflection.add_note(db, day.isoformat(), "release", "Version 7 of the app", "u1", datetime.now(UTC))
    letter = weekly_letter(app, "en")
    weeks = parsed(letter.html).query('table[aria-label="Solved without a ticket, by week"] tbody')
    (week,) = [body for body in weeks if "Version 7 of the app" in body.to_text()]
    assert "not final" in week.to_text()
    questions, solved, between, corrected = [words_of(cell) for cell in week.query("td")]
    assert int(questions) >= 20
    assert re.fullmatch(r"[\d.]+%", solved)
    assert re.fullmatch(r"[\d.]+ to [\d.]+", between)
    assert re.fullmatch(r"[\d.]+% \([\d.]+ to [\d.]+\)", corrected)
    assert "Version 7 of the app" in letter.text


def test_fewer_than_twenty_questions_have_no_rate_in_the_mail(app, portal):
    at = int((datetime.now(UTC) - timedelta(days=20)).timestamp() * 1000)
    deflection.import_events(portal.database, [line for n in range(12) for line in _question(n, at)])
    deflection.recompute_due(portal.database, datetime.now(UTC))
    letter = weekly_letter(app, "en")
    values = [cell for title in SECTIONS for _name, cells in _rows_if_any(letter.html, title) for cell in cells]
    assert "too few for a rate" in values
    assert not [value for value in values if "%" in value]
    assert "%" not in letter.text.replace("95% interval", "").replace("80% interval", "")


def _question(n, at):
    """Somebody searches, and every other one opens what was found."""
    who = f'"t_client":{at},"t_sent":{at},"t_recv":{at},"visitor":"v{n}","tab":"t{n}","ua":"Mozilla"'
    found = '"mode":"submit","n_results":1,"results":["cards/card-declined"],"lang":"en"'
    yield f'{{"event_id":"s{n}","type":"search",{who},"search_id":"s{n}","q":"card declined",{found}}}'
    if n % 2:
        yield f'{{"event_id":"w{n}","type":"view",{who},"view_id":"w{n}","article":"cards/card-declined","source":"search","search_id":"s{n}"}}'


def _rows_if_any(html, title):
    return mail_rows(html, title) if parsed(html).query(f'table[aria-label="{title}"]') else []


def test_words_of_too_few_people_are_not_in_the_mail(app, portal):
    at = int((datetime.now(UTC) - timedelta(days=20)).timestamp() * 1000)
    lonely = [
        f'{{"event_id":"x{i}","type":"search","t_client":{at + i},"t_sent":{at + i},"t_recv":{at + i},"visitor":"lonely","tab":"x",'
        f'"ua":"Mozilla","search_id":"x{i}","q":"my neighbour Zebulon Quick {i}","mode":"submit","n_results":0}}'
        for i in range(3)
    ]
    fill(portal, 300, lonely)
    letter = weekly_letter(app, "en")
    assert "Asked by too few people" in letter.text
    assert "zebulon" not in (letter.text + letter.html).casefold()


def test_the_mail_leads_to_the_page_and_to_the_meaning_of_every_number(app, filled, signed_in):
    html = weekly_letter(app, "en").html
    links = [a.attrs["href"] for a in parsed(html).query("a")]
    assert all(link.startswith("http://localhost/") for link in links)
    assert "http://localhost/reports/?w=13" in links
    manager = signed_in(Role.MANAGER)
    known = {node.attrs["id"] for path in ("/reports/definitions", "/reports/") for node in parsed(manager.get(path).data).query("[id]")}
    meanings = {link.split("#")[1] for link in links if "#" in link}
    assert meanings >= {"solved", "escalated", "avoided", "gap", "article", "window", "h-trend", "h-by"}
    assert meanings <= known


def test_the_mail_loads_nothing_from_anywhere_and_is_not_cut_off(app, filled):
    html = weekly_letter(app, "en").html
    assert not parsed(html).query("script, style, link, img, iframe, svg, [src], [background]")
    assert "url(" not in html
    assert len(html.encode()) < LONGEST


def test_readers_get_the_mail_in_their_own_language_once_a_week(app, portal, filled, add_person):
    add_person("mia@example.com", Role.MANAGER)
    olof = add_person("olof@example.com", Role.ADMIN)
    add_person("agent@example.com", Role.AGENT)
    with portal.database.durable_session() as db:
        db.execute(text("UPDATE users SET locale = 'sv' WHERE id = :id"), {"id": olof.id})
    now = datetime.now(UTC)
    assert queue_weekly(app, now) == 2
    queue_weekly(app, now)
    with portal.database.session() as db:
        mails = [str(row) for (row,) in db.execute(text("SELECT payload FROM deliveries WHERE key LIKE 'weekly-report:%'"))]
    assert len(mails) == 2
    assert sum("Self-service, last 13 weeks" in mail and "mia@example.com" in mail for mail in mails) == 1
    assert sum("Self-service" not in mail and 'lang=\\"sv\\"' in mail and "olof@example.com" in mail for mail in mails) == 1


def test_it_is_due_on_monday_mornings():
    assert is_due(datetime(2026, 11, 23, 6, tzinfo=UTC))
    assert not is_due(datetime(2026, 11, 23, 4, tzinfo=UTC))
    assert not is_due(datetime(2026, 11, 24, 6, tzinfo=UTC))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_mail_is_read_on_a_narrow_phone_without_scrolling_aside(app, filled, playwright, scheme):
    browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
    try:
        page = browser.new_page(viewport={"width": 360, "height": 800}, color_scheme=scheme)
        page.set_content(weekly_letter(app, "en").html)
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        ink = page.evaluate("getComputedStyle(document.body).color")
        assert ink == {"light": "rgb(0, 0, 0)", "dark": "rgb(255, 255, 255)"}[scheme]
    finally:
        browser.close()
