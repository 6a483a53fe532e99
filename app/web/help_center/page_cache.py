"""Anonymous pages, kept as they were rendered: the same bytes for everybody who sends the same address, until something changes.

Nothing personal is on such a page (no cookie, no token), so a page is known by its address, the locale, the content's revision, the
day, the notices that are running and those a browser has put away, the waiting time that it tells, and whether the reader is still
asked about the visitor cookie. The name of all that is the ETag: it is known before rendering.
"""

from __future__ import annotations

import gzip
import hashlib
from collections import OrderedDict
from functools import lru_cache
from pathlib import Path
from threading import Lock
from urllib.parse import urlencode

import brotli
from flask import Flask, Response, current_app, g, request

from app.errors import Unavailable
from app.web import context
from app.web.access import session_token
from app.web.assets import current_manifest
from app.web.contact.waiting import waiting_now
from app.web.frame import hidden_notices
from app.web.visitors.visitors import asks_consent

ENDPOINTS: dict[str, tuple[str, ...]] = {
    "help_center.home": (),
    "help_center.browse": (),
    "help_center.category": (),
    "help_center.article": (),
    "help_center.article_history": (),
}
"""Cached views, and the parameters that make a difference to them. All others (`s`, `r`, `t`, …) are for the script alone."""

SHOW_CHANNELS = {"help_center.home", "help_center.category"}
"""Cached views that say how long a request waits now."""

PROJECT = Path(__file__).resolve().parents[3]

CAPACITY = 32 * 1024 * 1024
"""Bytes of pages kept in memory by one process, as they travel: about 5,000 compressed ones."""
POLICY = "public, max-age=0, s-maxage=60, must-revalidate"


class PageCache:
    """Rendered pages by name, the least recently used leaving first; safe for many threads."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self.capacity = capacity
        self.size = 0
        self.hits = 0
        self.misses = 0
        self._pages: OrderedDict[str, dict[str, bytes]] = OrderedDict()
        self._lock = Lock()

    def get(self, name: str, coding: str = "") -> bytes | None:
        """The page in this coding, if it is kept."""
        with self._lock:
            page = self._pages.get(name, {}).get(coding)
            if page is None:
                self.misses += 1
                return None
            self._pages.move_to_end(name)
            self.hits += 1
            return page

    def put(self, name: str, body: bytes, coding: str = "") -> None:
        """Keep a page in one coding; one too large for the cache is not kept."""
        if len(body) > self.capacity // 8:
            return
        with self._lock:
            page = self._pages.setdefault(name, {})
            self.size += len(body) - len(page.get(coding, b""))
            page[coding] = body
            self._pages.move_to_end(name)
            while self.size > self.capacity:
                _name, gone = self._pages.popitem(last=False)
                self.size -= sum(map(len, gone.values()))

    def __len__(self) -> int:
        return len(self._pages)


def init(app: Flask) -> None:
    """Answer from the cache before a view runs, and fill it after one did."""
    app.extensions["page_cache"] = PageCache()
    app.before_request(_answer)
    app.after_request(_keep)


def is_cacheable() -> bool:
    """Whether this request asks for a page that is the same for everybody who asks for it like this."""
    return (
        request.method in {"GET", "HEAD"}
        and request.endpoint in ENDPOINTS
        and not session_token()
        and current_app.config["SESSION_COOKIE_NAME"] not in request.cookies
    )


def _answer() -> Response | None:
    if not is_cacheable():
        return None
    try:
        name = page_name()
    except Unavailable:
        return None  # the view says it in its own way
    g.page_name = name
    coding = _coding()
    etag = f"{name}-{coding or 'plain'}"
    if request.if_none_match.contains_weak(etag):
        return _with_headers(Response(status=304), etag)
    body = _cache().get(name, coding)
    if body is None:
        return None
    g.from_cache = True
    return _with_headers(_coded(body, coding), etag)


def page_name() -> str:
    """What tells this page from every other: a digest of all it depends on."""
    catalog = context.catalog()
    known = ENDPOINTS[request.endpoint or ""]
    parts = (
        request.path,
        urlencode([(k, v) for k in known for v in request.args.getlist(k)]),
        context.locale(),
        catalog.revision,
        context.today().isoformat(),
        ",".join(_running_notices()),
        ",".join(sorted(hidden_notices())),
        "asks" if asks_consent() else "",
        waiting_now() if request.endpoint in SHOW_CHANNELS else "",
        _build(),
    )
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]


def _running_notices() -> list[str]:
    """Ids of all notices that run at this minute, whatever page they are for."""
    catalog, now = context.catalog(), context.now()
    found = {n.id for n in catalog.notices(now)}
    for category in catalog.site.categories:
        found |= {n.id for n in catalog.notices(now, category.slug)}
    return sorted(found)


def _build() -> str:
    """Changes with stylesheet and scripts, which pages name, and with the program and templates, which make them."""
    return "".join([current_app.extensions["brand"].name, *sorted(current_manifest().values()), _program()])


@lru_cache(maxsize=1)
def _program() -> str:
    """A digest of what makes pages: after an upgrade, a page that a browser keeps is not the page it would get."""
    found = hashlib.sha256()
    for pattern in ("templates/**/*.html", "app/**/*.py", "app/**/*.po"):
        for path in sorted(PROJECT.glob(pattern)):
            found.update(path.read_bytes())
    return found.hexdigest()[:16]


def _keep(response: Response) -> Response:
    name = g.get("page_name")
    if name is None or g.get("from_cache") or response.status_code != 200 or "Set-Cookie" in response.headers:
        return response
    body = response.get_data()
    coding = _coding()
    if coding:
        body = compress(body, coding)
        response.set_data(body)
        response.headers["Content-Encoding"] = coding
    _cache().put(name, body, coding)
    return _with_headers(response, f"{name}-{coding or 'plain'}")


def _coding() -> str:
    accepted = request.accept_encodings
    return next((c for c in ("br", "gzip") if accepted[c] > 0 and c in {a for a, _q in accepted}), "")


def compress(body: bytes, coding: str) -> bytes:
    """A page as it travels; quality 5 is as small as gzip 9 and three times as fast."""
    return brotli.compress(body, quality=5) if coding == "br" else gzip.compress(body, 6, mtime=0)


def compressed(response: Response) -> Response:
    """A page that is not kept, as small as it travels; only for pages without secrets, whose size would tell what is in them."""
    coding = _coding()
    response.vary.add("Accept-Encoding")
    if coding:
        response.set_data(compress(response.get_data(), coding))
        response.headers["Content-Encoding"] = coding
    return response


def _coded(body: bytes, coding: str) -> Response:
    response = Response(body, mimetype="text/html")
    if coding:
        response.headers["Content-Encoding"] = coding
    return response


def _with_headers(response: Response, etag: str) -> Response:
    response.headers["Cache-Control"] = POLICY
    response.headers["Vary"] = "Accept-Encoding, Cookie"
    if context.portal().settings.visitor_consent:
        response.vary.update(["Sec-GPC", "DNT"])  # whoever asks not to be followed is not asked about the cookie
    response.set_etag(etag, weak=True)
    return response


def _cache() -> PageCache:
    return current_app.extensions["page_cache"]  # type: ignore[no-any-return]
