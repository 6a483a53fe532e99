"""What every number means, in words a manager understands; each number of a report links to its entry."""

from __future__ import annotations

from dataclasses import dataclass

DEFINITION_VERSION = 1


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
        "Question",
        "One question of one person: a run of searches, opened articles and contact forms on the same thing. Ten searches for one "
        "thing are one question. Staff, tests and robots are left out. Rates count questions with at least one search.",
        "Without a cookie a person who comes back counts twice.",
    ),
    Definition(
        "solved",
        "Solved without a ticket",
        "Questions that the customer confirmed as answered, plus questions where an article was read long enough after the last "
        "search and no request followed within the window, of all questions. Questions of people who had already written to us "
        "about it are not in it.",
        "Reading is not understanding: of the likely ones, some were not answered. The best estimate corrects for that.",
    ),
    Definition(
        "confirmed",
        "Confirmed by customers",
        "Questions whose last explicit signal was positive ('this helped', 'this solved it') with no search after it and no request. "
        "This is the floor: nobody can argue with it.",
        "Few people vote, and those who do are not typical. Asking more often raises it without helping anyone.",
    ),
    Definition(
        "likely",
        "Likely answered",
        "An article was read long enough at or after the last search, a request of this person would have been visible to us, and none came.",
        "Reading time is a noisy sign.",
    ),
    Definition(
        "calibrated",
        "Best estimate",
        "A random share of questions gets 'Did you find what you needed?'. For each kind of ending we know how often people said yes; "
        "the estimate weighs those by how common each ending is. The interval covers the chance in both.",
        "People who were not helped may answer less often; the worst-case band says how far that could move it.",
    ),
    Definition(
        "escalated",
        "Wrote to us",
        "Questions followed by a request that we could link to them: by form, session, browser, account or sender, on the topic within "
        "the long window or shortly after within the short one.",
        "Requests by e-mail or phone from people we do not know cannot be linked, so the true share is higher. "
        "The row for signed-in people is the most reliable.",
    ),
    Definition(
        "abandoned",
        "Left without an answer",
        "Questions that ended in 'no, this did not help', in a contact form that was left, on a search without results, or with results "
        "that nobody read long enough.",
        "A few found the answer in the result list itself.",
    ),
    Definition(
        "undetermined",
        "Not known",
        "Questions whose ending nobody can see: no cookie, so silence means nothing; reading time not measured; or an answer shown in the "
        "results and nothing after it.",
        "The solved share would be higher by at most this much.",
    ),
    Definition(
        "zero",
        "Searches with no result",
        "Searches that found nothing, of all searches. Letters typed on the way to a query are one search.",
        "It falls when search returns junk.",
    ),
    Definition(
        "click",
        "Searches with a click",
        "Searches with at least one opened result, of the searches that had results.",
        "Clicking is not solving, and an answer shown in the results needs no click.",
    ),
    Definition(
        "reformulated",
        "Searches asked again",
        "Searches that were not the last of their question, of all searches.",
        "Long, successful reading tours count too.",
    ),
    Definition(
        "first-search",
        "Answered at the first search",
        "Questions solved without a second search, of all questions.",
        "Hard questions need more than one.",
    ),
    Definition(
        "avoided",
        "Tickets avoided",
        "For each group of questions: the estimated number answered, times how often people with the same question wrote to us when "
        "they were not answered. The low end counts only confirmed answers.",
        "It assumes that answered people would have written as often as unanswered ones. Only the form trial is free of that.",
    ),
    Definition(
        "cost",
        "Cost avoided",
        "Tickets avoided, low to high, times the cost of handling one more request, low to high, as set by the operator.",
        "The average cost of a request is not what one less request saves.",
    ),
    Definition(
        "self-service",
        "Self-service ratio",
        "Answered questions (best estimate where there is one) divided by answered questions plus all requests of the period, also from "
        "people who never searched.",
        "Unlike visits divided by requests it does not grow with traffic.",
    ),
    Definition(
        "time",
        "Time to answer",
        "From the first search to opening the article that answered. Questions that were never answered stay in as 'not yet'.",
        "Dropping them, as is usual, makes every help centre look fast.",
    ),
    Definition(
        "article",
        "Article share",
        "Of the questions where this article was the last thing read: solved, and followed by a request. Small numbers are pulled towards "
        "the average of their category. The comparison is with other articles read for the same questions.",
        "Articles on hard subjects look bad when compared with easy ones; the comparison corrects for that.",
    ),
    Definition(
        "gap",
        "Could be avoided",
        "Requests a month that would not be written if the group's questions were answered: questions, times the share not answered, times "
        "how often the unanswered write, times how much a repair is expected to mend. With the 80 %% interval.",
        "How much a repair mends is learnt from your own articles; at first it is a guess around one half.",
    ),
    Definition(
        "change",
        "A change",
        "We call a difference a change only if its 95 %% interval excludes zero; otherwise 'No clear change'. Comparisons by week "
        "allow for being looked at every week of a year.",
        "With many numbers on a page, one in twenty moves by chance.",
    ),
    Definition(
        "provisional",
        "Not final yet",
        "A question is final when its window and a day have passed. Newer weeks are hatched: requests still to come are estimated from "
        "how late they came before.",
        "A late import can still change a final week; then the page says by how much.",
    ),
    Definition(
        "privacy",
        "Hidden rows",
        "Rows with too few people are put together with others, so that nobody can be recognised, also not by subtracting one table from "
        "another. A query is shown word for word only if enough different people asked it.",
        "Rare questions are only visible in the sum.",
    ),
    Definition(
        "form-trial",
        "What the answers in the form do",
        "A small random share of people see the contact form without suggested answers. The difference between the two groups is what "
        "the answers do. The form itself is the same for everybody.",
        "Small help desks need many weeks before the difference is certain.",
    ),
)

BY_KEY = {d.key: d for d in DEFINITIONS}
