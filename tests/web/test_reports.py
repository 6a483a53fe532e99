"""The report pages over real rows: who may see them, what they say, and what they never show."""

from __future__ import annotations

import csv
import io
import itertools
import re
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from justhtml import JustHTML
from markupsafe import escape
from sqlalchemy import text

from app import deflection
from app.accounts import Role
from app.deflection.recording import simulate
from app.deflection.recording.exchange import import_events
from app.web.reports import report_charts
from app.web.reports.charts import across, scale

PAGES = (
    "/reports/",
    "/reports/today",
    "/reports/definitions",
    "/reports/trial",
    "/reports/notes",
    "/reports/phrases",
    "/reports/weeks.csv",
)
SECRET = "my neighbour Zebulon Quick"


def _fill(portal, needs=900, extra=()):
    """Simulated weeks, judged and grouped as the worker does it."""
    now = datetime.now(UTC)
    topics = [
        simulate.Subject(
            "decline", {"en": ("card declined", "declined card abroad"), "sv": ("kortet nekas",)}, ("cards/card-declined",), 0.6, 0.5
        ),
        simulate.Subject("activate", {"en": ("activate my card", "activate card")}, ("cards/activate-your-card",), 0.8, 0.3),
        simulate.Subject("virtual", {"en": ("=virtual card limit", "limit of virtual card")}, (), 0.5, 0.5),
    ]
    start = int((now - timedelta(days=80)).timestamp() * 1000)
    stream = simulate.stream(11, topics, needs, start, 79)
    import_events(portal.database, [*simulate.lines(stream), *extra])
    deflection.recompute_due(portal.database, now)
    with portal.database.session() as db:
        while deflection.assign_due(db, now):
            pass
        deflection.name_clusters(db, now, 3)
    return stream


@pytest.fixture
def filled(app, portal):
    return _fill(portal)


@pytest.fixture
def manager(filled, signed_in):
    return signed_in(Role.MANAGER)


def _text(response):
    assert response.status_code == 200, response.status_code
    return response.get_data(as_text=True)


def _parsed(html):
    return JustHTML(html, sanitize=False)


def _words(html):
    return re.sub(r"\s+", " ", _parsed(html).to_text())


def test_many_learned_phrases_come_in_pages(filled, signed_in, monkeypatch):
    monkeypatch.setattr("app.web.reports.report_desk.PHRASES_ON_A_PAGE", 1)
    writer = signed_in(Role.WRITER)
    first = _parsed(_text(writer.get("/reports/phrases")))
    (following,) = first.query('nav.pager a[rel="next"]')
    second = _parsed(_text(writer.get(following.attrs["href"])))
    assert [len(page.query("tbody tr")) for page in (first, second)] == [1, 1]
    assert first.query("tbody th")[0].to_text() != second.query("tbody th")[0].to_text()
    for page in ("99999", "-3", "x"):
        assert len(_parsed(_text(writer.get(f"/reports/phrases?page={page}"))).query("tbody tr")) == 1


@pytest.mark.parametrize("path", PAGES)
def test_only_managers_may_see_reports(client, signed_in, path):
    assert client.get(path).status_code == 302
    assert signed_in(Role.CUSTOMER).get(path).status_code == 403
    # What the numbers mean is for whoever meets one, and holds none.
    assert signed_in(Role.AGENT).get(path).status_code == (200 if path.endswith("definitions") else 403)
    assert signed_in(Role.ADMIN).get(path).status_code == 200


def test_writers_may_see_learned_phrases_but_no_reports(signed_in):
    writer = signed_in(Role.WRITER)
    assert writer.get("/reports/phrases").status_code == 200
    assert writer.get("/reports/").status_code == 403


def test_a_new_portal_says_what_will_be_here(signed_in):
    page = _words(_text(signed_in(Role.MANAGER).get("/reports/")))
    assert "No final questions in this range yet" in page


def test_a_small_desk_is_told_how_long_the_trial_takes_and_that_it_will_not_get_there(app, portal, signed_in):
    now = datetime.now(UTC)
    behaviour = simulate.Behaviour(holdout=0.5, form_helps=0.0)
    # From the beginning of a week, so that it is the same stream at whatever hour this runs.
    start = int((now - timedelta(days=60)).timestamp()) // (7 * 86_400) * 7 * 86_400_000
    stream = simulate.stream(3, simulate.subjects(5), 400, start, 58, behaviour)
    import_events(portal.database, simulate.lines(stream))
    deflection.recompute_due(portal.database, now)
    page = _words(_text(signed_in(Role.MANAGER).get("/reports/trial")))
    weeks = re.search(r"About (\d+) more weeks until a difference of five points would show", page)
    assert int(weeks[1]) > 26
    assert "People count for half a year, so at this pace it will not show." in page


def test_page_shows_the_headline_with_size_interval_and_definition(manager):
    html = _text(manager.get("/reports/?w=13"))
    page = _parsed(html)
    assert [h.to_text().strip() for h in page.query("h1")] == ["Self-service, last 13 weeks"]
    words = _words(html)
    assert "Solved without a ticket" in words
    assert re.search(
        r"confirmed \(the floor\) and [\d.]+% \([\d.]+ to [\d.]+\) likely, of [\d,]+ questions\. 95% interval [\d.]+ to [\d.]+", words
    )
    links = {a.attrs["href"] for a in page.query("a") if "/reports/definitions#" in a.attrs.get("href", "")}
    definitions = _parsed(_text(manager.get("/reports/definitions")))
    targets = {node.attrs["id"] for node in definitions.query("[id]")}
    assert len(links) > 8
    assert {link.split("#")[1] for link in links} <= targets


def test_every_number_leads_to_its_definition_which_is_there(manager, portal):
    meanings = {div.attrs["id"] for div in _parsed(_text(manager.get("/reports/definitions"))).query(".defs > div")}
    page = _parsed(_text(manager.get("/reports/?w=13")))
    panels = {panel.attrs["aria-labelledby"]: panel for panel in page.query("section.panel")}
    assert {
        name for name, panel in panels.items() if panel.query("td") and not panel.query('a.term[href^="/reports/definitions#"]')
    } == set()
    assert len(page.query(".funnel li")) == len(page.query(".funnel a.term")) == 6
    group = next(link.attrs["href"] for link in page.query('a[href^="/reports/groups/"]'))
    for address in ("/reports/?w=13", "/reports/today", "/reports/trial", group):
        links = _parsed(_text(manager.get(address))).query('main a[href^="/reports/definitions#"]')
        assert links, address
        assert {link.attrs["href"].partition("#")[2] for link in links} <= meanings


def test_charts_tell_their_story_in_words_and_have_their_numbers_in_tables(manager):
    page = _parsed(_text(manager.get("/reports/?w=13")))
    images = page.query('[role="img"]')
    assert images
    assert all(image.attrs.get("aria-label", "").strip() for image in images)
    assert any("Weekly share of questions" in image.attrs["aria-label"] for image in images)
    assert len(page.query("table")) >= 6
    assert all(table.query("th") for table in page.query("table"))


def test_every_number_of_the_specification_stands_on_the_page_with_its_size_and_meaning(manager):
    page = _parsed(_text(manager.get("/reports/?w=13")))
    rows = page.query("details.numbers tbody tr")
    meanings = {row.query("th a")[0].attrs["href"].split("#")[1] for row in rows}
    assert meanings >= {
        "solved", "confirmed", "likely", "log", "escalated", "abandoned", "undetermined", "zero", "click", "reformulated", "first-search",
        "form-rate", "self-service", "avoided", "time",
    }  # fmt: skip
    assert all(row.query("td")[1].to_text().strip() for row in rows)


def test_nobody_is_told_that_nine_of_ten_never_found_an_answer_when_only_some_did_not(manager):
    words = _words(_text(manager.get("/reports/?w=13")))
    assert "were never answered" not in words
    assert "had nobody given up" in words


def test_weeks_that_are_not_final_are_hatched(manager):
    html = _text(manager.get("/reports/?w=13"))
    assert 'class="ch-band soon"' in html
    assert "Not final: corrected for requests still to come" in html


def test_a_difference_of_nothing_has_no_sign_and_long_times_are_told_in_hours(app):
    from app.web.reports import report_words

    with app.test_request_context("/en/"):
        assert [report_words.signed(value) for value in (0.058, -0.013, -0.0001)] == ["+5.8", "−1.3", "0.0"]
        assert [report_words.duration(s) for s in (12, 204, 105_702, 400_000, None)] == ["12 s", "3.4 min", "29 h", "5 d", "–"]


def test_endings_add_up_on_the_page_and_in_the_file(manager):
    rows = manager.get("/reports/endings.json?w=13").get_json()["rows"]
    numbers = {row["ending"]: row["questions"] for row in rows}
    assert numbers.pop("total") == sum(numbers.values()) > 100
    shown = [int(n.to_text().replace(",", "")) for n in _parsed(_text(manager.get("/reports/?w=13"))).query(".funnel .num")]
    came, _, *parts = shown
    assert came == sum(parts)


def test_every_table_can_be_had_as_csv_and_json_with_the_same_rows(manager):
    for key in deflection.TABLES:
        as_csv = list(csv.DictReader(io.StringIO(_text(manager.get(f"/reports/{key}.csv?w=13")))))
        as_json = manager.get(f"/reports/{key}.json?w=13").get_json()["rows"]
        assert len(as_csv) == len(as_json), key
        if as_json:
            assert set(as_csv[0]) == set(as_json[0]), key


def test_no_cell_of_a_file_is_taken_for_a_formula(portal, signed_in, app):
    _fill(portal, 300)
    with portal.database.session() as db:
        rows = deflection.report_of(db, deflection.ReportRequest(weeks=13), datetime.now(UTC), deflection.Thresholds(5, 3))
        names = [r.cluster for r in rows.failures if r.cluster > 0]
        deflection.rename_cluster(db, names[0], '=HYPERLINK("http://evil.example")', "me", datetime.now(UTC))
    body = _text(signed_in(Role.MANAGER).get("/reports/failures.csv?w=13"))
    cells = [cell for row in csv.reader(io.StringIO(body)) for cell in row]
    assert any("HYPERLINK" in cell for cell in cells)
    assert not [cell for cell in cells if cell[:1] in ("=", "+", "@", "\t", "\r")]


def test_what_one_person_asked_is_shown_nowhere(app, portal, signed_in):
    now = int((datetime.now(UTC) - timedelta(days=20)).timestamp() * 1000)
    lonely = [
        f'{{"event_id":"x{i}","type":"search","t_client":{now + i},"t_sent":{now + i},"t_recv":{now + i},"visitor":"lonely","tab":"x",'
        f'"ua":"Mozilla","search_id":"x{i}","q":"{SECRET} {i}","mode":"submit","n_results":0}}'
        for i in range(3)
    ]
    _fill(portal, 300, lonely)
    manager = signed_in(Role.MANAGER)
    files = [f"/reports/{key}.{form}?w=13" for key in deflection.TABLES for form in ("csv", "json")]
    paths = ["/reports/?w=13", "/reports/today", "/reports/phrases", *files]
    with portal.database.session() as db:
        from sqlalchemy import text

        clusters = db.execute(text("SELECT DISTINCT cluster FROM need WHERE q LIKE '%zebulon%' OR q LIKE '%Zebulon%'")).scalars().all()
    assert clusters
    paths += [f"/reports/groups/{cluster}" for cluster in clusters] + [f"/reports/groups/{cluster}/draft.md" for cluster in clusters]
    for path in paths:
        body = manager.get(path).get_data(as_text=True).casefold()
        assert "zebulon" not in body, path


def test_filters_live_in_the_address_and_too_few_people_show_nothing(manager):
    phones = _words(_text(manager.get("/reports/?w=13&device=phone")))
    assert "Filters: 1 in use" in phones
    nobody = _text(manager.get("/reports/?w=13&device=phone&link=tab&locale=sv&surface=widget"))
    assert "No final questions" in nobody
    assert manager.get("/reports/?w=999&link=king&device=" + "x" * 5000).status_code == 200


def test_other_definitions_stand_beside_ours_with_the_reason(manager):
    page = _words(_text(manager.get("/reports/?w=13")))
    assert "What other tools would report on the same data" in page
    assert "Silence is not an answer" in page
    rows = {row["definition"]: row for row in manager.get("/reports/vendors.json?w=13").get_json()["rows"]}
    assert rows["silence"]["value"] > rows["hylla"]["value"]


def test_a_note_stands_on_the_chart(manager):
    token = _text(manager.get("/reports/notes")).split('name="csrf_token" value="', 1)[1].split('"', 1)[0]
    day = (datetime.now(UTC) - timedelta(days=30)).date().isoformat()
    bad = manager.post("/reports/notes", data={"csrf_token": token, "day": "2999-01-01", "kind": "outage", "text": ""})
    assert bad.status_code == 422
    assert "There is a problem" in bad.get_data(as_text=True)
    done = manager.post("/reports/notes", data={"csrf_token": token, "day": day, "kind": "outage", "text": "App <outage>"})
    assert done.status_code == 303
    html = _text(manager.get("/reports/?w=13"))
    assert "App &lt;outage&gt;" in html
    assert "<outage>" not in html


@pytest.mark.parametrize("shares", [[0.6] * 13, [0.5, 0.7] * 6 + [0.5], [0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2]])
def test_labels_of_the_trend_hide_neither_the_line_nor_each_other(shares):
    axis = scale([0.0, 1.0])
    drawn = [(i, SimpleNamespace(start=7 * i, shown=share)) for i, share in enumerate(shares)]
    marks = [
        SimpleNamespace(day=7 * week + 2, text=text) for week, text in ((0, "Release 5"), (6, "App outage"), (11, "120 articles added"))
    ]
    report = SimpleNamespace(marks=marks, span=SimpleNamespace(start=0))
    notes, _stems = report_charts._notes(report, drawn, across(13), axis.y)
    assert len(notes) == len(marks)
    covered = []
    for note in notes:
        start, end = report_charts._reach(note.x, note.cls, note.text)
        covered.append((start, end, note.label_y))
        for i, week in drawn:
            if start <= across(13)(i) <= end:
                assert not note.label_y <= axis.y(week.shown) <= note.label_y + report_charts.LABEL
    for one, other in itertools.combinations(covered, 2):
        assert one[1] <= other[0] or other[1] <= one[0] or abs(one[2] - other[2]) >= report_charts.LABEL


def test_an_editor_renames_a_group_and_the_report_says_so(manager, portal):
    with portal.database.session() as db:
        found = deflection.report_of(db, deflection.ReportRequest(weeks=13), datetime.now(UTC), deflection.Thresholds(5, 3))
    cluster = next(row.cluster for row in found.failures if row.cluster > 0)
    page = _text(manager.get(f"/reports/groups/{cluster}"))
    token = page.split('name="csrf_token" value="', 1)[1].split('"', 1)[0]
    done = manager.post(f"/reports/groups/{cluster}", data={"csrf_token": token, "do": "rename", "name": "Virtual cards"})
    assert done.status_code == 303
    assert "Virtual cards" in _text(manager.get("/reports/?w=13"))
    assert "Virtual cards" in _text(manager.get(f"/reports/groups/{cluster}/draft.md"))
    assert manager.post(f"/reports/groups/{cluster}", data={"csrf_token": token, "do": "merge", "into": "x"}).status_code == 422
    assert manager.get("/reports/groups/99999").status_code == 404


@pytest.mark.parametrize(
    ("given", "field", "sentence"),
    [
        ({"do": "rename", "name": "n" * 121}, "name", "Write a name of at most 120 characters."),
        ({"do": "split", "name": "Part of it"}, "queries", "Choose some of the queries, but not all."),
        ({"do": "pin", "query": "?!"}, "query", "Write at least one word."),
        ({"do": "merge", "into": "999999999999"}, "into", "Choose another group of the same language."),
    ],
)
def test_what_cannot_be_done_to_a_group_is_said_at_its_field_and_what_was_given_is_kept(manager, portal, given, field, sentence):
    with portal.database.session() as db:
        largest = text("SELECT cluster FROM need WHERE lang = 'en' AND cluster IS NOT NULL GROUP BY cluster ORDER BY count(*) DESC LIMIT 1")
        address = f"/reports/groups/{db.execute(largest).scalar_one()}"
    token = _text(manager.get(address)).split('name="csrf_token" value="', 1)[1].split('"', 1)[0]
    refused = manager.post(address, data={"csrf_token": token, **given})
    assert refused.status_code == 422
    page = _parsed(refused.get_data(as_text=True))
    assert page.query("title")[0].to_text().startswith("Error: ")
    (link,) = page.query('[role="alert"] a')
    assert (link.attrs["href"], link.to_text()) == (f"#{field}", sentence)
    assert page.query(f"#{field}"), "the link leads to the field"
    assert sentence in page.query(f"#{field}-error")[0].to_text()
    kept = {value for one in page.query("input") if (value := one.attrs.get("value"))}
    assert {text for name, text in given.items() if name in {"name", "query"}} <= kept


def test_nobody_takes_what_one_person_asked_out_of_a_group_to_see_how_it_ended(manager, portal):
    with portal.database.session() as db:
        cluster = (
            deflection.report_of(db, deflection.ReportRequest(weeks=13), datetime.now(UTC), deflection.Thresholds(5, 3)).failures[0].cluster
        )
        one = db.execute(text("SELECT id FROM need WHERE cluster = :c LIMIT 1"), {"c": cluster}).scalar()
        language = db.execute(text("SELECT language FROM query_cluster WHERE id = :c"), {"c": cluster}).scalar()
        db.execute(text("UPDATE need SET q = 'zebulon quick' WHERE id = :one"), {"one": one})
        db.execute(
            text("INSERT INTO cluster_bag (language, bag, cluster, n, leads, pinned) VALUES (:l, 'quick zebulon', :c, 1, :no, :no)"),
            {"l": language, "c": cluster, "no": False},
        )
    address = f"/reports/groups/{cluster}"
    page = _text(manager.get(address))
    token = page.split('name="csrf_token" value="', 1)[1].split('"', 1)[0]
    refused = manager.post(address, data={"csrf_token": token, "do": "split", "query": "zebulon quick", "name": "One"})
    assert refused.status_code == 422
    with portal.database.session() as db:
        assert db.execute(text("SELECT cluster FROM need WHERE id = :one"), {"one": one}).scalar() == cluster
    manager.post(address, data={"csrf_token": token, "do": "pin", "query": "zebulon quick"})
    wording = _parsed(page).query('input[name="query"][type="checkbox"]')[0].attrs["value"]
    taken = manager.post(address, data={"csrf_token": token, "do": "split", "query": wording, "name": "Many"})
    assert taken.status_code == 303


def test_notes_and_groups_say_what_is_wrong_in_the_readers_language(manager):
    token = _text(manager.get("/reports/notes")).split('name="csrf_token" value="', 1)[1].split('"', 1)[0]
    refused = manager.post(
        "/reports/notes", data={"csrf_token": token, "day": "2999-01-01", "kind": "x", "text": ""}, headers={"Accept-Language": "sv"}
    )
    page = _parsed(refused.get_data(as_text=True))
    said = {link.attrs["href"]: link.to_text() for link in page.query('[role="alert"] a')}
    assert set(said) == {"#day", "#kind", "#text"}
    assert said["#text"] == "Skriv vad som hände, med högst 60 tecken."
    assert [field for field in ("day", "kind", "text") if not page.query(f"#{field}-error")] == []


def test_what_was_done_to_a_group_is_taken_back_with_a_button_of_its_history(manager, portal):
    with portal.database.session() as db:
        found = deflection.report_of(db, deflection.ReportRequest(weeks=13), datetime.now(UTC), deflection.Thresholds(5, 3))
    address = f"/reports/groups/{next(row.cluster for row in found.failures if row.cluster > 0)}"
    token = _text(manager.get(address)).split('name="csrf_token" value="', 1)[1].split('"', 1)[0]
    assert manager.post(address, data={"csrf_token": token, "do": "rename", "name": "Virtual cards"}).status_code == 303
    change = re.search(r'name="change" value="(\d+)"', _text(manager.get(address))).group(1)
    undo = {"csrf_token": token, "do": "undo", "change": change}
    assert manager.post(address, data=undo).status_code == 303
    page = _parsed(_text(manager.get(address)))
    assert page.query("h1")[0].to_text() != "Virtual cards"
    assert not page.query('[name="change"]'), "nothing is left to undo"
    again = manager.post(address, data=undo)
    assert again.status_code == 409
    assert "This was undone already." in again.get_data(as_text=True)


def test_an_editor_labels_pairs_one_after_the_other_without_a_script(manager, portal):
    first = _text(manager.get("/reports/labels"))
    assert "Nothing yet: 40 more clear labels are needed." in _words(first)
    seen = []
    for verdict in ("same", "different", "unclear"):
        page = _text(manager.get("/reports/labels"))
        token = page.split('name="csrf_token" value="', 1)[1].split('"', 1)[0]
        seen.append(page.split('name="pair" value="', 1)[1].split('"', 1)[0])
        assert manager.post("/reports/labels", data={"csrf_token": token, "pair": seen[-1], "verdict": verdict}).status_code == 303
    assert len(set(seen)) == 3
    assert "Nothing yet: 38 more clear labels are needed." in _words(_text(manager.get("/reports/labels")))
    manager.post("/reports/labels", data={"csrf_token": token, "verdict": "back"})
    assert f'value="{seen[-1]}"' in _text(manager.get("/reports/labels")), "the last pair is shown again"
    assert manager.post("/reports/labels", data={"csrf_token": token, "pair": seen[0], "verdict": "perhaps"}).status_code == 422


def test_labels_say_which_thresholds_fit_and_how_to_set_them(manager, portal):
    def label(same_from):
        with portal.database.session() as db:
            deflection.forget_labels(db)
            for i in range(100):
                pair = deflection.Pair(f"k{i}", "a", "b", "en", i / 100, 300_000, "")
                deflection.label_pair(db, pair, "same" if i / 100 >= same_from else "different", "x", datetime.now(UTC))

    label(0.7)
    words = _words(_text(manager.get("/reports/labels")))
    assert "The labels speak for other thresholds." in words
    assert "HYLLA_SIMILAR=0.7" in words
    assert "will agree a little less with new ones" in words
    label(0.4)
    words = _words(_text(manager.get("/reports/labels")))
    assert "The labels do not speak against the thresholds in force." in words
    assert "HYLLA_SIMILAR" not in words


def test_writers_find_the_groups_on_their_own_page_and_meet_no_closed_door(filled, signed_in):
    writer = signed_in(Role.WRITER)
    page = _parsed(_text(writer.get("/writer/")))
    groups = [a.attrs["href"] for a in page.query("a") if a.attrs.get("href", "").startswith("/reports/")]
    assert any("/groups/" in address for address in groups)
    for address in groups:
        for link in _parsed(_text(writer.get(address))).query("a") if not address.endswith(".md") else ():
            target = link.attrs.get("href", "")
            if target.startswith("/reports/") and "#" not in target:
                assert writer.get(target).status_code in (200, 302), target
    assert "/groups/" not in _text(signed_in(Role.AGENT).get("/writer/"))


def test_agents_and_customers_may_not_label(filled, signed_in):
    assert signed_in(Role.AGENT).get("/reports/labels").status_code == 403
    assert signed_in(Role.WRITER).get("/reports/labels").status_code == 200


def test_definitions_name_the_thresholds_in_force_and_their_version(manager):
    words = _words(_text(manager.get("/reports/definitions")))
    assert "Likeness of words that makes two searches one question 0.4" in words
    assert deflection.Rulebook().version in words


def test_today_counts_from_the_events_alone(app, portal, signed_in):
    now = int(datetime.now(UTC).timestamp() * 1000)
    lines = [
        f'{{"event_id":"d{i}","type":"search","t_client":{now},"t_sent":{now},"t_recv":{now},"visitor":"v{i}","tab":"t{i}","ua":"Mozilla",'
        f'"role":"{"agent" if i == 9 else "customer"}","search_id":"d{i}","q":"lost card","mode":"submit","n_results":{i % 2}}}'
        for i in range(10)
    ]
    import_events(portal.database, lines)
    words = _words(_text(signed_in(Role.MANAGER).get("/reports/today")))
    assert "Searches 9" in words
    assert "lost card" in words


def test_a_wave_of_one_question_proposes_a_notice(app, portal, signed_in):
    _fill(portal, 300)
    now = int(datetime.now(UTC).timestamp() * 1000)
    lines = [
        f'{{"event_id":"w{i}","type":"search","t_client":{now - 60_000},"t_sent":{now - 60_000},"t_recv":{now - 60_000},"visitor":"wave{i}",'
        f'"tab":"w{i}","ua":"Mozilla","search_id":"w{i}","q":"card declined","lang":"en","mode":"submit","n_results":1}}'
        for i in range(20)
    ]
    import_events(portal.database, lines)
    deflection.recompute_due(portal.database, datetime.now(UTC))
    with portal.database.session() as db:
        deflection.assign_due(db, datetime.now(UTC))
        deflection.name_clusters(db, datetime.now(UTC), 3)
    for role, address in ((Role.MANAGER, "/reports/today"), (Role.AGENT, "/agent/")):
        words = _words(_text(signed_in(role).get(address)))
        assert "Unusually many people ask about" in words
        assert "tone: warning" in words


def test_every_next_step_but_writing_names_and_links_the_article_it_is_about(app, portal, signed_in):
    at = int((datetime.now(UTC) - timedelta(days=20)).timestamp() * 1000)
    unopened = [
        f'{{"event_id":"u{i}","type":"search","t_client":{at + i},"t_sent":{at + i},"t_recv":{at + i},"visitor":"u{i}","tab":"u{i}",'
        f'"ua":"Mozilla","search_id":"u{i}","q":"stolen umbrella","mode":"submit","n_results":1,"results":["cards/card-declined"]}}'
        for i in range(40)
    ]
    _fill(portal, 300, unopened)
    manager = signed_in(Role.MANAGER)
    rows = [row for row in manager.get("/reports/failures.json?w=13").get_json()["rows"] if row["gap"]]
    assert "cards/card-declined" in [row["article"] for row in rows if row["gap"] == "title"], (
        "others may join it, as the hour will have it"
    )
    assert [row for row in rows if bool(row["article"]) != (row["gap"] != "write")] == []
    article = next(iter(portal.current.get().translations("cards/card-declined").values()))
    link = f'Better title and words<small class="why"><a href="{article.url}"><bdi>{escape(article.title)}</bdi></a></small>'
    assert link in _text(manager.get("/reports/?w=13"))
    assert link in _text(manager.get("/writer/"))
