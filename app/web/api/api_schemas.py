"""What goes into the JSON API and what comes out, as schemas: they check requests, shape answers and make the OpenAPI document."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import EXCLUDE, RAISE, fields, validate


class Text(fields.String):
    """A text that every database can keep: NUL and half surrogate pairs, which no person types, become the sign for a lost letter."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        return "".join("\ufffd" if c == "\0" or "\ud800" <= c <= "\udfff" else c for c in text)


SAID = validate.Regexp(r"^[\s\S]*[^\s\u0000-\u001f\u007f-\u009f]", error="Must not be empty.")
"""At least one character that is neither white space nor a control; written so that JSON Schema's and Python's `\\s` agree on it."""


class Strict(ma.Schema):
    """A body: an unknown field is a mistake of the caller, and is said."""

    class Meta:
        unknown = RAISE


class Lenient(ma.Schema):
    """Parameters of an address: unknown ones are ignored, as browsers and trackers add their own."""

    class Meta:
        unknown = EXCLUDE


class Problem(ma.Schema):
    """An error (RFC 9457)."""

    class FieldProblem(ma.Schema):
        field = fields.String(required=True)
        message = fields.String(required=True)

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    errors = fields.List(fields.Nested(FieldProblem), required=True)


class SearchArguments(Lenient):
    q = fields.String(required=True, metadata={"description": "What is searched for; cut at 200 characters."})
    locale = fields.String(load_default="", metadata={"description": "The reader's language, for example `en` or `pt-BR`."})
    limit = fields.Integer(load_default=10, validate=validate.Range(1, 50))
    category = fields.String(load_default="", metadata={"description": "Only articles of this category."})
    type = fields.String(load_default="", metadata={"description": "Only articles of this type, as `site.yml` names them."})
    audience = fields.String(
        load_default=None,
        validate=validate.OneOf(["public", "customers", "agents"]),
        metadata={"description": "See no more than this audience would. It never shows more than the caller may see."},
    )
    explain = fields.Integer(
        load_default=0,
        validate=validate.OneOf([0, 1]),
        metadata={"description": "1: say of each result which words in which fields put it there. For staff."},
    )
    record = fields.Integer(
        load_default=0,
        validate=validate.OneOf([0, 1]),
        metadata={"description": "1: count this as a person's search. Asking is not counted otherwise."},
    )


class SuggestArguments(Lenient):
    q = fields.String(required=True)
    locale = fields.String(load_default="")
    limit = fields.Integer(load_default=6, validate=validate.Range(1, 20))


class ArticleArguments(Lenient):
    locale = fields.String(load_default="")


class Cause(ma.Schema):
    field = fields.String(required=True, metadata={"description": "The part of the index in which the term was found."})
    term = fields.String(required=True, metadata={"description": "As it stands in the index."})
    word = fields.String(required=True, metadata={"description": "As it stands in the query, or as it was corrected."})
    origin = fields.String(required=True, metadata={"description": "`query`, `exact`, `shingle`, `correction`, `synonym`, `learned` …"})
    weight = fields.Float(required=True)
    score = fields.Float(required=True, metadata={"description": "What it added; all of them add up to the score of the result."})


class Hit(ma.Schema):
    rank = fields.Integer(required=True)
    id = fields.String(required=True)
    slug = fields.String(required=True)
    locale = fields.String(required=True)
    category = fields.String(required=True)
    title = fields.String(required=True)
    url = fields.String(required=True, metadata={"description": "Path of the article on this site."})
    snippet = fields.String(required=True, metadata={"description": "Plain text, `[[` and `]]` around what matched."})
    score = fields.Float(required=True)
    pinned = fields.Boolean(metadata={"description": "Whether `site.yml` puts it first for exactly this query; only with `explain=1`."})
    explanation = fields.List(fields.Nested(Cause), metadata={"description": "Only with `explain=1`, for staff."})


class Passage(ma.Schema):
    text = fields.String(required=True)
    article_id = fields.String(required=True)
    anchor = fields.String(required=True)
    url = fields.String(required=True)


class SearchAnswer(ma.Schema):
    search_id = fields.String(required=True)
    query = fields.String(required=True)
    locale = fields.String(required=True)
    total = fields.Integer(required=True)
    corrected = fields.String(required=True, allow_none=True)
    did_you_mean = fields.String(required=True, allow_none=True)
    passage = fields.Nested(Passage, required=True, allow_none=True)
    revision = fields.String(required=True)
    results = fields.List(fields.Nested(Hit), required=True)


class Suggestion(ma.Schema):
    type = fields.String(required=True, validate=validate.OneOf(["article", "section"]))
    title = fields.String(required=True)
    url = fields.String(required=True)


class SuggestAnswer(ma.Schema):
    suggestions = fields.List(fields.Nested(Suggestion), required=True)


class ArticleAnswer(ma.Schema):
    id = fields.String(required=True)
    slug = fields.String(required=True)
    locale = fields.String(required=True)
    category = fields.String(required=True)
    title = fields.String(required=True)
    summary = fields.String(required=True)
    keywords = fields.List(fields.String(), required=True)
    audience = fields.String(required=True)
    url = fields.String(required=True)
    updated_at = fields.DateTime(required=True, format="iso")
    author = fields.String(required=True)
    words = fields.Integer(required=True)
    locales = fields.List(fields.String(), required=True, metadata={"description": "In which languages this caller may read it."})
    html = fields.String(required=True)
    markdown = fields.String(required=True)
    text = fields.String(required=True)
    revision = fields.String(required=True, metadata={"description": "Commit of the content that is being served."})


class TicketArguments(Strict):
    subject = Text(required=True, validate=[validate.Length(1, 150), SAID])
    message = Text(required=True, validate=[validate.Length(1, 20_000), SAID])
    email = Text(required=True, validate=validate.Length(3, 254), metadata={"format": "email"})
    name = Text(load_default="", validate=validate.Length(max=120))
    locale = Text(load_default="", validate=validate.Length(max=35))
    category = Text(load_default="", validate=validate.Length(max=60), metadata={"description": "A topic of the contact form."})


class TicketHeaders(Lenient):
    key = fields.String(
        load_default=None,
        data_key="Idempotency-Key",
        validate=[validate.Length(1, 200), validate.Regexp(r"^[!-~]+$")],
        metadata={"description": "The same key with the same body gives the same answer again, and one ticket."},
    )


class FeedAnswer(ma.Schema):
    lines = fields.Integer(required=True)
    new = fields.Integer(required=True, metadata={"description": "How many events are new; a ticket that was told before adds none."})


class TicketAnswer(ma.Schema):
    number = fields.Integer(required=True)
    url = fields.String(required=True)
