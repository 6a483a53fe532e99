"""What every number means, in words a manager understands; each number of a report links to its entry."""

from __future__ import annotations

from dataclasses import dataclass

DEFINITION_VERSION = 1


def N_(text: str) -> str:
    """Marks a text for translation; the web translates it."""
    return text


@dataclass(frozen=True)
class Definition:
    """One number: how it is counted, and how it can mislead."""

    key: str
    name: str
    counted: str
    misleads: str


DEFINITIONS: tuple[Definition, ...] = (
    Definition(
        "need",
        N_("Question"),
        N_(
            "One question of one person: a run of searches, opened articles and contact forms on the same thing. Ten searches for one "
            "thing are one question. Staff, tests and robots are left out. Rates count questions with at least one search."
        ),
        N_("Without a cookie a person who comes back counts twice."),
    ),
    Definition(
        "solved",
        N_("Solved without a ticket"),
        N_(
            "Questions that the customer confirmed as answered, plus questions where an article was read long enough after the last "
            "search and no request followed within the window, of all questions. Questions of people who had already written to us "
            "about it are not in it."
        ),
        N_("Reading is not understanding: of the likely ones, some were not answered. The best estimate corrects for that."),
    ),
    Definition(
        "confirmed",
        N_("Confirmed by customers"),
        N_(
            "Questions whose last explicit signal was positive ('this helped', 'this solved it') with no search after it and no request. "
            "This is the floor: nobody can argue with it."
        ),
        N_("Few people vote, and those who do are not typical. Asking more often raises it without helping anyone."),
    ),
    Definition(
        "likely",
        N_("Likely answered"),
        N_(
            "An article was read long enough at or after the last search, a request of this person would have been visible to us, and none came."
        ),
        N_("Reading time is a noisy sign."),
    ),
    Definition(
        "log",
        N_("Answered in the log"),
        N_(
            "Confirmed and likely answered questions together, also of people who had written before. 'At most' adds every question whose "
            "ending nobody can see, as if all of them had been answered."
        ),
        N_("The truth lies between the two only if likely answers are answers; the best estimate asks people."),
    ),
    Definition(
        "calibrated",
        N_("Best estimate"),
        N_(
            "A random share of questions gets 'Did you find what you needed?'. For each kind of ending we know how often people said yes; "
            "the estimate weighs those by how common each ending is. The interval covers the chance in both."
        ),
        N_(
            "People who were not helped may answer less often; the worst-case band says how far that could move it. Only those who come back "
            "are asked, and nobody knows what the others would have said."
        ),
    ),
    Definition(
        "escalated",
        N_("Wrote to us"),
        N_(
            "Questions followed by a request that we could link to them: by form, session, browser, account or sender, on the topic within "
            "the long window or shortly after within the short one."
        ),
        N_(
            "Requests by e-mail or phone from people we do not know cannot be linked, so the true share is higher. "
            "The row for signed-in people is the most reliable."
        ),
    ),
    Definition(
        "abandoned",
        N_("Left without an answer"),
        N_(
            "Questions that ended in 'no, this did not help', in a contact form that was left, on a search without results, or with results "
            "that nobody read long enough."
        ),
        N_("A few found the answer in the result list itself."),
    ),
    Definition(
        "undetermined",
        N_("Not known"),
        N_(
            "Questions whose ending nobody can see: no cookie, so silence means nothing; reading time not measured; or an answer shown in the "
            "results and nothing after it."
        ),
        N_("The solved share would be higher by at most this much."),
    ),
    Definition(
        "zero",
        N_("Searches with no result"),
        N_("Searches that found nothing, of all searches. Letters typed on the way to a query are one search."),
        N_("It falls when search returns junk."),
    ),
    Definition(
        "click",
        N_("Searches with a click"),
        N_("Searches with at least one opened result, of the searches that had results."),
        N_("Clicking is not solving, and an answer shown in the results needs no click."),
    ),
    Definition(
        "reformulated",
        N_("Searches asked again"),
        N_("Searches that were not the last of their question, of all searches."),
        N_("Long, successful reading tours count too."),
    ),
    Definition(
        "first-search",
        N_("Answered at the first search"),
        N_("Questions answered, as confirmed or likely, without a second search, of all questions."),
        N_("Hard questions need more than one."),
    ),
    Definition(
        "avoided",
        N_("Tickets avoided"),
        N_(
            "For each group of questions: the estimated number answered, times how often people with the same question wrote to us when "
            "they were not answered. The low end counts only confirmed answers."
        ),
        N_("It assumes that answered people would have written as often as unanswered ones. Only the form trial is free of that."),
    ),
    Definition(
        "cost",
        N_("Cost avoided"),
        N_(
            "Tickets avoided, low to high, times the cost of handling one more request, low to high, less what writing and keeping the articles "
            "cost meanwhile, all as set by the operator. Below zero the articles cost more than they surely saved."
        ),
        N_("The average cost of a request is not what one less request saves."),
    ),
    Definition(
        "self-service",
        N_("Self-service ratio"),
        N_(
            "Answered questions (best estimate where there is one) divided by answered questions plus all requests of the period, also from "
            "people who never searched."
        ),
        N_("Unlike visits divided by requests it does not grow with traffic."),
    ),
    Definition(
        "time",
        N_("Time to answer"),
        N_("From the first search to opening the article that answered. Questions that were never answered stay in as 'not yet'."),
        N_("Dropping them, as is usual, makes every help centre look fast."),
    ),
    Definition(
        "article",
        N_("Article share"),
        N_(
            "Of the questions where this article was the last thing read: solved, and followed by a request. Small numbers are pulled towards "
            "the average of their category. The comparison is with other articles read for the same questions."
        ),
        N_("Articles on hard subjects look bad when compared with easy ones; the comparison corrects for that."),
    ),
    Definition(
        "cluster-escalation",
        N_("Signed-in people who wrote to us"),
        N_(
            "Of the questions in one group that signed-in people asked, the share followed by a request. Small groups are pulled towards the "
            "average of all; where signed-in people asked fewer than 20 questions there is no share."
        ),
        N_("Signed-in people are not like everybody, and a request from an address that is not theirs in our books is still missed."),
    ),
    Definition(
        "failed",
        N_("Failed"),
        N_(
            "Questions that a request followed, that the customer called unanswered, or that ended in a left form or with nothing read long "
            "enough. What is not known is not in it."
        ),
        N_("Some who leave have found what they wanted in the list itself."),
    ),
    Definition(
        "unsearched",
        N_("Requests nobody searched for"),
        N_("Requests of people of whom we know no search on it: by e-mail, by phone, or with the form alone. Grouped by their subjects."),
        N_("Whoever searched without a cookie and then wrote from another address is in it, too."),
    ),
    Definition(
        "today",
        N_("The day so far"),
        N_(
            "Searches that were sent and requests that arrived, by UTC day, straight from what was recorded. Whoever searches three times "
            "counts three times; nothing is followed to its end."
        ),
        N_("Requests per 100 searches fall when people search more, whether they find anything or not."),
    ),
    Definition(
        "gap",
        N_("Could be avoided"),
        N_(
            "Requests a month that would not be written if the group's questions were answered: questions, times the share not answered, times "
            "how often the unanswered write, times how much a repair is expected to mend. With the 80 %% interval."
        ),
        N_(
            "How much a repair mends is learnt from your own articles, eight weeks before against eight weeks after. Until one has been "
            "watched so long it is a guess around one half, and the interval is wide for that reason."
        ),
    ),
    Definition(
        "change",
        N_("A change"),
        N_(
            "We call a difference a change only if its 95 %% interval excludes zero; otherwise 'No clear change'. Comparisons by week "
            "allow for being looked at every week, for ever."
        ),
        N_("With many numbers on a page, one in twenty moves by chance."),
    ),
    Definition(
        "provisional",
        N_("Not final yet"),
        N_(
            "A question is final when its window and a day have passed. Newer weeks are hatched: requests still to come are estimated from "
            "how late they came before."
        ),
        N_("A late import can still change a final week; then the page says by how much."),
    ),
    Definition(
        "version",
        N_("Thresholds in force"),
        N_(
            "What counts as read, how long we wait for a request, and which searches are one question are thresholds; each set of them has a "
            "version. When one is changed everything whose events are still kept is judged again. Older questions keep what they counted "
            "as; a dotted line in the chart stands where they end, and nothing is compared across it."
        ),
        N_("Across the line a difference may be one of counting."),
    ),
    Definition(
        "privacy",
        N_("Hidden rows"),
        N_(
            "Rows with too few people are put together with others, so that nobody can be recognised, also not by subtracting one table from "
            "another. A query is shown word for word only if enough different people asked it. Groups, articles and subjects are listed in "
            "whole weeks of which everything is final: within a week they do not change, so that nobody's day can be subtracted out."
        ),
        N_("Rare questions are only visible in the sum."),
    ),
    Definition(
        "window",
        N_("Share by window"),
        N_(
            "The share that wrote to us if we waited one hour, six hours, and so on up to 14 days, always on the same questions: those that "
            "were watched for all 14 days. Beyond the window in use only requests on the topic count."
        ),
        N_("If the line still rises at the window in use, the window is too short and the reports flatter."),
    ),
    Definition(
        "form-rate",
        N_("Forms in which an answer solved it"),
        N_(
            "Contact forms with answers shown in which somebody pressed 'this answered my question' and wrote nothing, of all forms with answers."
        ),
        N_("It misses those who read and say nothing. What the answers do is told only by the form trial."),
    ),
    Definition(
        "form-trial",
        N_("What the answers in the form do"),
        N_(
            "A small random share of people see the contact form without suggested answers. The difference between the two groups is what "
            "the answers do. The form itself is the same for everybody."
        ),
        N_("Small help desks need many weeks before the difference is certain."),
    ),
)

BY_KEY = {d.key: d for d in DEFINITIONS}
