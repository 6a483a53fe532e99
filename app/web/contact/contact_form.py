"""The contact form as it comes in: its token, its words, its files; what is wrong with them, said kindly; and keeping them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from flask import request
from itsdangerous import BadSignature, URLSafeSerializer
from werkzeug.datastructures import FileStorage

from app.accounts import User
from app.content import RequestTopic, TopicField
from app.deflection import new_id
from app.tickets import (
    KINDS,
    MAX_MESSAGE,
    MAX_SUBJECT,
    AttachmentRefused,
    AttachmentRules,
    KeptDraft,
    StoredFile,
    TicketDraft,
    check_amount,
    drop_from_draft,
    files_of_draft,
    forget_draft,
    keep_draft,
    keep_in_draft,
    mask_card_numbers,
    problems,
    store_file,
)
from app.web import context
from app.web.access import current_user
from app.web.contact.promises import promise
from app.web.frame import local_text, site
from app.web.i18n import gettext as _
from app.web.visitors.visitors import clean_tab, new_tab

TOPIC_FIELDS = ("field1", "field2")
WORDS = ("topic", "subject", "message", "fields_of", *TOPIC_FIELDS, "email", "search_id", "article_id", "tab")
MAX_FIELD = 100
LIMITS = {"topic": 60, "subject": 1000, "message": 100_000, "email": 320, "search_id": 80, "article_id": 200, "tab": 64} | dict.fromkeys(
    ("fields_of", *TOPIC_FIELDS), 1000
)
"""What is cut off before anything looks at it; the real limits are the desk's, and are told to the person."""


@dataclass(frozen=True)
class ContactForm:
    """One filled-in form. `form_id` names it in events and is its idempotency key; pages carry it signed, as `token`."""

    form_id: str
    topic: str = ""
    subject: str = ""
    message: str = ""
    fields_of: str = ""
    """The topic that `field1` and `field2` were shown for."""
    field1: str = ""
    field2: str = ""
    email: str = ""
    search_id: str = ""
    article_id: str = ""
    tab: str = ""
    files: tuple[StoredFile, ...] = ()
    errors: dict[str, str] = field(default_factory=dict)
    """Field → sentence, in the order of the page."""

    @property
    def token(self) -> str:
        return _signer().dumps(self.form_id)

    @property
    def key(self) -> str:
        return f"form/{self.form_id}"

    @property
    def chosen_topic(self) -> RequestTopic | None:
        return next((t for t in site().topics if t.slug == self.topic), None)

    @property
    def is_safety(self) -> bool:
        topic = self.chosen_topic
        return bool(topic and topic.safety)

    @property
    def topic_fields(self) -> list[tuple[str, TopicField, str]]:
        """(name, field, what was written) for what the chosen topic asks for."""
        topic = self.chosen_topic
        return [(name, asked, getattr(self, name)) for name, asked in zip(TOPIC_FIELDS, topic.fields if topic else (), strict=False)]

    @property
    def has_unseen_fields(self) -> bool:
        """Without script a topic's fields come only after the topic was sent; nobody is sent back for what they may leave empty."""
        return any(not asked.optional for _name, asked, _value in self.topic_fields) and self.fields_of != self.topic

    @property
    def told(self) -> str:
        """What is sent: the topic's fields as lines of their own, then the message."""
        lines = [f"{local_text(asked.label)}: {value}" for _name, asked, value in self.topic_fields if value]
        return "\n".join(lines) + "\n\n" + self.message if lines and self.message.strip() else self.message

    def masked(self) -> ContactForm:
        """As it may be kept: without card numbers."""
        names = ("subject", "message", *TOPIC_FIELDS)
        return replace(self, **{name: mask_card_numbers(getattr(self, name)) for name in names})  # type: ignore[arg-type]

    def words(self) -> dict[str, str]:
        """What a draft keeps."""
        return {name: getattr(self, name) for name in WORDS}

    def anew(self) -> ContactForm:
        """The same words in a form of its own, to be sent as another request."""
        return replace(self, form_id=new_id(), files=(), errors={})


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(context.portal().settings.secret_key, salt="contact-form")


def form_id_of(token: str | None) -> str:
    """The id in a token that we have made; empty for anything else, so that nobody can reach into another's draft."""
    try:
        found = _signer().loads(token or "")
    except BadSignature:
        return ""
    return found if isinstance(found, str) else ""


def empty_form() -> ContactForm:
    """A new form with what the address carries along: the words of a search, where they came from, a topic."""
    args = request.args
    return ContactForm(
        form_id=new_id(),
        topic=args.get("topic", "")[: LIMITS["topic"]],
        subject=" ".join(args.get("q", "").split())[:MAX_SUBJECT],
        message=args.get("message", "")[:MAX_MESSAGE],
        search_id=args.get("s", "")[: LIMITS["search_id"]],
        article_id=args.get("article", "")[: LIMITS["article_id"]],
        tab=clean_tab(args.get("t")) or new_tab(),
    )


def kept_form(form_id: str, kept: KeptDraft, files: list[StoredFile]) -> ContactForm:
    """The form as it was kept."""
    return ContactForm(form_id=form_id, files=tuple(files), **{name: kept.fields.get(name, "") for name in WORDS})  # type: ignore[arg-type]


def sent_form() -> ContactForm:
    """The form as it was sent, before any check; files of it that were kept earlier included."""
    form_id = form_id_of(request.form.get("form"))
    words = {name: request.form.get(name, "").replace("\r\n", "\n")[:limit] for name, limit in LIMITS.items()}
    if words["fields_of"] != words["topic"]:
        # What was written for one topic says nothing under the labels of another.
        words |= dict.fromkeys(("fields_of", *TOPIC_FIELDS), "")
    for name in ("subject", *TOPIC_FIELDS):
        words[name] = " ".join(words[name].split())
    words["tab"] = clean_tab(request.form.get("t") or words["tab"]) or new_tab()
    user = current_user()
    if user is not None:
        words["email"] = user.email
    files = files_of_draft(context.db(), form_id) if form_id else []
    return ContactForm(form_id=form_id or new_id(), files=tuple(files), **words)  # type: ignore[arg-type]


def checked(form: ContactForm) -> ContactForm:
    """The form with everything said that keeps it from being sent; new files are stored and kept with it, whatever else is wrong."""
    form = _with_files(form)
    said = _field_errors(form)
    # A card number goes no further than this: not into the draft, not back onto the page.
    form = replace(form, **{name: mask_card_numbers(getattr(form, name)) for name in TOPIC_FIELDS})  # type: ignore[arg-type]
    codes = problems(draft_of(form, None))
    errors = said | {name: _sentence(name, code) for name, code in codes.items()}
    for name, code in codes.items():
        if code == "card_number":
            form = replace(form, **{name: mask_card_numbers(getattr(form, name))})  # type: ignore[arg-type]
    if form.topic and form.chosen_topic is None:
        form = replace(form, topic="")
    order = ("topic", "subject", "message", *TOPIC_FIELDS, "email", "files")
    found = errors | form.errors
    return replace(form, errors={name: found[name] for name in order if name in found})


def _field_errors(form: ContactForm) -> dict[str, str]:
    errors = {}
    for name, asked, value in form.topic_fields:
        if mask_card_numbers(value) != value:
            errors[name] = _("Take out the card number. We never need it.")
        elif len(value) > MAX_FIELD:
            errors[name] = _("Keep this under %(n)s letters.", n=MAX_FIELD)
        elif not value and not asked.optional and not form.has_unseen_fields:
            errors[name] = _("Write this, or choose another topic.")
    return errors


def _with_files(form: ContactForm) -> ContactForm:
    dropped = [f for f in request.form.getlist("drop") if f in {kept.id for kept in form.files}]
    kept = tuple(f for f in form.files if f.id not in dropped)
    given = [f for f in request.files.getlist("files") if f.filename][:50]
    if not given and not dropped:
        return form
    new, error = _stored(given, rules(), kept)
    with context.portal().database.durable_session() as db:
        drop_from_draft(db, form.form_id, dropped)
        if not error:
            try:
                check_amount(db, form.email, (*kept, *new), rules(), context.now())
            except AttachmentRefused as refused:
                error, new = file_sentence(refused), []
        keep_in_draft(db, form.form_id, new, form.email, context.now())
        if new:
            # A draft holds the files, so that they go with it when it is forgotten.
            keep_draft(db, form.form_id, form.masked().words(), context.now())
    return replace(form, files=(*kept, *new), errors={"files": error} if error else {})


def _stored(given: list[FileStorage], limits: AttachmentRules, kept: tuple[StoredFile, ...]) -> tuple[list[StoredFile], str]:
    new: list[StoredFile] = []
    try:
        for upload in given:
            if len(kept) + len(new) >= limits.max_files:
                raise AttachmentRefused("too_many", upload.filename or "")
            new.append(store_file(attachments_folder(), upload.filename or "", upload.stream.read(limits.max_bytes + 1), limits))
    except AttachmentRefused as refused:
        return new, file_sentence(refused)
    finally:
        for upload in given:
            upload.close()
    return new, ""


def rules() -> AttachmentRules:
    """How much one person may send, by the settings."""
    settings = context.portal().settings
    return AttachmentRules(settings.upload_max_mb * 1024 * 1024, settings.upload_max_files, settings.upload_quota_mb * 1024 * 1024)


def attachments_folder() -> Path:
    settings = context.portal().settings
    return settings.path(settings.data_folder) / "attachments"


def draft_of(form: ContactForm, user: User | None) -> TicketDraft:
    """The form as the desk takes it."""
    return TicketDraft(
        subject=form.subject,
        message=form.told,
        email=form.email,
        key=form.key,
        name=user.name if user else "",
        locale=context.locale(),
        topic=form.topic,
        account=user.id if user else None,
        form_id=form.form_id,
        attachments=form.files,
        search_id=form.search_id,
        article_id=form.article_id,
        promised_at=promise(context.now()),
    )


def keep(form: ContactForm) -> None:
    """Keep the words of this form on our side."""
    with context.portal().database.durable_session() as db:
        keep_draft(db, form.form_id, form.masked().words(), context.now())


def forget(form_id: str) -> None:
    with context.portal().database.durable_session() as db:
        forget_draft(db, form_id)


def _sentence(name: str, code: str) -> str:
    sentences = {
        ("subject", "missing"): _("Write what you need help with."),
        ("subject", "too_long"): _("Keep this under %(n)s letters. There is more room below.", n=MAX_SUBJECT),
        ("message", "missing"): _("Tell us what happened."),
        ("message", "too_long"): _("Keep this under %(n)s letters. You can add a file instead.", n=MAX_MESSAGE),
        ("email", "missing"): _("Write your email address, so that we can reply."),
        ("email", "no_address"): _("Write an email address like name@example.com."),
    }
    if code == "card_number":
        return _("Take out the card number. We never need it.")
    return sentences[(name, code)]


def message_sentence(code: str) -> str:
    """What is wrong with a message in a thread."""
    return _sentence("message", code)


def file_sentence(refused: AttachmentRefused) -> str:
    """What is wrong with a file, with its name and the limit."""
    settings = context.portal().settings
    name = refused.name
    sentences = {
        "empty": _("“%(name)s” is empty.", name=name),
        "too_big": _("“%(name)s” is larger than %(mb)s MB. Choose a smaller file.", name=name, mb=settings.upload_max_mb),
        "type": _("We cannot take “%(name)s”. We take %(kinds)s.", name=name, kinds=KINDS),
        "too_many": _("You can send %(n)s files at a time. “%(name)s” is one too many.", n=settings.upload_max_files, name=name),
        "quota": _("You have sent %(mb)s MB today. Send “%(name)s” tomorrow.", mb=settings.upload_quota_mb, name=name),
    }
    return sentences[refused.code]
