"""The walls of the house: imports only go down, rooms are entered by the front door, and no room below the doors knows Flask."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

APP = Path(__file__).parents[1] / "app"
FLOORS: list[set[str]] = [
    {"config", "errors", "locales", "db"},
    {"content", "accounts", "tickets", "deflection"},
    {"search"},
    {"portal", "journeys", "publishing"},
    {"web", "cli", "migrations"},
]
ROOMS = {"content", "accounts", "tickets", "deflection", "search"}
SEARCH_MAY_ENTER = {"content"}


def floor_of(name: str) -> int:
    return next(i for i, floor in enumerate(FLOORS) if name in floor)


def imports() -> list[tuple[str, str]]:
    """Every import of something in `app` by a module of `app`, also inside functions: (who, what)."""
    found = []
    for path in sorted(APP.rglob("*.py")):
        who = ".".join(("app", *path.relative_to(APP).with_suffix("").parts)).removesuffix(".__init__")
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found += [(who, alias.name) for alias in node.names if alias.name.startswith("app.")]
            elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("app") and not node.level:
                found += [(who, f"{node.module}.{alias.name}") for alias in node.names]
    return found


def place(dotted: str) -> str:
    return dotted.split(".")[1] if "." in dotted else ""


CROSSINGS = [(who, what) for who, what in imports() if place(who) and place(who) != place(what) and place(what)]


def as_sentence(pair: tuple[str, str]) -> str:
    return f"{pair[0]} imports {pair[1]}"


def test_every_module_stands_on_a_floor() -> None:
    names = {
        p.stem if p.is_file() else p.name for p in APP.iterdir() if p.name not in {"__init__.py", "__pycache__", "static", "translations"}
    }
    assert names == set().union(*FLOORS)


@pytest.mark.parametrize("pair", CROSSINGS, ids=as_sentence)
def test_imports_go_down(pair: tuple[str, str]) -> None:
    who, what = place(pair[0]), place(pair[1])
    lower = floor_of(what) < floor_of(who)
    same_ground = floor_of(what) == floor_of(who) and floor_of(who) in (0, 4)
    assert lower or same_ground, "imports go down, never up or sideways between rooms"
    if who == "search":
        assert what in SEARCH_MAY_ENTER or floor_of(what) == 0, "search knows content and the ground, nothing else"


@pytest.mark.parametrize("pair", [c for c in CROSSINGS if place(c[1]) in ROOMS], ids=as_sentence)
def test_rooms_are_entered_by_the_front_door(pair: tuple[str, str]) -> None:
    beyond = pair[1].split(".")[2:]
    assert len(beyond) <= 1, f"import from app.{place(pair[1])}, not from a module inside it"
    if beyond:
        inside = APP / place(pair[1]) / beyond[0]
        assert (
            not (inside.is_dir() or inside.with_suffix(".py").exists()) or beyond[0] in (APP / place(pair[1]) / "__init__.py").read_text()
        ), f"{beyond[0]} is a module, not a name at the door"


@pytest.mark.parametrize("name", sorted(set().union(*FLOORS[:4])))
def test_nothing_below_the_doors_needs_flask(name: str) -> None:
    code = f"import app.{name}, sys; sys.exit('flask' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=APP.parent, check=False).returncode == 0
