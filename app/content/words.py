"""The few words that rendering itself puts into an article, in the article's language; English where we have none."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    callouts: dict[str, str]
    link_to: str
    """With `{}` for the heading's text."""
    table: str
    done: str
    to_do: str


def _words(note: str, tip: str, warning: str, danger: str, link_to: str, table: str, done: str, to_do: str) -> Words:
    return Words({"note": note, "tip": tip, "warning": warning, "danger": danger}, link_to, table, done, to_do)


_BY_LANGUAGE = {
    "en": _words("Note", "Tip", "Warning", "Danger", "Link to {}", "Table", "done", "to do"),
    "sv": _words("Obs", "Tips", "Varning", "Fara", "Länk till {}", "Tabell", "klart", "att göra"),
    "ru": _words("Примечание", "Совет", "Внимание", "Опасно", "Ссылка на раздел «{}»", "Таблица", "сделано", "предстоит"),
    "he": _words("הערה", "טיפ", "שימו לב", "סכנה", "קישור אל: {}", "טבלה", "בוצע", "לביצוע"),
    "de": _words("Hinweis", "Tipp", "Achtung", "Gefahr", "Link zu {}", "Tabelle", "erledigt", "offen"),
    "fr": _words("Remarque", "Conseil", "Attention", "Danger", "Lien vers {}", "Tableau", "fait", "à faire"),
    "es": _words("Nota", "Consejo", "Atención", "Peligro", "Enlace a {}", "Tabla", "hecho", "pendiente"),
    "it": _words("Nota", "Suggerimento", "Attenzione", "Pericolo", "Link a {}", "Tabella", "fatto", "da fare"),
    "pt": _words("Nota", "Dica", "Atenção", "Perigo", "Ligação para {}", "Tabela", "feito", "por fazer"),
    "nl": _words("Let op", "Tip", "Waarschuwing", "Gevaar", "Link naar {}", "Tabel", "gedaan", "te doen"),
}


def words_for(locale: str) -> Words:
    return _BY_LANGUAGE.get(locale.split("-")[0], _BY_LANGUAGE["en"])
