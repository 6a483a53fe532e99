"""Every option an operator can set: one typed field each, with its meaning, read from the environment and `.env`.

All problems are reported together, so that nobody mends a configuration one error at a time.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dotenv import dotenv_values

from app.errors import Invalid
from app.locales import is_tag

PREFIX = "HYLLA_"


def option(default: Any, help: str, low: float | None = None, high: float | None = None, secret: bool = False) -> Any:
    """A settings field: its default, a sentence that says what it does, and the range that makes sense."""
    return field(default=default, metadata={"help": help, "low": low, "high": high, "secret": secret})


@dataclass(frozen=True)
class Settings:
    """What this portal was told to do; `root` is the folder that relative paths start from."""

    root: Path = field(default_factory=Path.cwd, metadata={"internal": True})

    # Content
    content_repository: Path = option(Path(), "Path of the git repository that holds the articles.")
    content_folder: str = option("articles", "Folder of the articles inside that repository.")
    content_branch: str = option("", "Branch to publish; empty: what is checked out.")
    content_worktree: bool = option(False, "Serve uncommitted files too and follow every save; for writing, not for production.")
    preview: bool = option(False, "Say on every page that this is a preview of its branch and not public, and keep search engines out.")
    render_seconds: float = option(5.0, "CPU seconds that one article may take to render before it is shown as plain text.", 0.5, 60)
    render_memory_mb: int = option(512, "Memory that one rendering process may use, in MB.", 128, 8192)
    article_max_kb: int = option(512, "Largest article file, in kB; a larger one is refused with its name.", 1, 10240)

    # Folders and services
    index_folder: Path = option(Path("search_index"), "Where the search index lives. Derived; private to the service account.")
    data_folder: Path = option(Path("var"), "Where the database, uploads, outgoing mail and the secret key live.")
    database_url: str = option(
        "sqlite:///var/hylla.sqlite3", "SQLAlchemy URL of the database: SQLite or PostgreSQL; unless set, in the data folder.", secret=True
    )
    base_url: str = option("http://127.0.0.1:8000", "The public address of the portal; links in mail, feeds and sitemap start with it.")
    secret_key: str = option("", "Signs cookies and links; made and kept in the data folder when empty.", secret=True)
    trusted_proxies: int = option(0, "How many proxies in front may be believed about the visitor's address.", 0, 10)
    smtp_url: str = option("", "smtp://user:password@host:port or smtps://…; empty: mail is written to the data folder.", secret=True)
    mail_from: str = option("Help <help@localhost>", "Sender of outgoing mail.")
    maintenance_until: str = option(
        "", "Planned maintenance: until then every page says so, for example 2026-11-29 06:00 in HYLLA_TIME_ZONE; empty: none."
    )
    drain_seconds: float = option(
        1.0, "How long /readyz says no before TERM ends the portal, so that a load balancer turns away first.", 0, 60
    )
    brand_file: Path = option(Path("brand.toml"), "The theme: name, logo, colours, fonts, radius.")
    ticket_feed_secret: str = option(
        "", "Secret with which another helpdesk signs the tickets it tells us of; empty: no such feed.", secret=True
    )
    metrics_token: str = option("", "Bearer token for /metrics from other hosts; empty: loopback only.", secret=True)

    # Readers
    locales: tuple[str, ...] = option(("en", "sv", "ru", "he"), "Locales on offer, comma separated; the first is the default.")
    visitor_cookie: str = option("session", "The visitor cookie: off, session, or days:N.")
    visitor_consent: bool = option(False, "Ask before setting the visitor cookie; until then only the tab is known.")
    reply_hours: int = option(8, "Working hours within which a request is answered; used for the reply time we promise.", 1, 400)
    working_hours: str = option("mon-fri 08:00-20:00; sat-sun 10:00-16:00", "When somebody answers, for the reply time we promise.")
    time_zone: str = option("UTC", "Time zone of the working hours and of the times on pages, for example Europe/Stockholm.")

    # Requests
    upload_max_mb: int = option(10, "Largest attachment, in MB.", 1, 100)
    upload_max_files: int = option(5, "Most attachments in one message.", 0, 20)
    upload_quota_mb: int = option(100, "Attachments that one requester may send in a day, in MB.", 1, 10000)

    # Accounts and limits
    session_days: int = option(14, "Days after which a sign-in ends.", 1, 365)
    staff_idle_minutes: int = option(480, "Minutes without a request after which a staff sign-in ends.", 30, 20160)
    sign_in_attempts: int = option(10, "Failed sign-ins for one account or address before it must wait.", 3, 1000)
    sign_in_wait_minutes: int = option(15, "How long that wait is, in minutes.", 1, 1440)
    requests_per_hour: int = option(20, "Requests one visitor may send in an hour.", 1, 10000)
    searches_per_minute: int = option(120, "Searches one address may make in a minute.", 10, 100000)
    readings_per_minute: int = option(
        6000, "Reports of reading that one address may send in a minute (six a reader); what is refused is counted.", 60, 1_000_000
    )

    # Measuring what happened
    satisfied_seconds: int = option(30, "Active reading that counts as having read an article, unless the page asks for less.", 3, 600)
    attribution_hours: int = option(168, "Window after a need in which a ticket on its topic counts against it.", 1, 2160)
    weak_attribution_hours: int = option(24, "The same window for a ticket that is not on its topic.", 1, 2160)
    similar: float = option(0.40, "Likeness of words (Dice on trigrams) from which two searches are the same question.", 0.05, 1)
    same_question_seconds: int = option(60, "Seconds in which a search in other words still is the same question.", 0, 1800)
    form_holdout_share: float = option(0.10, "Share of people whose contact form shows no answers, to measure what answers do.", 0, 0.5)
    survey_share: float = option(0.05, "Share of needs that are asked 'Did you find what you needed?'.", 0, 1)
    event_retention_days: int = option(180, "Most days for which raw events are kept; they go by whole weeks.", 30, 3650)
    privacy_k: int = option(5, "Fewest people behind a row of a report.", 2, 100)
    privacy_k_query: int = option(3, "Fewest people behind a query that is shown word for word.", 2, 100)
    learned_phrases: bool = option(True, "Let past searches that ended in an answer help the next ones.")
    cost_per_ticket_low: float = option(0.0, "Marginal cost of one ticket, lower end; 0: no cost is reported.", 0)
    cost_per_ticket_high: float = option(0.0, "Marginal cost of one ticket, upper end.", 0)

    content_cost_per_month: float = option(0.0, "What writing and keeping the articles costs a month; taken off the cost avoided.", 0)

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] | None = None, root: Path | None = None) -> Settings:
        """Settings from `.env` in `root` overlaid by the environment; raises `InvalidSettings` with every problem at once.

        `FLASK_SKIP_DOTENV=1` leaves `.env` out, as it does for Flask itself: tests must not depend on what a developer wrote there.
        """
        root = (root or Path.cwd()).resolve()
        outside = dict(os.environ if environ is None else environ)
        given: dict[str, str] = {}
        if (root / ".env").is_file() and not outside.get("FLASK_SKIP_DOTENV"):
            given = {k: v for k, v in dotenv_values(root / ".env").items() if v is not None}
        given |= outside
        return _parse(cls, given, root)

    def path(self, value: Path | str) -> Path:
        """An absolute path; relative ones start at `root`."""
        return (self.root / value).resolve()

    @property
    def maintenance_ends(self) -> datetime | None:
        """When the planned maintenance ends, an aware time; None if there is none."""
        if not self.maintenance_until:
            return None
        return datetime.fromisoformat(self.maintenance_until).replace(tzinfo=ZoneInfo(self.time_zone))

    @property
    def default_locale(self) -> str:
        return self.locales[0]

    @property
    def resolved_database_url(self) -> str:
        """The database URL with a relative SQLite path made absolute from `root`."""
        marker = "sqlite:///"
        if self.database_url.startswith(marker) and not self.database_url.startswith("sqlite:////"):
            name = self.database_url[len(marker) :]
            if name and name != ":memory:":
                return marker + str(self.path(name))
        return self.database_url


class InvalidSettings(Invalid):
    """One or more options cannot be used; the message lists them all."""


def option_fields() -> list[Any]:
    """The dataclass fields that an operator can set, in order."""
    return [f for f in fields(Settings) if not f.metadata.get("internal")]


def _parse(cls: type[Settings], given: Mapping[str, str], root: Path) -> Settings:
    errors: dict[str, str] = {}
    values: dict[str, Any] = {"root": root}
    known = {PREFIX + f.name.upper(): f for f in option_fields()}
    for name, spec in known.items():
        if name not in given:
            continue
        try:
            values[spec.name] = _convert(spec, given[name])
        except ValueError as error:
            errors[name] = str(error)
    for name in given:
        if name.startswith(PREFIX) and name not in known:
            errors[name] = "is no setting; `flask kb settings` lists them all"
    if "data_folder" in values and "database_url" not in values:
        values["database_url"] = (
            f"sqlite:///{values['data_folder'] / 'hylla.sqlite3'}"  # two portals with folders of their own share nothing
        )
    settings = cls(**values)
    errors |= _cross_checks(settings, {PREFIX + k.upper() for k in values})
    if errors:
        lines = "\n".join(f"  {name}: {problem}" for name, problem in sorted(errors.items()))
        raise InvalidSettings(f"{len(errors)} setting(s) cannot be used:\n{lines}", errors)
    return settings


def _convert(spec: Any, text: str) -> Any:
    text = text.strip()
    default = spec.default
    if isinstance(default, bool):
        if text.lower() not in {"0", "1", "true", "false", "yes", "no", ""}:
            raise ValueError(f"“{text}” is neither 1 nor 0")
        return text.lower() in {"1", "true", "yes"}
    if isinstance(default, int | float):
        kind = type(default)
        try:
            number = kind(text)
        except ValueError:
            raise ValueError(f"“{text}” is not a{'n integer' if kind is int else ' number'}") from None
        low, high = spec.metadata["low"], spec.metadata["high"]
        if (low is not None and number < low) or (high is not None and number > high) or number != number:
            raise ValueError(f"{text} is outside {low}–{high if high is not None else '…'}")
        return number
    if isinstance(default, tuple):
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if isinstance(default, Path):
        return Path(text)
    return text


def _cross_checks(s: Settings, given: set[str]) -> dict[str, str]:
    errors: dict[str, str] = {}
    bad = [tag for tag in s.locales if not is_tag(tag)]
    if bad or not s.locales:
        errors["HYLLA_LOCALES"] = f"{', '.join(bad) or 'nothing'} is no locale tag; write for example en,sv,pt-BR"
    elif len(set(s.locales)) != len(s.locales):
        errors["HYLLA_LOCALES"] = "names a locale twice"
    if not re.fullmatch(r"off|session|days:([1-9]\d{0,2})", s.visitor_cookie):
        errors["HYLLA_VISITOR_COOKIE"] = f"“{s.visitor_cookie}” is none of off, session, days:N (N up to 999)"
    parts = urlsplit(s.base_url)
    if parts.scheme not in {"http", "https"} or not parts.netloc or parts.path not in {"", "/"} or parts.query:
        errors["HYLLA_BASE_URL"] = f"“{s.base_url}” is not of the form https://help.example.com"
    if not s.database_url.startswith(("sqlite://", "postgresql://", "postgresql+psycopg://")):
        errors["HYLLA_DATABASE_URL"] = "is neither sqlite:///path nor postgresql://…"
    if s.smtp_url and urlsplit(s.smtp_url).scheme not in {"smtp", "smtps"}:
        errors["HYLLA_SMTP_URL"] = "does not start with smtp:// or smtps://"
    errors |= _check_hours(s)
    if s.secret_key and len(s.secret_key) < 32:
        errors["HYLLA_SECRET_KEY"] = "is shorter than 32 characters"
    if s.cost_per_ticket_high < s.cost_per_ticket_low:
        errors["HYLLA_COST_PER_TICKET_HIGH"] = "is below HYLLA_COST_PER_TICKET_LOW"
    if s.weak_attribution_hours > s.attribution_hours:
        errors["HYLLA_WEAK_ATTRIBUTION_HOURS"] = "is longer than HYLLA_ATTRIBUTION_HOURS"
    if s.preview and not s.content_branch:
        errors["HYLLA_PREVIEW"] = "needs HYLLA_CONTENT_BRANCH, the branch that is shown"
    if not s.path(s.content_repository).is_dir() and "HYLLA_CONTENT_REPOSITORY" in given:
        errors["HYLLA_CONTENT_REPOSITORY"] = f"{s.content_repository} is not a folder"
    folder = Path(s.content_folder)
    if folder.is_absolute() or ".." in folder.parts:
        errors["HYLLA_CONTENT_FOLDER"] = "must be a folder inside the repository"
    return errors


WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_CLOCK = r"(?:[01]\d|2[0-3]):[0-5]\d"
_HOURS = re.compile(rf"([a-z]{{3}})(?:-([a-z]{{3}}))? ({_CLOCK})-({_CLOCK}|24:00)")


def _check_hours(s: Settings) -> dict[str, str]:
    errors: dict[str, str] = {}
    parts = [part.strip().lower() for part in s.working_hours.split(";") if part.strip()]
    bad = [part for part in parts if not _is_span(part)]
    if bad or not parts:
        errors["HYLLA_WORKING_HOURS"] = f"“{'; '.join(bad)}” is not of the form mon-fri 08:00-18:00; sat 10:00-14:00"
    try:
        ZoneInfo(s.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        errors["HYLLA_TIME_ZONE"] = f"“{s.time_zone}” is no time zone; write for example Europe/Stockholm"
    if s.maintenance_until and not _is_moment(s.maintenance_until):
        errors["HYLLA_MAINTENANCE_UNTIL"] = f"“{s.maintenance_until}” is no time of the form 2026-11-29 06:00"
    return errors


def _is_moment(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is None and len(text) == len("2026-11-29 06:00")
    except ValueError:
        return False


def _is_span(part: str) -> bool:
    found = _HOURS.fullmatch(part)
    if not found or found[1] not in WEEKDAYS or (found[2] or "sun") not in WEEKDAYS:
        return False
    return WEEKDAYS.index(found[1]) <= WEEKDAYS.index(found[2] or found[1]) and found[3] < found[4]
