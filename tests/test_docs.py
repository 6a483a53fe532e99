"""What we promise in writing is compared with the code."""

from __future__ import annotations

import re
from pathlib import Path

from app.cli import COMMANDS
from app.config import PREFIX, option_fields

ROOT = Path(__file__).parents[1]
OPERATING = (ROOT / "docs/operating.md").read_text()
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_every_setting_stands_in_the_operating_manual_with_its_meaning_and_nothing_else_does() -> None:
    table = dict(re.findall(r"^\| `(HYLLA_[A-Z_]+)` \| .*? \| (.+?) \|$", OPERATING, re.M))
    assert table == {PREFIX + spec.name.upper(): spec.metadata["help"] for spec in option_fields()}


def test_every_command_stands_in_the_operating_manual_and_nothing_else_does() -> None:
    assert set(re.findall(r"^\| `flask kb ([a-z]+)` \|", OPERATING, re.M)) == set(COMMANDS)


def test_settings_named_anywhere_exist() -> None:
    known = {PREFIX + spec.name.upper() for spec in option_fields()}
    for path in [*DOCUMENTS, ROOT / ".env.example"]:
        named = set(re.findall(r"HYLLA_[A-Z][A-Z_]+[A-Z]", path.read_text()))
        assert named <= known, f"{path.name} names {named - known}"


def test_links_between_documents_lead_somewhere() -> None:
    for path in DOCUMENTS:
        for target in re.findall(
            r"\]\((?!https?:|mailto:|#|\.\./)([^)#]+)", re.sub(r"```.*?```|`[^`]*`", "", path.read_text(), flags=re.S)
        ):
            assert (path.parent / target).exists(), f"{path.name} links to {target}, which is not there"


def test_every_direct_dependency_has_its_line() -> None:
    lines = (ROOT / "requirements.in").read_text().splitlines()
    names = {re.split(r"[\[=<>]", line)[0].lower() for line in lines if line and not line.startswith("#")}
    documented = {
        name.strip().lower()
        for row in re.findall(r"^\| ([^|]+) \|", (ROOT / "docs/dependencies.md").read_text(), re.M)
        for name in row.split(",")
    }
    assert names <= documented, f"docs/dependencies.md lacks {sorted(names - documented)}"


def test_every_pinned_requirement_carries_hashes() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        blocks = re.split(r"\n(?=[A-Za-z0-9])", (ROOT / name).read_text())
        assert all("==" in block and "--hash=sha256:" in block for block in blocks if block.strip() and not block.startswith("#"))
