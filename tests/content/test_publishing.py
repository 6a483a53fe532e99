"""Publishing: one revision at a time, whatever is in it, whenever it is interrupted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from writers_desk import NOW, TODAY, Desk, article

from app.content import (
    STAFF,
    VISITOR,
    ArticleMoved,
    ArticleNotFound,
    ContentUnavailable,
    Pointer,
    PublishBusy,
    check,
    gather,
    publishing_lock,
    read_pointer,
    write_pointer,
)
from app.content.renderer import RendererPool


def titles(desk: Desk) -> list[str]:
    return [a.title for a in desk.current().get().visible(STAFF, TODAY)]


def test_articles_carry_the_author_and_date_of_their_last_change(bikes: Desk) -> None:
    bikes.write("en/hire/end-a-hire.md", article("End it"))
    bikes.commit("Shorter", author="Nils Ny")
    changed = bikes.at
    bikes.write("en/hire/noise.md", article("Noise"))
    catalog = bikes.publish()
    ended, pause = catalog.article("en", "end-a-hire"), catalog.article("en", "pause-a-hire")
    assert ended is not None and (ended.author, ended.updated_at) == ("Nils Ny", changed)
    assert pause is not None and (pause.author, pause.updated_at) == ("Berit Bergqvist", datetime(2026, 1, 3, tzinfo=UTC))


def test_only_what_changed_is_reported_as_changed(bikes: Desk) -> None:
    first = bikes.gather()
    assert len(first.added) == 10 and not first.changed and not first.unchanged
    assert bikes.gather().unchanged
    bikes.write("en/hire/new.md", article("New"))
    bikes.write("en/hire/end-a-hire.md", article("Changed"))
    bikes.remove("en/hire/pause-a-hire.md")
    bikes.write("en/payments/member-prices.md", article("Now a draft", status="draft"))
    bikes.commit()
    second = bikes.gather()
    assert [a.key for a in second.added] == ["en/hire/new"]
    assert {a.key for a in second.changed} == {"en/hire/end-a-hire", "en/payments/member-prices"}
    assert [a.key for a in second.removed] == ["en/hire/pause-a-hire"]
    assert {a.key for a in second.to_index} == {"en/hire/new", "en/hire/end-a-hire"}
    assert set(second.to_remove) == {"en/hire/pause-a-hire", "en/payments/member-prices"}
    (bikes.top / "src" / "more.py").write_text("print('again')\n")
    bikes.commit("Code only")
    third = bikes.gather()
    assert not third.unchanged and (third.added, third.changed, third.removed) == ((), (), ())


def test_unchanged_text_is_never_rendered_again(bikes: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    rendered: list[str] = []
    original = RendererPool.render
    monkeypatch.setattr(RendererPool, "render", lambda self, text, locale: rendered.append(text) or original(self, text, locale))
    bikes.gather()
    assert len(rendered) == 10
    bikes.write("en/hire/end-a-hire.md", article("Changed", "Only this.\n"))
    bikes.commit()
    bikes.gather()
    assert rendered[10:] == ["\nOnly this.\n"]
    bikes.settings.index_folder.joinpath("CURRENT").unlink()
    bikes.gather()
    assert len(rendered) == 11, "not even when everything is taken in again"


def test_a_bad_article_keeps_its_last_good_version_and_hurts_no_other(bikes: Desk) -> None:
    bikes.gather()
    bikes.write("en/hire/end-a-hire.md", "---\ntitle: [a\n---\nBroken\n")
    bikes.write("en/hire/never-good.md", "no front matter")
    bikes.write("en/hire/latin.md", "---\ntitle: Ö\n---\n".encode("latin-1"))
    bikes.write("en/hire/pause-a-hire.md", article("Pause, better"))
    catalog = bikes.publish()
    assert catalog.refused == tuple(f"articles/en/hire/{n}.md" for n in ("end-a-hire", "latin", "never-good"))
    assert catalog.find("en", "end-a-hire", VISITOR, TODAY).title == "End a hire"
    assert catalog.find("en", "pause-a-hire", VISITOR, TODAY).title == "Pause, better"
    assert catalog.article("en", "never-good") is None and catalog.article("en", "latin") is None
    assert {(p.path.rsplit("/", 1)[1], p.line) for p in catalog.problems if p.level == "error"} == {
        ("end-a-hire.md", 2),
        ("latin.md", 2),
        ("never-good.md", 1),
    }
    again = bikes.publish("Something else")
    assert again.refused == catalog.refused, "it is reported until it is mended"
    bikes.write("en/hire/end-a-hire.md", article("Mended"))
    assert bikes.publish().find("en", "end-a-hire", VISITOR, TODAY).title == "Mended"


def test_an_article_that_tries_to_become_internal_and_misspells_it_is_hidden_at_once(bikes: Desk) -> None:
    bikes.gather()
    bikes.write("en/hire/end-a-hire.md", article("Secret now", audience="agnets"))
    catalog = bikes.publish()
    with pytest.raises(ArticleNotFound):
        catalog.find("en", "end-a-hire", STAFF, TODAY)
    assert catalog.refused == ("articles/en/hire/end-a-hire.md",)


def test_broken_yaml_beside_the_articles_keeps_its_last_good_version(bikes: Desk) -> None:
    bikes.gather()
    bikes.write("site.yml", "name: [")
    bikes.write("notices.yml", "- id: x")
    bikes.write("en/synonyms.yml", "a: b")
    catalog = bikes.publish()
    assert catalog.site.name == "Kestrel Bikes Help" and catalog.notices(NOW) and catalog.synonyms["en"]
    assert {p.path for p in catalog.problems if p.level == "error"} == {
        "articles/site.yml",
        "articles/notices.yml",
        "articles/en/synonyms.yml",
    }


def test_two_articles_with_one_name_or_one_id_the_newcomer_yields_until_the_other_goes(bikes: Desk) -> None:
    bikes.gather()
    bikes.write("en/a-first/end-a-hire.md", article("Same name"))
    bikes.write("en/a-first/other.md", article("Same id", id="unlock"))
    catalog = bikes.publish()
    assert catalog.find("en", "end-a-hire", VISITOR, TODAY).title == "End a hire"
    assert catalog.by_id("unlock", "en", VISITOR, TODAY).title == "Unlock a bike"
    assert catalog.refused == ("articles/en/a-first/end-a-hire.md", "articles/en/a-first/other.md")
    bikes.remove("en/hire/end-a-hire.md")
    catalog = bikes.publish()
    assert catalog.find("en", "end-a-hire", VISITOR, TODAY).title == "Same name"
    assert catalog.refused == ("articles/en/a-first/other.md",)


def test_dates_decide_when_an_article_is_seen(desk: Desk) -> None:
    desk.write("en/hire/a.md", article("A", publish_on="2026-11-23", expire_on="2026-11-25"))
    catalog = desk.publish()
    assert [len(catalog.visible(VISITOR, date(2026, 11, day))) for day in (22, 23, 24, 25)] == [0, 1, 1, 0]


# Renames


def test_a_renamed_file_redirects_also_twice_also_folders_and_keeps_its_identity(desk: Desk) -> None:
    desk.write("en/rides/begin.md", article("Begin", "words to know it by\n" * 5))
    desk.write("en/rides/noise.md", article("Noise", "other words entirely\n" * 5))
    born = desk.publish().article("en", "begin")
    desk.move("en/rides/begin.md", "en/rides/start.md")
    desk.publish()
    desk.git("mv", "articles/en/rides", "articles/en/hire")
    desk.publish()
    desk.move("en/hire/start.md", "en/hire/start-a-hire.md")
    catalog = desk.publish()
    assert born is not None and catalog.find("en", "start-a-hire", VISITOR, TODAY).id == born.id == "rides/begin"
    for old in ("begin", "start"):
        with pytest.raises(ArticleMoved) as caught:
            catalog.find("en", old, VISITOR, TODAY)
        assert caught.value.url == "/en/articles/start-a-hire"
    assert catalog.find("en", "noise", VISITOR, TODAY).category == "hire"
    assert catalog.moved_category("rides") == "hire" and catalog.moved_category("hire") is None


def test_a_file_renamed_back_is_where_it_was_and_nothing_goes_round_in_circles(desk: Desk) -> None:
    desk.write("en/hire/a.md", article("A", "words to know it by\n" * 5))
    desk.publish()
    for old, new in (("a", "b"), ("b", "c"), ("c", "a")):
        desk.move(f"en/hire/{old}.md", f"en/hire/{new}.md")
        catalog = desk.publish()
    assert catalog.find("en", "a", VISITOR, TODAY).id == "hire/a"
    for old in ("b", "c"):
        with pytest.raises(ArticleMoved) as caught:
            catalog.find("en", old, VISITOR, TODAY)
        assert caught.value.url == "/en/articles/a"


def test_two_files_that_swap_names_keep_their_identities(desk: Desk) -> None:
    desk.write("en/hire/a.md", article("A", "apples and pears\n" * 9))
    desk.write("en/hire/b.md", article("B", "nuts and bolts and screws\n" * 9))
    desk.publish()
    desk.move("en/hire/a.md", "en/hire/t.md")
    desk.move("en/hire/b.md", "en/hire/a.md")
    desk.move("en/hire/t.md", "en/hire/b.md")
    desk.commit("Swap")
    desk.git("checkout", "-q", "--", ".")
    catalog = desk.gather().catalog
    assert {a.title: a.slug for a in catalog.visible(VISITOR, TODAY)} == {"A": "b", "B": "a"}
    assert len({a.id for a in catalog.visible(VISITOR, TODAY)}) == 2


def test_a_new_article_at_an_address_that_was_left_is_another_article(desk: Desk) -> None:
    desk.write("en/hire/a.md", article("Old", "words to know it by\n" * 5))
    desk.publish()
    desk.move("en/hire/a.md", "en/hire/b.md")
    desk.publish()
    desk.write("en/hire/a.md", article("New", "nothing like the old one\n" * 5))
    catalog = desk.publish()
    old, new = catalog.find("en", "b", VISITOR, TODAY), catalog.find("en", "a", VISITOR, TODAY)
    assert (old.id, new.id) == ("hire/a", "hire/a-2") and catalog.refused == ()


def test_a_removed_article_is_not_found_and_its_redirects_go_with_it(desk: Desk) -> None:
    desk.write("en/hire/a.md", article("A", "words to know it by\n" * 5))
    desk.write("en/hire/b.md", article("B"))
    desk.publish()
    desk.move("en/hire/a.md", "en/hire/c.md")
    desk.publish()
    desk.remove("en/hire/c.md")
    catalog = desk.publish()
    for slug in ("a", "c"):
        with pytest.raises(ArticleNotFound) as caught:
            catalog.find("en", slug, VISITOR, TODAY)
        assert not isinstance(caught.value, ArticleMoved)


def test_a_rewritten_history_is_read_anew(bikes: Desk) -> None:
    bikes.gather()
    bikes.git("checkout", "-q", "--orphan", "other")
    bikes.write("en/hire/end-a-hire.md", article("Rewritten"))
    bikes.commit("A new beginning", author="Ny Ny")
    catalog = bikes.gather().catalog
    pause = catalog.article("en", "pause-a-hire")
    assert pause is not None and pause.author == "Ny Ny" and pause.updated_at == bikes.at


# Translations


def test_a_translation_is_outdated_when_the_original_changes_after_it(bikes: Desk) -> None:
    first = bikes.gather().catalog
    swedish = first.article("sv", "unlock-a-bike")
    assert swedish is not None and not first.is_outdated(swedish), "both came in one commit"
    text = (bikes.top / "articles/en/hire/unlock-a-bike.md").read_text()
    bikes.write("en/hire/unlock-a-bike.md", text + "\nMore.\n")
    catalog = bikes.publish()
    assert catalog.is_outdated(swedish)
    assert any("changed after it was translated" in p.message for p in catalog.problems)
    bikes.write("sv/hire/unlock-a-bike.md", (bikes.top / "articles/sv/hire/unlock-a-bike.md").read_text() + "\nMer.\n")
    assert not bikes.publish().is_outdated(swedish)


def test_source_revision_says_which_original_was_translated(desk: Desk) -> None:
    desk.write("en/hire/a.md", article("One"))
    first = desk.commit()
    desk.write("en/hire/a.md", article("Two"))
    second = desk.commit()
    for source, outdated in ((first, True), (second[:10], False), (second, False)):
        desk.write("sv/hire/a.md", article("Ett", source_revision=f"'{source}'"))
        catalog = desk.publish()
        swedish = catalog.article("sv", "a")
        assert swedish is not None and catalog.is_outdated(swedish) == outdated, source


# Snippets


def test_a_changed_snippet_changes_every_article_that_includes_it_and_no_other(bikes: Desk) -> None:
    catalog = bikes.gather().catalog
    crash = catalog.article("en", "report-a-crash")
    assert crash is not None and "call <strong>112</strong> first" in catalog.rendering(crash).html
    bikes.write("_snippets/emergency-line.md", "Call **the police**.\n")
    bikes.commit()
    gathered = bikes.gather()
    assert [a.slug for a in gathered.changed] == ["report-a-crash"]
    assert "Call <strong>the police</strong>." in gathered.catalog.rendering(gathered.changed[0]).html
    bikes.write("en/_snippets/emergency-line.md", "Call in English.\n")
    bikes.commit()
    gathered = bikes.gather()
    assert "Call in English." in gathered.catalog.rendering(gathered.changed[0]).html
    bikes.remove("en/_snippets/emergency-line.md")
    bikes.remove("_snippets/emergency-line.md")
    catalog = bikes.publish()
    assert [(p.line, "emergency-line.md" in p.message) for p in catalog.problems] == [(7, True)]


@pytest.mark.parametrize(
    "name", ["../../../etc/passwd", "/etc/passwd", "../hire/refund.md", "..", "x.yml", "_snippets/a.md", "a.md/../b.md"]
)
def test_a_snippet_is_only_ever_a_file_of_a_snippets_folder(desk: Desk, name: str) -> None:
    desk.write("en/hire/a.md", article(body=f'Before\n\n--8<-- "{name}"\n\n```\n--8<-- "{name}"\n```\n'))
    desk.write("hire/refund.md", "SECRET")
    catalog = desk.publish()
    a = catalog.article("en", "a")
    assert a is not None and "SECRET" not in catalog.rendering(a).text and "root:" not in catalog.rendering(a).text
    assert [p.line for p in catalog.problems if "snippet" in p.message] == [8]


# Pictures


@pytest.mark.parametrize(
    "svg",
    [
        "<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        "<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        "<svg xmlns='http://www.w3.org/2000/svg'><a href='javascript:alert(1)'><text>x</text></a></svg>",
        "<svg xmlns='http://www.w3.org/2000/svg'><foreignObject><p>x</p></foreignObject></svg>",
        "<!DOCTYPE svg [<!ENTITY x 'y'>]><svg xmlns='http://www.w3.org/2000/svg'>&x;</svg>",
        "<svg xmlns='http://www.w3.org/2000/svg'><image href='https://evil.example/x.png'/></svg>",
        "<svg xmlns='http://www.w3.org/2000/svg'><style>@import 'https://evil.example'</style></svg>",
        "<html><script>alert(1)</script></html>",
    ],
)
def test_a_drawing_that_could_act_is_refused(desk: Desk, svg: str) -> None:
    desk.write("media/x.svg", svg)
    desk.write("media/fake.png", b"GIF89a not a png")
    desk.write("en/hire/a.md", article(body="![A drawing](../../media/x.svg)\n"))
    catalog = desk.publish()
    assert catalog.media("media/x.svg") is None and catalog.media("media/fake.png") is None
    assert catalog.refused == ("articles/media/fake.png", "articles/media/x.svg")
    a = catalog.article("en", "a")
    assert a is not None and catalog.rendering(a).html.strip() == "<p>A drawing</p>"


def test_a_picture_of_another_site_becomes_a_link_and_is_reported(desk: Desk) -> None:
    desk.write("en/hire/a.md", article(body="![A cat](https://example.com/cat.png)\n"))
    catalog = desk.publish()
    a = catalog.article("en", "a")
    assert a is not None and "<img" not in catalog.rendering(a).html and 'href="https://example.com/cat.png"' in catalog.rendering(a).html
    assert [p.line for p in catalog.problems] == [6]


# What is in the wrong place


def test_files_in_the_wrong_place_are_named_and_notes_are_left_alone(desk: Desk) -> None:
    for path in (
        "en/loose.md",
        "en/hire/deep/er.md",
        "de/hire/a.md",
        "english/hire/a.md",
        "en/hire/Big Name.md",
        "README.md",
        "en/hire/_draft.md",
    ):
        desk.write(path, article())
    catalog = desk.publish()
    assert not catalog.visible(STAFF, TODAY)
    assert {p.path for p in catalog.problems} == {
        f"articles/{p}" for p in ("en/loose.md", "en/hire/deep/er.md", "de/hire/a.md", "english/hire/a.md", "en/hire/Big Name.md")
    }


def test_an_article_whose_name_can_be_no_address_is_refused(desk: Desk) -> None:
    for path in ("en/hire/Big Name.md", "en/Our Bikes/a.md", f"en/hire/{'x' * 121}.md", "en/hire/end_a_hire.md"):
        desk.write(path, article())
    catalog = desk.publish()
    assert [a.slug for a in catalog.visible(STAFF, TODAY)] == ["end_a_hire"]
    errors = {p.path.removeprefix("articles/en/")[:13]: p.message for p in catalog.problems if p.level == "error"}
    assert len(catalog.refused) == 3 and set(errors) == {"hire/Big Name", "Our Bikes/a.m", "hire/xxxxxxxx"}
    assert "underscores" in errors["hire/Big Name"] and "120" in errors["hire/xxxxxxxx"]


def test_names_that_nobody_has_are_warned_of_with_their_line(desk: Desk) -> None:
    desk.write("en/hire/a.md", article(related="[nothing, a]", replaced_by="gone"))
    desk.write("site.yml", "categories:\n  - slug: hire\n    pinned: [a, missing]\n")
    desk.write("en/search-tests.yml", "- query: x\n  expect: a\n- query: y\n  expect: nowhere\n")
    found = {
        (p.path.rsplit("/", 1)[1], p.line, p.message.split("“")[1].split("”")[0])
        for p in desk.publish().problems
        if "no article" in p.message
    }
    assert found == {("a.md", 4, "nothing"), ("a.md", 5, "gone"), ("site.yml", 3, "missing"), ("search-tests.yml", 3, "nowhere")}


def test_pinned_answers_and_search_tests_that_nobody_can_find_are_named_with_what_was_meant(desk: Desk) -> None:
    desk.write("en/hire/end-a-hire.md", article())
    desk.write("en/hire/secret.md", article(status="draft"))
    pins = "    end: end-a-hire\n    stop: end_a_hire\n    secret: secret\n  sv:\n    sluta: end-a-hire\n  fi:\n    loppu: end-a-hire\n"
    desk.write("site.yml", f"popular: {{en: [end-a-hire]}}\npinned_answers:\n  en:\n{pins}")
    desk.write(
        "en/search-tests.yml", "- {query: end, expect: end-a-hire}\n- {query: end, expect: end-a-hires}\n- {query: x, expect: secret}\n"
    )
    found = [(p.path.rsplit("/", 1)[1], p.line, p.level, p.message) for p in desk.publish().problems if p.path.endswith(".yml")]
    assert [(name, line, level) for name, line, level, _ in found] == [
        ("search-tests.yml", 2, "error"), ("search-tests.yml", 3, "error"),
        ("site.yml", 5, "warning"), ("site.yml", 6, "warning"), ("site.yml", 8, "warning"), ("site.yml", 10, "warning"),
    ]  # fmt: skip
    said = [message for *_, message in found]
    assert "did you mean “end-a-hire”?" in said[0] and "did you mean “end-a-hire”?" in said[2]
    assert "status: draft" in said[1] and "status: draft" in said[3]
    assert "there is no article “end-a-hire” in sv" in said[4]
    assert "“fi” is not among HYLLA_LOCALES" in said[5]


def test_yaml_files_that_look_like_ours_but_are_not_read_are_named(desk: Desk) -> None:
    for name in ("en/search-test.yml", "en/synonyms.yaml", "search-tests.yml", "de/synonyms.yml", "en/hire/prices.yml", "_kept/site.yml"):
        desk.write(name, "- a")
    found = {p.path: p.message for p in desk.publish().problems}
    assert set(found) == {f"articles/{n}" for n in ("en/search-test.yml", "en/synonyms.yaml", "search-tests.yml", "de/synonyms.yml")}
    assert "not among HYLLA_LOCALES" in found["articles/de/synonyms.yml"]
    assert "<locale>/search-tests.yml" in found["articles/en/search-test.yml"]


def test_check_reports_what_publish_would_and_publishes_nothing(bikes: Desk) -> None:
    bikes.write("en/hire/end-a-hire.md", article("A", "### Jump\n\n[here](x.md)\n", audience="everybody"))
    bikes.write("en/hire/pause-a-hire.md", article("A", "[here](x.md)\n"))
    problems = check(bikes.repository(), bikes.settings)
    assert [(p.path, p.level) for p in problems if p.level == "error"] == [("articles/en/hire/end-a-hire.md", "error")]
    narrowed = check(bikes.repository(), bikes.settings, ["articles/en/hire/pause-a-hire.md"])
    assert narrowed and {p.path for p in narrowed} == {"articles/en/hire/pause-a-hire.md"}
    assert read_pointer(bikes.settings.index_folder) is None and not list(bikes.settings.data_folder.glob("*.sqlite3"))
    [unknown] = check(bikes.repository(), bikes.settings, ["articles/en/hire/nowhere.md"])
    assert unknown.level == "error" and "no such file" in unknown.message


def test_check_renders_only_what_publish_never_rendered(bikes: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    bikes.publish()
    bikes.write("en/hire/pause-a-hire.md", article("A", "Other words.\n"))
    rendered: list[str] = []
    original = RendererPool.render
    monkeypatch.setattr(RendererPool, "render", lambda self, text, locale: rendered.append(text) or original(self, text, locale))
    check(bikes.repository(), bikes.settings)
    assert [text.strip() for text in rendered] == ["Other words."]


# Interrupted


PUBLISH = """
import sys, os, signal
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from app.config import Settings
from app import content
from app.content.store import ContentStore
top, var, index, point = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4]
settings = replace(Settings(), root=top, data_folder=var, index_folder=index, locales=("en", "sv"))
def die(*args, **kwargs): os.kill(os.getpid(), signal.SIGKILL)
if point in {"keep", "keep_history", "keep_media"}:
    setattr(ContentStore, point, die)
elif point == "inside":
    ContentStore._forget_old = die
progress = (lambda what, done, total: die() if done == 3 else None) if point == "rendering" else None
with content.publishing_lock(var):
    gathered = content.gather(content.ArticleRepository(top), settings, content.read_pointer(index), datetime.now(UTC), progress)
    if point == "before":
        die()
    os.replace = Path.replace = die if point == "swap" else os.replace
    content.write_pointer(index, content.Pointer(gathered.catalog.revision, "g1", datetime.now(UTC)))
die()
"""


@pytest.mark.parametrize("point", ["keep_history", "rendering", "keep", "inside", "before", "swap"])
def test_a_publish_killed_at_any_moment_leaves_the_old_revision_served(bikes: Desk, point: str) -> None:
    before = bikes.gather().catalog
    for number in range(8):
        bikes.write(f"en/hire/new-{number}.md", article(f"New {number}", f"Text {number}.\n"))
    bikes.remove("en/hire/pause-a-hire.md")
    newest = bikes.commit()
    s = bikes.settings
    args = [str(bikes.top), str(s.data_folder), str(s.index_folder), point]
    killed = subprocess.run([sys.executable, "-c", PUBLISH, *args], cwd=Path(__file__).parents[2], check=False, capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    served = bikes.current().get()
    assert served.revision == before.revision != newest
    assert set(served.files) == set(before.files)
    assert "Tap <strong>Pause</strong>" in served.rendering(served.find("en", "pause-a-hire", VISITOR, TODAY)).html
    after = bikes.gather(now=NOW + timedelta(minutes=1))
    assert after.catalog.revision == newest and len(after.added) == 8 and len(after.removed) == 1
    assert not list(s.index_folder.glob("CURRENT.*")), "leftovers are cleaned"
    assert {a.slug for a in bikes.current().get().visible(VISITOR, TODAY)} == {a.slug for a in after.catalog.visible(VISITOR, TODAY)}


def test_the_store_may_be_deleted_or_damaged_at_any_time(bikes: Desk) -> None:
    expected = [a.key for a in bikes.gather().catalog.visible(STAFF, TODAY)]
    store = bikes.settings.data_folder / "content.sqlite3"
    for damage in (b"", b"this is no database" * 1000, None):
        for file in bikes.settings.data_folder.glob("content.sqlite3*"):
            file.unlink()
        if damage is not None:
            store.write_bytes(damage)
        with pytest.raises(ContentUnavailable, match="flask kb publish"):
            bikes.current().get()
        assert not bikes.gather().unchanged
        assert [a.key for a in bikes.current().get().visible(STAFF, TODAY)] == expected


def test_only_one_publishes_at_a_time(desk: Desk) -> None:
    folder = desk.settings.data_folder
    with publishing_lock(folder), pytest.raises(PublishBusy), publishing_lock(folder, wait=0):
        raise AssertionError("two publishers")
    with publishing_lock(folder, wait=0):
        pass


def test_a_publisher_waits_for_the_other_to_finish(desk: Desk) -> None:
    order: list[str] = []
    waiting = threading.Event()

    def second() -> None:
        waiting.set()
        with publishing_lock(desk.settings.data_folder, wait=10):
            order.append("second")

    with publishing_lock(desk.settings.data_folder):
        thread = threading.Thread(target=second)
        thread.start()
        waiting.wait(5)
        order.append("first")
    thread.join(5)
    assert order == ["first", "second"]


def test_the_pointer_is_swapped_whole_and_a_damaged_one_counts_as_none(tmp_path: Path) -> None:
    assert read_pointer(tmp_path) is None
    pointer = Pointer("a" * 40, "g7", NOW)
    write_pointer(tmp_path, pointer)
    assert read_pointer(tmp_path) == pointer
    assert set(json.loads((tmp_path / "CURRENT").read_text())) == {"revision", "generation", "published_at", "learned"}
    assert [p.name for p in tmp_path.iterdir()] == ["CURRENT"]
    for damage in ("", "{}", "[]", '{"revision": 1, "generation": 2, "published_at": "x"}'):
        (tmp_path / "CURRENT").write_text(damage)
        assert read_pointer(tmp_path) is None


def test_changed_settings_take_everything_in_again(desk: Desk) -> None:
    from dataclasses import replace

    desk.write("en/hire/a.md", article("A"))
    desk.write("de/hire/a.md", article("Das A"))
    desk.publish()
    desk.settings = replace(desk.settings, locales=("en", "de"))
    gathered = desk.gather()
    assert not gathered.unchanged and [a.key for a in gathered.added] == ["de/hire/a"]
    assert titles(desk) == ["A", "Das A"]


def test_what_the_same_text_now_becomes_is_reported_as_changed_so_that_the_index_hears_of_it(
    bikes: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    bikes.publish()
    monkeypatch.setattr("app.content.publishing.VERSION", -1)
    again = bikes.gather()
    assert len(again.changed) == 10 and not again.added and not again.removed


def test_nothing_can_be_gathered_from_a_repository_without_a_commit(desk: Desk) -> None:
    with pytest.raises(ContentUnavailable, match="no commit yet"):
        gather(desk.repository(), desk.settings, None, NOW)


ODD_NAMES = (b"caf\xe9.md", b"two\nlines.md", "mirrored-\u202egpj.md".encode(), b"back\\slash.md")


@pytest.mark.parametrize("worktree", [False, True], ids=["committed", "as on disk"])
def test_a_file_whose_name_cannot_be_kept_is_reported_in_one_line_and_hurts_no_other(bikes: Desk, worktree: bool) -> None:
    for name in ODD_NAMES:
        Path(os.fsdecode(os.fsencode(bikes.top / "articles/en/hire") + b"/" + name)).write_text(article("Odd"))
    bikes.write("en/hire/sound.md", article("Sound"))
    bikes.commit()
    catalog = bikes.gather(worktree=worktree).catalog
    assert catalog.article("en", "sound") is not None
    told = [str(p) for p in catalog.problems if "rename the file" in p.message]
    assert sorted(line.split("/")[-1].split(":1: ")[0] for line in told) == [
        "back\\slash.md", r"caf\xe9.md", "mirrored-\\u202egpj.md", r"two\nlines.md",
    ]  # fmt: skip
    assert all(line.isprintable() for line in told)
