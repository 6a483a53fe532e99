"""How the API describes itself: one document, made from the schemas that check requests and shape answers, and one form of errors."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from http import HTTPStatus
from types import NoneType
from typing import Any, NoReturn, TypeVar, get_args, get_origin, get_type_hints

from flask import Flask, abort
from flask_smorest import Api, Blueprint
from flask_smorest.utils import prepare_response
from webargs.flaskparser import FlaskParser

from app.errors import Forbidden, Invalid
from app.web.access import has_scope
from app.web.api import api_schemas as schemas

View = TypeVar("View", bound=Callable[..., Any])


class InvalidRequest(Invalid):
    """Parameters or body do not fit the schema; `errors` names each field."""


class Parser(FlaskParser):
    """Says what is wrong in our own form of errors, and survives JSON that is nested to hurt."""

    DEFAULT_UNKNOWN_BY_LOCATION: dict[str, str | None] = {"query": None, "headers": None, "json": None}  # noqa: RUF012  # webargs' own type

    def handle_error(self, error: Any, req: Any, schema: Any, *, error_status_code: Any, error_headers: Any) -> NoReturn:
        """Every field that is wrong, at once."""
        raise InvalidRequest("The request does not fit the description at /api/v1/openapi.json.", _flat(error.messages))

    def _raw_load_json(self, req: Any) -> Any:
        try:
            return super()._raw_load_json(req)
        except RecursionError:
            abort(400, "This JSON is nested too deeply.")
        except ValueError as error:
            if isinstance(error, UnicodeDecodeError | json.JSONDecodeError):
                raise
            abort(400, "A number in this JSON has too many digits.")  # Python converts no more than 4,300


class ApiBlueprint(Blueprint):
    """Routes of the API; each says how it may fail, besides what every one may answer."""

    ARGUMENTS_PARSER = Parser()

    def may_fail(self, *statuses: int) -> Callable[[View], View]:
        """Describe which problems a view may answer with, besides those that every view may."""

        def decorate(view: View) -> View:
            for status in sorted({400, 401, 403, 413, 429, 503, *statuses}):
                view = self.alt_response(status, HTTPStatus(status).name)(view)
            return view

        return decorate


class DescribedApi(Api):
    """flask-smorest for the description; errors stay in the hands of error_pages, as problem documents."""

    ERROR_SCHEMA = schemas.Problem
    DEFAULT_ERROR_RESPONSE_NAME = None  # every status is described by name, so that one that is not is found by the tests

    def _register_error_handlers(self) -> None:
        pass

    def _register_responses(self) -> None:
        for status in HTTPStatus:
            response: dict[str, Any] = {"description": status.phrase}
            if status >= 400:
                response["schema"] = self.ERROR_SCHEMA
            prepare_response(response, self.spec, "application/problem+json")
            self.spec.components.response(status.name, response, lazy=True)


def register(app: Flask, blueprints: Iterable[ApiBlueprint]) -> None:
    """Everything under /api/v1, and the document that describes all of it."""
    app.config.update(
        API_TITLE="Hylla",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/api/v1",
        OPENAPI_JSON_PATH="openapi.json",
        API_SPEC_OPTIONS={
            "info": {"description": "Search, read and ask for help. Errors are problem documents (RFC 9457)."},
            # A caller without a token sees what a visitor sees, hence the empty alternative.
            "security": [{}, {"token": []}],
        },
    )
    api = DescribedApi(app)
    api.spec.components.security_scheme("token", {"type": "http", "scheme": "bearer", "description": "Made with `flask kb token add`."})
    for blueprint in blueprints:
        api.register_blueprint(blueprint)


def needs_scope(scope: str) -> None:
    """Refuse a program whose token was not made for this."""
    if not has_scope(scope):
        raise Forbidden(f"This token lacks the scope “{scope}”.")


def _flat(messages: Any) -> dict[str, str]:
    """webargs' messages (by place, then nested by field) as field → sentence; the place (`json`, `query`) says nothing to the caller."""
    found: dict[str, str] = {}
    for inner in messages.values() if isinstance(messages, Mapping) else [messages]:
        found |= _named(inner, "")
    return found


def _named(messages: Any, path: str) -> dict[str, str]:
    if isinstance(messages, Mapping):
        found: dict[str, str] = {}
        for name, inner in messages.items():
            found |= _named(inner, path if name == "_schema" else f"{path}.{name}".lstrip("."))
        return found
    return {path or "body": "; ".join(map(str, messages)) if isinstance(messages, list) else str(messages)}


_JSON_TYPES = {str: "string", int: "integer", bool: "boolean"}


def schema_of(kind: Any, instead: Mapping[Any, dict[str, Any]]) -> dict[str, Any]:
    """The JSON Schema of a value that a room gives, from its type: what is said of an answer cannot drift from the answer."""
    if kind in instead:
        return instead[kind]
    inner = get_args(kind)
    if NoneType in inner:
        return {"anyOf": [*(schema_of(one, instead) for one in inner if one is not NoneType), {"type": "null"}]}
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        return object_of({f.name: schema_of(hints[f.name], instead) for f in fields(kind)})
    if get_origin(kind) is tuple and inner[-1] is Ellipsis:
        return {"type": "array", "items": schema_of(inner[0], instead)}
    if get_origin(kind) is tuple:
        # Not by position (`prefixItems`), which programs that read such documents take for an error.
        either = {"anyOf": [schema_of(one, instead) for one in inner]}
        return {"type": "array", "items": either, "minItems": len(inner), "maxItems": len(inner)}
    return {"type": _JSON_TYPES[kind]}


def object_of(properties: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The JSON Schema of an object that has these properties, always, and no others."""
    return {"type": "object", "properties": properties, "required": [*properties], "additionalProperties": False}
