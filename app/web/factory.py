"""The Flask application: settings, what is open, blueprints, error pages. Nothing else happens here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import IntegerConverter, Map

from app.config import Settings
from app.db import PAGE_WAITS
from app.portal import Portal, open_portal
from app.web import access, assets, brand, context, error_pages, filters, frame, i18n, security, writer
from app.web.accounts import accounts, admin, one_time_codes
from app.web.api import api, api_description
from app.web.contact import contact, requests, waiting
from app.web.desk import agent, ticket_feed
from app.web.help_center import feedback, feeds, help_center, page_cache, search_pages, survey
from app.web.reports import audits, report_desk, report_labels, reports
from app.web.serving import health, logs, maintenance
from app.web.visitors import beacons, privacy, visitors

CODE = Path(__file__).resolve().parents[2]
"""Where the project lies: templates and static files are found from here, whatever the working folder."""

PARTS = (logs, error_pages, maintenance, i18n, brand, assets, filters, frame, security, access, visitors, survey, waiting, page_cache)
"""What is set up before any page, in this order."""

BLUEPRINTS = (
    accounts,
    one_time_codes,
    admin,
    feeds,
    beacons,
    contact,
    requests,
    agent,
    writer,
    reports,
    audits,
    report_desk,
    report_labels,
    survey,
    privacy,
    search_pages,
    feedback,
    help_center,
)


class Number(IntegerConverter):
    """A number in an address; none that is larger than a database keeps, which would be an error there instead of a page not found."""

    def __init__(self, map: Map, *args: Any, **options: Any) -> None:
        super().__init__(map, *args, **{"max": 2**63 - 1, **options})


def create_app(settings: Settings | None = None, portal: Portal | None = None) -> Flask:
    """The application over an open portal; without one, it opens what the settings describe."""
    settings = settings or (portal.settings if portal else Settings.from_environ())
    portal = portal or open_portal(settings, PAGE_WAITS)
    settings = portal.settings
    app = Flask("app", root_path=str(CODE / "app"), template_folder=str(CODE / "templates"), static_folder=None)
    app.config.update(
        SECRET_KEY=settings.secret_key,
        MAX_CONTENT_LENGTH=(settings.upload_max_mb * settings.upload_max_files + 1) * 1024 * 1024,
        MAX_FORM_MEMORY_SIZE=1024 * 1024,
        MAX_FORM_PARTS=200,
    )
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    app.url_map.converters["int"] = Number
    app.extensions["portal"] = portal
    portal.events.start()
    app.teardown_appcontext(context.close_db)
    for part in PARTS:
        part.init(app)
    health.register(app)
    api_description.register(app, (api.bp, ticket_feed.bp, audits.api))
    for module in BLUEPRINTS:
        app.register_blueprint(module.bp)
    return app
