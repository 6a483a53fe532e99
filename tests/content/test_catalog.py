"""Questions to the catalog: who sees what, under which address, in which language."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from justhtml import JustHTML
from writers_desk import NOW, TODAY, Desk, article

from app.content import CUSTOMER, STAFF, VISITOR, ArticleGone, ArticleMoved, ArticleNotFound, Catalog, Viewer


def slugs(catalog: Catalog, viewer: Viewer, **where: object) -> list[str]:
    return [a.slug for a in catalog.visible(viewer, TODAY, **where)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("viewer", "expected"),
    [
        (VISITOR, ["what-a-hire-costs"]),
        (CUSTOMER, ["member-prices", "what-a-hire-costs"]),
        (STAFF, ["member-prices", "what-a-hire-costs", "refund-rules"]),
    ],
)
def test_everybody_sees_only_what_is_for_them_and_is_published(published_bikes: Catalog, viewer: Viewer, expected: list[str]) -> None:
    assert slugs(published_bikes, viewer, locale="en", category="payments") == expected


def test_articles_stand_in_the_order_of_site_yml_then_by_title(published_bikes: Catalog) -> None:
    expected = ["report-a-crash", "report-a-fault", "unlock-a-bike", "pause-a-hire", "end-a-hire", "what-a-hire-costs"]
    assert slugs(published_bikes, VISITOR, locale="en") == expected


def test_with_fallback_a_locale_shows_every_article_once_translated_where_it_is(published_bikes: Catalog) -> None:
    assert slugs(published_bikes, VISITOR, locale="sv") == ["unlock-a-bike"]
    shown = published_bikes.visible(VISITOR, TODAY, locale="sv", fallback=True)
    assert len(shown) == 6 and [a.locale for a in shown].count("sv") == 1
    assert next(a for a in shown if a.id == "unlock").title == "Lås upp en cykel"


def test_translations_share_an_identity_by_place(published_bikes: Catalog) -> None:
    found = [(locale, a.slug) for locale, a in published_bikes.translations("unlock").items()]
    assert found == [("en", "unlock-a-bike"), ("sv", "unlock-a-bike")], "in the order of the locales"
    swedish = published_bikes.article("sv", "unlock-a-bike")
    assert swedish is not None
    original = published_bikes.original_of(swedish)
    assert original is not None and original.locale == "en" and published_bikes.original_of(original) is None


def test_an_untranslated_article_stands_in_from_the_default_locale(published_bikes: Catalog) -> None:
    assert published_bikes.find("sv", "end-a-hire", VISITOR, TODAY).locale == "en"
    assert published_bikes.find("sv", "unlock-a-bike", VISITOR, TODAY).locale == "sv"


@pytest.mark.parametrize(
    ("locale", "slug", "viewer"),
    [
        ("en", "no-such-article", VISITOR),
        ("en", "refund-rules", VISITOR),
        ("en", "refund-rules", CUSTOMER),
        ("sv", "refund-rules", CUSTOMER),
        ("en", "member-prices", VISITOR),
        ("de", "end-a-hire", VISITOR),
        ("en", "../secret", VISITOR),
    ],
)
def test_hidden_and_missing_look_alike(published_bikes: Catalog, locale: str, slug: str, viewer: Viewer) -> None:
    with pytest.raises(ArticleNotFound) as caught:
        published_bikes.find(locale, slug, viewer, TODAY)
    assert type(caught.value) is ArticleNotFound and str(caught.value) == "There is no such article."


@pytest.mark.parametrize("locale", ["en", "sv"])
def test_an_archived_article_is_gone_and_names_its_replacement(published_bikes: Catalog, locale: str) -> None:
    with pytest.raises(ArticleGone) as caught:
        published_bikes.find(locale, "paper-tickets", VISITOR, TODAY)
    assert caught.value.title == "Pay with a paper ticket"
    assert caught.value.replacement is not None and caught.value.replacement.slug == "what-a-hire-costs"
    with pytest.raises(ArticleGone):
        published_bikes.by_id("payments/paper-tickets", locale, VISITOR, TODAY)


def test_the_replacement_of_an_archived_article_is_not_given_away_to_those_who_may_not_see_it(desk: Desk) -> None:
    desk.write("en/hire/old.md", article("Old", status="archived", replaced_by="secret"))
    desk.write("en/hire/secret.md", article("Secret", audience="agents"))
    desk.write("en/hire/old-secret.md", article("Old secret", audience="agents", status="archived"))
    catalog = desk.publish()
    with pytest.raises(ArticleGone) as caught:
        catalog.find("en", "old", VISITOR, TODAY)
    assert caught.value.replacement is None
    with pytest.raises(ArticleNotFound) as hidden:
        catalog.find("en", "old-secret", VISITOR, TODAY)
    assert not isinstance(hidden.value, ArticleGone)


def test_permanent_links_lead_to_the_readers_locale(published_bikes: Catalog) -> None:
    assert published_bikes.by_id("unlock", "sv", VISITOR, TODAY).locale == "sv"
    assert published_bikes.by_id("hire/end-a-hire", "sv", VISITOR, TODAY).locale == "en"
    assert published_bikes.by_id("hire/unlock-a-bike", "en", VISITOR, TODAY).id == "unlock", "as it was called before it named an id"
    for hidden in ("payments/refund-rules", "nothing"):
        with pytest.raises(ArticleNotFound):
            published_bikes.by_id(hidden, "en", VISITOR, TODAY)


@pytest.mark.parametrize(
    "reference",
    [
        "unlock-a-bike",
        "unlock",
        "articles/en/hire/unlock-a-bike.md",
        "/en/articles/unlock-a-bike",
        "hire/unlock-a-bike",
        "hire/unlock-a-bike.md",
    ],
)
def test_writers_may_name_an_article_as_they_like(published_bikes: Catalog, reference: str) -> None:
    for locale in ("en", "sv"):
        found = published_bikes.resolve(reference, locale)
        assert found is not None and found.id == "unlock", reference
    assert published_bikes.resolve("nothing", "en") is None and published_bikes.resolve("", "en") is None


def test_related_are_those_named_then_those_alike_and_never_hidden_ones(published_bikes: Catalog) -> None:
    unlock = published_bikes.article("en", "unlock-a-bike")
    costs = published_bikes.article("en", "what-a-hire-costs")
    assert unlock is not None and costs is not None
    related = published_bikes.related(unlock, VISITOR, TODAY)
    assert [a.slug for a in related[:2]] == ["pause-a-hire", "what-a-hire-costs"] and len(related) == 3
    assert [a.slug for a in published_bikes.related(costs, VISITOR, TODAY)] == []
    assert {a.slug for a in published_bikes.related(costs, STAFF, TODAY)} == {"member-prices", "refund-rules"}


def test_old_addresses_named_by_the_writer_lead_here(published_bikes: Catalog) -> None:
    with pytest.raises(ArticleMoved) as caught:
        published_bikes.find("en", "return-a-bike", VISITOR, TODAY)
    assert caught.value.url == "/en/articles/end-a-hire"
    moved = published_bikes.moved("/help/104.html", VISITOR, TODAY)
    assert moved is not None and moved.slug == "end-a-hire"
    assert published_bikes.moved("/help/105.html", VISITOR, TODAY) is None


def test_notices_hold_for_their_time_and_place(published_bikes: Catalog) -> None:
    assert [n.id for n in published_bikes.notices(NOW)] == ["harbour-station-closed"]
    assert published_bikes.notices(datetime(2026, 11, 30, 18, tzinfo=UTC)) == []
    later = datetime(2026, 12, 20, tzinfo=UTC)
    assert [n.id for n in published_bikes.notices(later, "payments")] == ["new-prices-2027"]
    assert published_bikes.notices(later, "hire") == [] and published_bikes.notices(later) == []
    assert [n.id for n in published_bikes.matching_notices("Is the HARBOUR station open", NOW)] == ["harbour-station-closed"]
    assert published_bikes.matching_notices("harbours", NOW) == []


def test_links_between_files_become_addresses_in_the_readers_locale(published_bikes: Catalog) -> None:
    swedish = published_bikes.article("sv", "unlock-a-bike")
    english = published_bikes.article("en", "unlock-a-bike")
    assert swedish is not None and english is not None
    links = JustHTML(published_bikes.rendering(english).html, fragment=True, sanitize=False).query("a:not(.anchor)")
    assert [a.attrs["href"] for a in links] == ["/en/articles/report-a-fault#s-what-to-tell-us", "/en/articles/what-a-hire-costs"]
    assert 'href="/sv/articles/report-a-fault"' in published_bikes.rendering(swedish).html


def test_pictures_have_a_size_and_wait_until_they_are_needed(published_bikes: Catalog) -> None:
    unlock = published_bikes.article("en", "unlock-a-bike")
    assert unlock is not None
    (image,) = JustHTML(published_bikes.rendering(unlock).html, fragment=True, sanitize=False).query("img")
    assert (image.attrs["width"], image.attrs["height"], image.attrs["loading"]) == ("240", "120", "lazy")
    assert image.attrs["alt"] == "A lock on the rear wheel"
    path, _, mark = image.attrs["src"].partition("?v=")
    assert path == "/media/media/lock.svg" and len(mark) == 12
    media = published_bikes.media(path.removeprefix("/media/"))
    assert media is not None and media.content_type == "image/svg+xml" and media.data.startswith(b"<svg")


@pytest.mark.parametrize("path", ["site.yml", "en/hire/unlock-a-bike.md", "../src/cards.md", "/etc/passwd", "", "media/nope.svg"])
def test_only_pictures_are_served_as_media(published_bikes: Catalog, path: str) -> None:
    assert published_bikes.media(path) is None


def test_a_link_to_what_the_reader_may_not_see_loses_the_link_and_is_reported(desk: Desk) -> None:
    desk.write(
        "en/hire/a.md",
        article(body="## Top\n\n[inside](secret.md), [draft](draft.md), [gone](nowhere.md)\n\n[ok](b.md#x) and [x](#top) [y](#nope)\n"),
    )
    desk.write("en/hire/b.md", article("B", "[to a](a.md#top), [staff](secret.md)\n", audience="agents"))
    desk.write("en/hire/secret.md", article("Secret", audience="agents"))
    desk.write("en/hire/draft.md", article("Draft", status="draft"))
    catalog = desk.publish()
    a, b = catalog.article("en", "a"), catalog.article("en", "b")
    assert a is not None and b is not None
    html = catalog.rendering(a).html
    assert "secret" not in html and "draft.md" not in html and "inside, draft, gone" in html
    assert "/en/articles/secret" in catalog.rendering(b).html
    reported = [(p.line, p.message.split("”")[0].split("“")[1]) for p in catalog.problems if p.path.endswith("a.md")]
    assert sorted(reported) == [(8, "draft.md"), (8, "nowhere.md"), (8, "secret.md"), (10, "#nope"), (10, "b.md#x")]


def test_a_link_follows_an_article_that_moves_without_rendering_the_page_again(desk: Desk) -> None:
    desk.write("en/hire/a.md", article(body="[b](b.md)\n"))
    desk.write("en/hire/b.md", article("B", "some words to recognise it by\n" * 3))
    before = desk.publish()
    a = before.article("en", "a")
    assert a is not None and "/en/articles/b" in before.rendering(a).html
    desk.move("en/hire/b.md", "en/rides/better-name.md")
    after = desk.publish()
    assert "/en/articles/better-name" in after.rendering(a).html
    assert "/en/articles/b" in before.rendering(a).html, "a catalog never changes"
    assert after.problems == ()


def test_an_article_missing_from_the_store_is_unavailable_not_missing(desk: Desk) -> None:
    from app.content import ContentUnavailable

    desk.write("en/hire/a.md", article())
    catalog = desk.publish()
    a = catalog.article("en", "a")
    assert a is not None
    for file in desk.settings.data_folder.glob("content.sqlite3*"):
        file.unlink()
    with pytest.raises(ContentUnavailable, match="flask kb publish"):
        catalog.rendering(a)
