"""The portal's own words in the reader's language: gettext catalogs, read by Babel, chosen by the locale of the request."""

from __future__ import annotations

import gettext as stdlib
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import Flask, abort, has_request_context, request
from flask.globals import request_ctx
from markupsafe import Markup
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from app.locales import direction, own_name
from app.web import context

FOLDER = Path(__file__).parent.parent / "translations"


def N_(text: str) -> str:
    """Mark a text for translation that is translated later, where it is shown."""
    return text


@lru_cache(maxsize=32)
def translations(locale: str) -> stdlib.NullTranslations:
    """The catalog of a locale, else of its language; English texts are their own keys and need none."""
    for tag in (locale.replace("-", "_"), locale.split("-")[0]):
        source = FOLDER / tag / "LC_MESSAGES" / "messages.po"
        if source.is_file():
            return _compiled(source, tag)
    return stdlib.NullTranslations()


def _compiled(source: Path, tag: str) -> stdlib.GNUTranslations:
    compiled = BytesIO()
    with source.open("rb") as file:
        write_mo(compiled, read_po(file, locale=tag))
    compiled.seek(0)
    return stdlib.GNUTranslations(compiled)


def current_locale() -> str:
    """The locale that texts are shown in now; English outside a request."""
    return context.locale() if has_request_context() else "en"


def gettext(text: str, locale: str | None = None, **values: Any) -> str:
    """The text in the reader's language, with `%(name)s` filled in."""
    found = translations(locale or current_locale()).gettext(text)
    return found % values if values else found


def ngettext(singular: str, plural: str, num: int, locale: str | None = None, **values: Any) -> str:
    """The form of the text that goes with a number, by the plural rules of the reader's language; `%(num)s` is the number."""
    found = translations(locale or current_locale()).ngettext(singular, plural, num)
    return found % {"num": num, **values}


_ = gettext


def gettext_html(text: str, **values: Any) -> Markup:
    """As `gettext`, with somebody's words in it, or with markup of ours: the values are escaped, the text is not.

    Each value is isolated (`bdi`): in another direction it would pull the sentence's punctuation along.
    """
    safe = {name: value if hasattr(value, "__html__") else Markup("<bdi>%s</bdi>") % value for name, value in values.items()}
    return Markup(translations(current_locale()).gettext(text) % safe)  # noqa: S704 - the text is ours, the values are escaped  # nosec B704


def quoted(words: str) -> Markup:
    """Somebody's words or a title between the quotation marks of the reader's language."""
    return gettext_html("“%(words)s”", words=words)


def init(app: Flask) -> None:
    """Give templates `_`, `ngettext`, `{% trans %}`, `gettext_html` and the facts of the locale."""
    env = app.jinja_env
    env.add_extension("jinja2.ext.i18n")
    env.install_gettext_callables(  # type: ignore[attr-defined]
        lambda text: translations(current_locale()).gettext(text),
        lambda one, many, num: translations(current_locale()).ngettext(one, many, num),
        newstyle=True,
    )
    env.globals.update(own_name=own_name, direction_of=direction, gettext_html=gettext_html, quoted=quoted)
    app.context_processor(_facts)
    app.url_value_preprocessor(_check_locale)
    app.before_request(_check_redirect)


def _check_locale(endpoint: str | None, values: dict[str, Any] | None) -> None:
    """An address under a locale that is not on offer is not here, whatever view it would lead to."""
    if values and "locale" in values and values["locale"] not in context.portal().settings.locales:
        abort(404)


def _check_redirect() -> None:
    """`/nope` is not here, rather than redirected to `/nope/` which is not here either: no locale is called that."""
    if not isinstance(request.routing_exception, RequestRedirect) or request_ctx.url_adapter is None:
        return
    try:
        endpoint, values = request_ctx.url_adapter.match(f"{request.path}/")
    except HTTPException:
        return
    _check_locale(endpoint, dict(values))


def _facts() -> dict[str, Any]:
    locale = current_locale()
    return {"locale": locale, "direction": direction(locale)}
