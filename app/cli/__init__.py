"""`flask kb …`: each command reads its input, calls one function, says what it did in a line, and is safe to run twice.

Commands are imported only when they are called: `publish` must be live within a second and cannot wait for the web's imports.
"""

from __future__ import annotations

import gc
import importlib
from types import ModuleType

import click
from flask import Flask
from flask.cli import AppGroup

COMMANDS = {
    "publish": "content",
    "check": "content",
    "reindex": "content",
    "search": "searching",
    "replay": "searching",
    "user": "people",
    "token": "people",
    "privacy": "privacy",
    "events": "measuring",
    "outcomes": "measuring",
    "rates": "measuring",
    "tickets": "measuring",
    "work": "running",
    "serve": "running",
    "settings": "running",
    "database": "running",
}
"""Which module of this folder holds which command."""


def imported(name: str) -> ModuleType:
    """A module, without looking for garbage while it is imported: what imports make stays, and looking takes a third of a start.

    Nor is it looked through later, so that forked processes go on sharing its memory.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        return importlib.import_module(name)
    finally:
        gc.freeze()
        if collecting:
            gc.enable()


class LazyGroup(AppGroup):
    """A group that imports a command's module when the command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = getattr(imported(f"app.cli.{COMMANDS[cmd_name]}"), cmd_name)
        assert isinstance(command, click.Command)
        return command


kb = LazyGroup("kb", help="Everything the knowledge base does from the terminal.")


def commands_app() -> Flask:
    """An application that has the commands and nothing else: no page, no import of what pages need."""
    app = Flask("app")
    app.cli.add_command(kb)
    return app
