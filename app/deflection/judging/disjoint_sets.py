"""Which names belong together, when all that is known are pairs (union–find; Tarjan 1975, with path halving)."""

from __future__ import annotations


class DisjointSets:
    """Names that were joined, directly or in a chain, have one root; a name that was never joined is its own."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}

    def root(self, name: str) -> str:
        """The name that stands for all that belong to this one."""
        parent = self._parent
        parent.setdefault(name, name)
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    def join(self, a: str, b: str) -> None:
        """What belongs to the one belongs to the other from now on."""
        self._parent[self.root(a)] = self.root(b)
