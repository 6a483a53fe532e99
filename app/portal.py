"""What is open while the portal runs: settings, database, content, search engine, event queue, connectors. No business in here."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass, replace
from pathlib import Path

from app.config import Settings
from app.content import ArticleRepository, Catalog, CurrentCatalog
from app.db import WORK_WAITS, Database, Waits, open_database
from app.deflection import EventQueue
from app.errors import KnowledgeBaseError
from app.search import SearchEngine, open_engine, read_learned, search_context
from app.tickets import Connector, open_connectors


@dataclass
class Portal:
    """Everything a request or a command may need, opened once a process."""

    settings: Settings
    database: Database
    articles: ArticleRepository
    current: CurrentCatalog
    engine: SearchEngine
    events: EventQueue
    connectors: dict[str, Connector]

    def close(self) -> None:
        """Flush what is queued and give everything back."""
        self.events.close()
        self.engine.close()
        self.database.close()


def open_portal(settings: Settings, database_waits: Waits = WORK_WAITS, waits_for_words: bool = True) -> Portal:
    """Open the portal that the settings describe. What is down shows later, in /readyz and on pages, not here.

    `waits_for_words`: whether slips wait for dictionaries that are still being made. Commands and tests do, so that they always say the same;
    people who search do not.
    """
    settings = with_secret_key(settings)
    database = open_database(settings.resolved_database_url, database_waits)
    engine = open_engine(settings.path(settings.index_folder), waits_for_words=waits_for_words)

    def on_change(catalog: Catalog, generation: str) -> None:
        learned = read_learned(settings.path(settings.index_folder)) if settings.learned_phrases else ()
        try:
            engine.open(generation, catalog.revision, search_context(catalog, learned))
        except KnowledgeBaseError:
            # The articles are fine and are served; searching says that it is down, here and in /readyz.
            pass

    return Portal(
        settings=settings,
        database=database,
        articles=ArticleRepository.of(settings),
        current=CurrentCatalog(settings.path(settings.index_folder), settings.path(settings.data_folder), on_change=on_change),
        engine=engine,
        events=EventQueue(database),
        connectors=open_connectors(settings),
    )


def with_secret_key(settings: Settings) -> Settings:
    """The settings with a secret key: the one given, or the one kept in the data folder, made on first use."""
    if settings.secret_key:
        return settings
    path = settings.path(settings.data_folder) / "secret_key"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)  # requests and addresses lie here: nobody else on the machine reads them
    if not path.exists():
        _write_once(path, secrets.token_hex(32))
    return replace(settings, secret_key=path.read_text().strip())


def _write_once(path: Path, text: str) -> None:
    """Write a private file that only one of several starting processes may win."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(text)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass  # another process was first; its key counts
    finally:
        draft.unlink()
