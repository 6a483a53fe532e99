"""The stylesheet, scripts, fonts and icons: built once into files named by their content, served with compression and for ever.

`python -m app.web.assets` builds; the web application builds by itself when what is there does not fit the sources. The manifest is
named by a digest of the sources, so that two processes with different themes do not disturb each other.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import mimetypes
import os
import re
import sys
import time
from functools import lru_cache
from pathlib import Path
from typing import Any

import brotli
import lightningcss
import rjsmin
from flask import Blueprint, Flask, Response, current_app, request, send_from_directory
from markupsafe import Markup
from werkzeug.exceptions import NotFound

from app.config import Settings
from app.web.brand import Brand, load_brand, stylesheet_head

STATIC = Path(__file__).parent.parent / "static"
DIST = STATIC / "dist"
BROWSERS = ["chrome >= 99", "safari >= 15.4", "firefox >= 97"]
KEEP_SECONDS = 30 * 24 * 3600
"""Old files stay this long, for pages that are still open or cached."""

bp = Blueprint("assets", __name__)


def digest_of(brand_file: Path, brand: Brand) -> str:
    """One name for everything the built files depend on."""
    seen = hashlib.sha256()
    for path in (
        *sorted(STATIC.glob("css/*.css")),
        *sorted(STATIC.glob("js/*.js")),
        brand_file,
        brand.icon,
        Path(__file__),
        Path(__file__).with_name("brand.py"),
        *(font.file for font in brand.fonts),
        *([brand.stylesheet] if brand.stylesheet else []),
    ):
        seen.update(path.name.encode() + b"\0" + path.read_bytes())
    return seen.hexdigest()[:16]


def build(brand_file: Path, out: Path = DIST) -> dict[str, str]:
    """Build what is missing and return the manifest: name → name with its content's hash."""
    brand = load_brand(brand_file)
    manifest_path = out / f"manifest-{digest_of(brand_file, brand)}.json"
    if manifest_path.is_file():
        manifest: dict[str, str] = json.loads(manifest_path.read_text())
        if all((out / name).is_file() for name in manifest.values()):
            return manifest
    out.mkdir(parents=True, exist_ok=True)
    manifest = {}
    addresses = {}
    for font in brand.fonts:
        name = _write(out, font.file.name, font.file.read_bytes())
        manifest[font.file.name] = name
        addresses[font.file] = f"/static/{name}"
    manifest["icon.svg"] = _write(out, "icon.svg", brand.icon.read_bytes())
    manifest["help.css"] = _write(out, "help.css", _stylesheet(brand, addresses).encode())
    for source in sorted(STATIC.glob("js/*.js")):
        manifest[source.name] = _write(out, source.name, rjsmin.jsmin(source.read_text(encoding="utf-8")).encode())
    _replace(manifest_path, json.dumps(manifest, indent=1).encode())
    _clean(out)
    return manifest


def _stylesheet(brand: Brand, addresses: dict[Path, str]) -> str:
    parts = [path.read_text(encoding="utf-8") for path in sorted(STATIC.glob("css/*.css"))]
    own = f"@layer brand {{ {brand.stylesheet.read_text(encoding='utf-8')} }}" if brand.stylesheet else ""
    css = "\n".join([*parts, stylesheet_head(brand, addresses), own])
    made = lightningcss.process_stylesheet(css, filename="help.css", browsers_list=BROWSERS, minify=True)
    # `color-scheme` makes it declare variables for the function light-dark(), which we do not use.
    return re.sub(r"--lightningcss-(?:light|dark):(?:initial| );?", "", made).replace(":root{}", "")


def _write(out: Path, name: str, data: bytes) -> str:
    """Write a file under a name with its hash, and its compressed forms where they help."""
    stem, _, suffix = name.rpartition(".")
    hashed = f"{stem}.{hashlib.sha256(data).hexdigest()[:10]}.{suffix}"
    if not (out / hashed).is_file():
        if suffix != "woff2":  # a font is compressed already
            _replace(out / f"{hashed}.gz", gzip.compress(data, 9, mtime=0))
            _replace(out / f"{hashed}.br", brotli.compress(data, quality=11))
        _replace(out / hashed, data)
    return hashed


def _replace(path: Path, data: bytes) -> None:
    # Several workers may build at once: each writes its own draft, the last rename wins with the same content.
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_bytes(data)
    draft.replace(path)


def _clean(out: Path) -> None:
    """Remove files of builds that nobody can still be using."""
    kept = {name for manifest in out.glob("manifest-*.json") if _is_young(manifest) for name in json.loads(manifest.read_text()).values()}
    for path in out.iterdir():
        if not _is_young(path) and re.sub(r"\.(gz|br)$", "", path.name) not in kept:
            path.unlink(missing_ok=True)


def _is_young(path: Path) -> bool:
    return time.time() - path.stat().st_mtime < KEEP_SECONDS


@bp.get("/static/<path:name>")
def static(name: str) -> Response:
    """A built file; its name changes with its content, so browsers may keep it for ever."""
    if "/" in name or name.startswith((".", "manifest")):
        raise NotFound
    for coding, suffix in (("br", ".br"), ("gzip", ".gz")):
        if coding in request.accept_encodings and (DIST / (name + suffix)).is_file():
            response = send_from_directory(DIST, name + suffix, mimetype=_type(name), etag=False, conditional=False)
            response.headers["Content-Encoding"] = coding
            break
    else:
        response = send_from_directory(DIST, name, mimetype=_type(name), etag=False, conditional=False)
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    response.headers["Vary"] = "Accept-Encoding"
    return response


def _type(name: str) -> str:
    return "font/woff2" if name.endswith(".woff2") else mimetypes.guess_type(name)[0] or "application/octet-stream"


@bp.get("/favicon.ico")
def favicon() -> Response:
    """Browsers ask for this whatever the page says."""
    response = static(current_app.extensions["assets"]["icon.svg"])
    response.headers["Cache-Control"] = "public, max-age=86400"
    return response


def asset(name: str) -> str:
    """The address of a built file: `asset('help.css')`."""
    return f"/static/{current_manifest()[name]}"


def current_manifest() -> dict[str, str]:
    """Name → built name of every asset, built anew while somebody edits them."""
    settings: Settings = current_app.extensions["portal"].settings
    if settings.content_worktree:  # someone is writing: follow their edits of stylesheets and scripts too
        stamp = max(path.stat().st_mtime_ns for path in (*STATIC.glob("css/*.css"), *STATIC.glob("js/*.js")))
        if stamp != current_app.extensions.get("assets_stamp"):
            current_app.extensions["assets"] = build(settings.path(settings.brand_file))
            current_app.extensions["assets_stamp"] = stamp
    return current_app.extensions["assets"]  # type: ignore[no-any-return]


@lru_cache(maxsize=1)
def _icons() -> dict[str, str]:
    return json.loads((STATIC / "icons" / "icons.json").read_text())  # type: ignore[no-any-return]


@lru_cache(maxsize=512)
def icon(name: str, cls: str = "") -> Markup:
    """A Lucide icon, inline and silent to screen readers: words always stand beside it."""
    if name not in _icons():
        raise LookupError(f"there is no icon “{name}” in app/static/icons/icons.json")
    classes = f"icon {cls}".strip()
    return Markup(  # noqa: S704 - the drawings are files of ours, the class is a template's  # nosec B704
        f'<svg class="{classes}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-linecap="round" '
        f'stroke-linejoin="round" aria-hidden="true">{_icons()[name]}</svg>'
    )


def has_icon(name: str) -> bool:
    """Whether there is such an icon; names in site.yml are a writer's."""
    return name in _icons()


def fonts_for(locale: str) -> list[str]:
    """Addresses of the font files that the first view in a locale needs."""
    brand: Brand = current_app.extensions["brand"]
    return [asset(font.file.name) for font in brand.fonts if locale in font.locales or locale.split("-")[0] in font.locales]


def init(app: Flask) -> None:
    """Build what is stale, and give templates `asset`, `icon` and `fonts_for`."""
    settings: Settings = app.extensions["portal"].settings
    app.extensions["assets"] = build(settings.path(settings.brand_file))
    app.register_blueprint(bp)
    app.jinja_env.globals.update(asset=asset, icon=icon, has_icon=has_icon, fonts_for=fonts_for)


def main(arguments: list[str]) -> int:
    """Build for the theme file named, or for brand.toml."""
    brand_file = Path(arguments[0] if arguments else "brand.toml").resolve()
    manifest: dict[str, Any] = build(brand_file)
    print(f"{len(manifest)} assets in {DIST.relative_to(Path.cwd()) if DIST.is_relative_to(Path.cwd()) else DIST}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
