"""The edge cases of the specification, one sentence each."""

from __future__ import annotations

import random
import time

import pytest

from app.deflection.judging.outcomes import FINAL, PROVISIONAL, state_of
from app.deflection.judging.rulebook import Rulebook
from app.deflection.judging.sessions import is_machine
from app.deflection.recording.clock import DAY, HOUR
from tests.deflection.story import START, Story, judged, outcomes, verdict_of

H = 3600
D = 24 * H


def answered(**common) -> Story:
    return Story(**common).search(0, "s1").view(3, "w1", "s1", read=60)


# ------------------------------------------------------------------------------------------------------ identity and sessions


def test_without_a_cookie_silence_is_no_success_but_a_seen_failure_counts() -> None:
    tab_only = {"visitor": None}
    assert outcomes(judged(answered(**tab_only))) == {"s1": "undetermined"}
    assert outcomes(judged(Story(**tab_only).search(0, "s1"))) == {"s1": "abandoned_with_results"}
    wrote = answered(**tab_only).ticket(20 * 60, "k1")
    assert outcomes(judged(wrote)) == {"s1": "escalated"}
    too_late = answered(**tab_only).ticket(45 * 60, "k1")
    assert outcomes(judged(too_late)) == {"s1": "undetermined"}


def test_a_tabs_vote_confirms_even_without_a_cookie() -> None:
    assert outcomes(judged(answered(visitor=None).vote(70, 1, view_id="w1"))) == {"s1": "answered_confirmed"}


def test_tabs_of_one_browser_are_one_session_and_dwell_keeps_it_open() -> None:
    first = Story().search(0, "s1").view(3, "w1", "s1")
    for minute in (20, 40, 60):
        first.add(minute * 60, "dwell", view_id="w1", active_ms=1000)
    second = Story(tab="t2").search(85 * 60, "s2", "vat invoice")
    assert len(judged(first, second).sessions) == 1
    assert len(judged(Story().search(0, "s1"), Story(tab="t2").search(31 * 60, "s2")).sessions) == 2


def test_a_session_is_not_cut_at_midnight() -> None:
    midnight = (START // DAY + 1) * DAY / 1000 - START / 1000
    story = Story().search(midnight - 60, "s1").search(midnight + 60, "s2", "vat invoice")
    assert len(judged(story).sessions) == 1


def test_the_only_account_seen_on_a_browser_within_thirty_days_is_the_person() -> None:
    signed_in = Story(account="acc1").add(0, "identify")
    anonymous = Story(tab="t2").search(29 * D, "s1").view(29 * D + 3, "w1", "s1", read=60)
    verdict = verdict_of(judged(signed_in, anonymous), "s1")
    assert (verdict.need.person, verdict.need.link_class) == ("a:acc1", 2)
    later = Story(tab="t2").search(31 * D, "s1")
    assert verdict_of(judged(signed_in, later), "s1").need.person == "v:v1"


def test_two_accounts_on_a_shared_device_are_not_guessed_across() -> None:
    a = Story(account="acc1", tab="t1").add(0, "identify")
    b = Story(account="acc2", tab="t2").add(D, "identify")
    anonymous = Story(tab="t3").search(2 * D, "s1").view(2 * D + 3, "w1", "s1", read=60)
    verdict = verdict_of(judged(a, b, anonymous), "s1")
    assert (verdict.need.person, verdict.need.link_class) == ("v:v1", 1)
    mail = Story(visitor=None, tab=None, account="acc1", prefix="m").ticket(2 * D + H, "k1", channel="email")
    assert outcomes(judged(a, b, anonymous, mail)) == {"s1": "answered_likely"}


def test_a_helpdesk_record_never_proves_a_browser() -> None:
    search = answered()
    imported = Story(visitor=None, tab=None, account="acc1", prefix="m").ticket(D, "k1", channel="email", requester="r1")
    later = Story(visitor=None, tab=None, prefix="n").ticket(D + H, "k2", channel="email", requester="r1")
    assert outcomes(judged(search, imported, later)) == {"s1": "answered_likely"}


def test_a_sender_learnt_from_a_form_is_known_by_mail_afterwards_and_before() -> None:
    form = Story(tab="t9").ticket(-10 * D, "k0", "something else", requester="r1", form_id="f0")
    mail = Story(visitor=None, tab=None, prefix="m").ticket(2 * D, "k1", "reset my password", channel="email", requester="r1")
    judgement = judged(answered(), form, mail)
    assert outcomes(judgement) == {"s1": "escalated"}
    assert [link.level for link in verdict_of(judgement, "s1").links] == ["sender"]


# ------------------------------------------------------------------------------------------------------------- exclusion (R0)


@pytest.mark.parametrize(
    "ua",
    [
        "Googlebot/2.1",
        "curl/8",
        "HeadlessChrome/141",
        "python-requests/2",
        "UptimeRobot",
        "Chrome-Lighthouse",
        "okhttp/4",
        "facebook preview",
    ],
)
def test_programs_are_excluded_by_their_agent_string(ua: str) -> None:
    assert is_machine(ua)
    assert outcomes(judged(answered(ua=ua))) == {"s1": "excluded"}


def test_a_browser_is_no_program() -> None:
    assert not is_machine("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0 Safari/537.36")


def test_thirty_searches_in_ten_minutes_are_a_machine_and_twenty_nine_are_not() -> None:
    words = [f"{a}{b} question" for a in "abcdef" for b in "abcdef"]
    story = Story()
    for i in range(30):
        story.search(i * 20, f"s{i}", words[i])
    assert set(outcomes(judged(story)).values()) == {"excluded"}
    story.events.pop()
    assert "excluded" not in outcomes(judged(story)).values()
    slow = Story()
    for i in range(30):
        slow.search(i * 21, f"s{i}", words[i])
    assert "excluded" not in outcomes(judged(slow)).values()


def test_an_agent_who_signs_in_later_takes_the_whole_session_out() -> None:
    story = answered()
    agent = Story(account="staff", role="agent", prefix="x").add(120, "identify")
    assert outcomes(judged(story, agent)) == {"s1": "excluded"}


def test_a_listed_browser_or_account_is_out_from_the_beginning() -> None:
    by_browser = Story(visitor=None, tab=None, prefix="x").add(9 * D, "exclude", target_visitor="v1", reason="test laptop")
    assert outcomes(judged(answered(), by_browser)) == {"s1": "excluded"}
    by_account = Story(visitor=None, tab=None, prefix="x").add(9 * D, "exclude", target_account="acc1")
    assert outcomes(judged(answered(account="acc1"), by_account)) == {"s1": "excluded"}
    assert outcomes(judged(answered(account="acc2"), by_account)) == {"s1": "answered_likely"}


def test_a_pure_form_need_whose_tickets_are_all_spam_is_excluded() -> None:
    story = Story().form(0, "f1").ticket(60, "k1", form_id="f1").add(70, "ticket_update", ticket_id="k1", status="spam")
    assert [v.rule for v in judged(story).verdicts] == ["R0"]
    honest = Story().form(0, "f1").ticket(60, "k1", form_id="f1")
    assert [v.rule for v in judged(honest).verdicts] == ["R1"]


# ------------------------------------------------------------------------------------------------------------------- tickets


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        ({"status": "spam"}, "answered_likely"),
        ({"status": "test"}, "answered_likely"),
        ({"status": "merged", "into": "k0"}, "escalated"),
        ({"status": "deleted"}, "escalated"),
        ({"status": "solved"}, "escalated"),
    ],
)
def test_what_became_of_a_ticket_decides_whether_it_counts(change: dict, outcome: str) -> None:
    story = answered().ticket(2 * H, "k1", channel="email").add(3 * H, "ticket_update", ticket_id="k1", **change)
    assert outcomes(judged(story)) == {"s1": outcome}


def test_a_spam_mark_taken_back_counts_again_but_deleting_spam_does_not_make_it_a_ticket() -> None:
    story = answered().ticket(2 * H, "k1").add(3 * H, "ticket_update", ticket_id="k1", status="spam")
    assert outcomes(judged(story.add(4 * H, "ticket_update", ticket_id="k1", status="deleted"))) == {"s1": "answered_likely"}
    assert outcomes(judged(story.add(5 * H, "ticket_update", ticket_id="k1", status="open"))) == {"s1": "escalated"}


def test_an_outbound_message_is_no_ticket() -> None:
    assert outcomes(judged(answered().ticket(H, "k1", direction="out"))) == {"s1": "answered_likely"}


def test_a_ticket_sent_twice_counts_once_but_links_both_times() -> None:
    story = answered().ticket(H, "k1").ticket(H + 5, "k2")
    judgement = judged(story)
    assert [c.duplicate for c in judgement.contacts] == [False, True]
    assert [link.contact.ticket_id for link in verdict_of(judgement, "s1").links] == ["k1", "k2"]
    apart = answered().ticket(H, "k1").ticket(H + 601, "k2")
    assert [c.duplicate for c in judged(apart).contacts] == [False, False]


def test_two_needs_and_a_ticket_about_the_first() -> None:
    story = answered().search(200, "s2", "vat invoice").view(210, "w2", "s2", article="a2", read=60)
    story.ticket(1000, "k1", "I still cannot reset the password")
    assert outcomes(judged(story)) == {"s1": "escalated", "s2": "answered_likely"}


def test_a_ticket_on_no_topic_goes_to_the_latest_need_of_the_session_that_no_vote_closed() -> None:
    story = answered().search(200, "s2", "vat invoice").view(210, "w2", "s2", article="a2", read=60)
    call = [("k1", "", "phone")]
    ticket = story.ticket(1000, *call[0][:2], channel="phone")
    assert outcomes(judged(ticket)) == {"s1": "answered_likely", "s2": "escalated"}
    closed = story.vote(300, 1, view_id="w2")
    assert outcomes(judged(closed)) == {"s1": "escalated", "s2": "answered_confirmed"}


def test_a_phone_ticket_without_a_subject_links_weakly_for_a_day() -> None:
    call = {"channel": "phone", "subject": ""}
    soon = judged(answered(account="acc1"), Story(visitor=None, tab=None, account="acc1", prefix="p").ticket(20 * H, "k1", **call))
    assert [link.level for link in verdict_of(soon, "s1").links] == ["account-weak"]
    late = judged(answered(account="acc1"), Story(visitor=None, tab=None, account="acc1", prefix="p").ticket(25 * H, "k1", **call))
    assert outcomes(late) == {"s1": "answered_likely"}


def test_a_topical_ticket_links_for_seven_days_after_the_last_activity() -> None:
    last = 63
    for seconds, outcome in ((last + 7 * D, "escalated"), (last + 7 * D + 1, "answered_likely")):
        assert outcomes(judged(answered().ticket(seconds, "k1", form_id="other"))) == {"s1": outcome}


def test_a_helpdesk_clock_may_be_two_minutes_behind_but_an_earlier_ticket_is_not_linked() -> None:
    assert outcomes(judged(answered().ticket(-120, "k1", channel="email"))) == {"s1": "escalated"}
    before = judged(answered().ticket(-121, "k1", channel="email"))
    verdict = verdict_of(before, "s1")
    assert (verdict.outcome, verdict.post_ticket) == ("answered_likely", True)


def test_a_ticket_before_the_search_on_its_topic_means_that_nothing_is_saved() -> None:
    for seconds, after in ((-7 * D, True), (-7 * D - 1, False)):
        assert verdict_of(judged(answered().ticket(seconds, "k1")), "s1").post_ticket is after
    other = verdict_of(judged(answered().ticket(-H, "k1", "delivery of my chair")), "s1")
    assert not other.post_ticket


def test_a_customer_who_confirmed_and_wrote_later_on_the_topic_escalated() -> None:
    assert outcomes(judged(answered().vote(70, 1, view_id="w1").ticket(D, "k1"))) == {"s1": "escalated"}


# ------------------------------------------------------------------------------------------------------------ needs and views


def test_an_article_from_a_search_engine_joins_only_a_search_that_listed_it() -> None:
    listed = Story().search(0, "s1").view(100, "w1", article="a2", source="external", read=60)
    assert outcomes(judged(listed)) == {"s1": "answered_likely"}
    unlisted = Story().search(0, "s1").view(100, "w1", article="zz", source="external", read=60)
    judgement = judged(unlisted)
    assert outcomes(judgement) == {"s1": "abandoned_with_results"}
    assert sorted(v.need.kind for v in judgement.verdicts) == ["browse", "search"]


def test_an_internal_link_goes_to_the_need_of_its_tab() -> None:
    story = Story().search(0, "s1").view(5, "w1", "s1").view(120, "w2", article="zz", source="internal", read=60)
    other = Story(tab="t2").search(100, "s2", "vat invoice")
    assert outcomes(judged(story, other)) == {"s1": "answered_likely", "s2": "abandoned_with_results"}


def test_reading_that_goes_on_after_the_cookie_was_accepted_is_reading_and_activity() -> None:
    before = Story(visitor=None).search(0, "s1").view(3, "w1", "s1")
    after = Story(visitor="v1", prefix="b").add(63, "dwell", view_id="w1", active_ms=60_000)
    verdict = verdict_of(judged(before, after), "s1")
    assert (verdict.rule, verdict.need.last) == ("R7", START + 63_000)


def test_what_others_say_about_somebodys_ids_changes_nothing_for_them() -> None:
    mine = Story("v1", "t1").search(0, "s1").view(3, "w1", "s1", read=5).form(60, "f1")
    alone = verdict_of(judged(mine), "s1")
    forged = Story("v2", "t1", prefix="x").search(1, "s1", "forged", n=0).view(4, "w1", "s1", article="a9").form(61, "f1")
    forged.add(70, "dwell", view_id="w1", active_ms=10**9).add(71, "click", search_id="s1", article="a9", rank=1)
    for thing in ({"view_id": "w1"}, {"form_id": "f1"}, {"search_id": "s1"}):
        forged.vote(80, 1, "solved", **thing).vote(81, -1, "helpful", **thing)
    with_forgeries = next(v for v in judged(mine, forged).verdicts if v.need.person == "v:v1")
    assert (with_forgeries.facts, with_forgeries.need.last) == (alone.facts, alone.need.last)
    assert alone.rule == "R4"


def test_a_search_id_told_twice_by_one_person_is_the_search_that_came_first() -> None:
    laptop = Story("v1", "t1", "acc1").search(0, "s0", "vat invoice").search(900, "s1", "vat invoice again", n=0)
    phone = Story("v2", "t2", "acc1", prefix="p").search(600, "s1", "reset password")
    verdict = verdict_of(judged(laptop, phone), "s1")
    assert [search.q for search in verdict.need.searches] == ["reset password"]


def test_an_answer_shown_in_a_form_belongs_to_the_form_even_if_a_clock_puts_it_first() -> None:
    story = (
        Story().search(0, "s1", "vat invoice").search(600, "s2").view(699, "w1", form_id="f1", source="suggestion", read=40).form(700, "f1")
    )
    assert [view.view_id for view in verdict_of(judged(story), "s2").need.views] == ["w1"]


def test_a_vote_on_an_unknown_article_still_counts_for_its_form() -> None:
    story = Story().search(0, "s1").form(60, "f1").vote(90, 1, "solved", view_id="unknown", form_id="f1")
    assert outcomes(judged(story)) == {"s1": "answered_confirmed"}


def test_a_forged_or_unknown_search_id_gives_a_browse_need_and_touches_no_search() -> None:
    attacker = Story(visitor="evil", tab="t9", prefix="x").view(5, "w9", "s1", read=600).vote(9, 1, view_id="w9")
    attacker.add(9, "dwell", view_id="w1", active_ms=10**9)
    victim = Story().search(0, "s1").view(3, "w1", "s1", read=2)
    judgement = judged(victim, attacker)
    assert outcomes(judgement) == {"s1": "abandoned_with_results"}
    assert [v.need.kind for v in judgement.verdicts if v.need.person == "v:evil"] == ["browse"]


def test_a_browse_need_without_reading_is_continued_by_a_later_need_of_the_session() -> None:
    story = Story().view(0, "w1", article="zz", source="external", read=3).search(20, "s1")
    rules = {v.need.kind: v.rule for v in judged(story).verdicts}
    assert rules["browse"] == "R5"


def test_looking_up_a_settled_need_again_is_a_new_need() -> None:
    story = answered().search(5 * H, "s2").view(5 * H + 3, "w2", "s2", read=60)
    judgement = judged(story)
    assert outcomes(judgement) == {"s1": "answered_likely", "s2": "answered_likely"}


def test_an_open_need_is_continued_within_48_hours_but_not_later() -> None:
    for seconds, first in ((48 * H, "reformulated"), (48 * H + 1, "abandoned_with_results")):
        assert outcomes(judged(Story().search(0, "s1").search(seconds, "s2", "password reset")))["s1"] == first


def test_other_words_within_a_minute_are_the_same_need_unless_something_was_read() -> None:
    for seconds, first in ((60, "reformulated"), (61, "abandoned_with_results")):
        assert outcomes(judged(Story().search(0, "s1").search(seconds, "s2", "vat invoice")))["s1"] == first
    read = Story().search(0, "s1").view(3, "w1", "s1", read=40).search(50, "s2", "vat invoice")
    assert outcomes(judged(read))["s1"] == "answered_likely"


def test_two_questions_asked_in_turn_stay_two_needs() -> None:
    story = Story().search(0, "s1").search(100, "s2", "vat invoice").search(200, "s3", "password reset").search(300, "s4", "invoice vat")
    assert outcomes(judged(story)) == {
        "s1": "reformulated",
        "s2": "reformulated",
        "s3": "abandoned_with_results",
        "s4": "abandoned_with_results",
    }


def test_a_need_closed_by_a_positive_vote_is_never_joined() -> None:
    story = answered().vote(64, 1, view_id="w1").search(70, "s2", "password reset", 0)
    assert outcomes(judged(story)) == {"s1": "answered_confirmed", "s2": "abandoned_no_results"}


def test_a_repeated_query_is_folded_while_repeats_are_ten_minutes_apart_at_most() -> None:
    story = Story().search(0, "s1", n=0).search(600, "s2").search(1200, "s3").search(1801, "s4")
    judgement = judged(story)
    assert set(outcomes(judgement)) == {"s1", "s4"}
    first = verdict_of(judgement, "s1").need.searches[0]
    assert (first.members, first.n_results, first.t) == (["s1", "s2", "s3"], 3, START)


def test_typing_is_one_search_until_a_result_is_opened_or_three_seconds_pass() -> None:
    story = Story().search(0, "s1", "pas", mode="type").search(1, "s2", "pass", mode="type").view(2, "w1", "s2")
    story.search(2.5, "s3", "passw", mode="type").search(6, "s4", "passwo", mode="type")
    assert set(outcomes(judged(story))) == {"s2", "s3", "s4"}


def test_other_surfaces_and_tabs_type_for_themselves() -> None:
    story = (
        Story()
        .search(0, "s1", "pas", mode="type")
        .search(0.5, "f1", "pass", mode="type", surface="form")
        .search(1, "s2", "passw", mode="type")
    )
    members = [s.members for v in judged(story).verdicts for s in v.need.searches]
    assert sorted(members) == [["f1"], ["s1", "s2"]]


def test_a_vote_against_is_overcome_by_another_article_read_long_enough_and_by_nothing_else() -> None:
    story = answered().vote(70, -1, view_id="w1")
    again = story.view(80, "w2", "s1", article="a1", read=60)
    assert outcomes(judged(again)) == {"s1": "unanswered_confirmed"}
    other = story.view(160, "w3", "s1", article="a2", read=60)
    assert outcomes(judged(other)) == {"s1": "answered_likely"}


def test_solved_outranks_helpful_and_zero_withdraws() -> None:
    story = Story().search(0, "s1").form(5, "f1").vote(10, 1, "solved", form_id="f1").view(12, "w1", "s1").vote(15, -1, view_id="w1")
    assert outcomes(judged(story)) == {"s1": "answered_confirmed"}
    assert outcomes(judged(story.vote(20, 0, "solved", form_id="f1"))) == {"s1": "unanswered_confirmed"}


def test_a_left_form_is_no_answer_unless_something_was_read_after_it_opened() -> None:
    left = answered().form(70, "f1")
    assert outcomes(judged(left)) == {"s1": "abandoned_form"}
    read = left.view(75, "w2", form_id="f1", article="a2", source="suggestion", read=60)
    assert outcomes(judged(read)) == {"s1": "answered_likely"}


def test_a_view_decides_for_itself_how_long_is_long_enough() -> None:
    short = Story().search(0, "s1").view(3, "w1", "s1", read=12, sat_ms=10_000)
    assert outcomes(judged(short)) == {"s1": "answered_likely"}
    assert outcomes(judged(answered(), rules=Rulebook(sat_ms=90_000))) == {"s1": "abandoned_with_results"}


# ------------------------------------------------------------------------------------------------------------------- finality


def test_a_need_is_final_after_window_and_grace_or_sooner_where_no_ticket_could_be_seen() -> None:
    seen, unseen = verdict_of(judged(answered()), "s1"), verdict_of(judged(answered(visitor=None)), "s1")
    assert seen.final_at == seen.need.last + 8 * DAY
    assert unseen.final_at == unseen.need.last + DAY + HOUR // 2
    assert state_of(seen.final_at, seen.need.last, seen.final_at - 1, None, Rulebook()) == PROVISIONAL
    assert state_of(seen.final_at, seen.need.last, seen.final_at, None, Rulebook()) == FINAL
    assert state_of(seen.final_at, seen.need.last, None, None, Rulebook()) == FINAL


def test_with_a_required_watermark_a_need_waits_for_the_ticket_feed() -> None:
    rules = Rulebook(require_watermark=True)
    last = START
    assert state_of(last, last, last + 30 * DAY, None, rules) == PROVISIONAL
    assert state_of(last, last, last + 30 * DAY, last + rules.window_ms - 1, rules) == PROVISIONAL
    assert state_of(last, last, last + 30 * DAY, last + rules.window_ms, rules) == FINAL


def test_the_worst_need_speaks_for_its_session() -> None:
    judgement = judged(answered().search(200, "s2", "vat invoice", 0))
    assert list(judgement.session_outcome().values()) == ["abandoned_no_results"]
    assert list(judged(Story().add(0, "identify")).session_outcome().values()) == ["no_need"]


# ----------------------------------------------------------------------------------------------------------------------- size


def test_a_browser_that_never_rests_costs_seconds_not_hours() -> None:
    words = random.Random(1)
    crawler, reader, asker = Story(visitor="c", tab="tc"), Story(visitor="r", tab="tr"), Story(visitor="a", tab="ta")
    for i in range(3000):
        crawler.search(i, f"c{i}", "".join(words.choices("abcdefghij", k=9)))
        reader.view(20 * i, f"w{i}", article=f"x{i}")
        asker.search(25 * i, f"q{i}", "".join(words.choices("abcdefghij", k=9)))
    start = time.process_time()
    judgement = judged(crawler, reader, asker)
    assert time.process_time() - start < 20
    found = outcomes(judgement)
    assert {found[f"c{i}"] for i in range(3000)} == {"excluded"}
    assert len([v for v in judgement.verdicts if v.need.kind == "browse"]) == 3000
