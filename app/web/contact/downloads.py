"""Handing out a file that somebody sent: never shown in the page, always as a download, under its own name."""

from __future__ import annotations

from flask import Response, send_file

from app.tickets import AttachmentNotFound, StoredFile
from app.web.contact.contact_form import attachments_folder


def download(stored: StoredFile) -> Response:
    """Hand out a stored file: never shown in the page, never guessed at, under its own name (RFC 6266)."""
    path = attachments_folder() / stored.id
    if not path.is_file():
        raise AttachmentNotFound("this file is no longer kept")
    response = send_file(path, mimetype=stored.media_type, as_attachment=True, download_name=stored.name, etag=False, conditional=False)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "no-store"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response
