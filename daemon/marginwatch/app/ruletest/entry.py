"""The table of a test or of a step, whose keys take more shapes than those of a rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marginwatch.config.table import Table

if TYPE_CHECKING:
    from marginwatch.config.document import Node


class Entry(Table):
    """One table of a file of rule tests."""

    def item(self, key: str) -> Node | None:
        """Whatever stands there."""
        return self._items.get(key)

    def flag(self, key: str, *, default: bool = False) -> bool:
        """True or false."""
        item = self._items.get(key)
        if item is None or isinstance(item.value, bool):
            return default if item is None else bool(item.value)
        self.problem(item.place, f"`{key}` must be true or false, not {item.kind}")
        return default

    def words(self, key: str) -> tuple[Node, ...] | None:
        """One text or a list of texts, which may be empty; None when there is no such key."""
        item = self._items.get(key)
        if item is None:
            return None
        parts = item.value if isinstance(item.value, tuple) else (item,)
        for part in parts:
            if not isinstance(part.value, str):
                self.problem(part.place, f"`{key}` must be text or a list of texts, not {part.kind}")
        return tuple(part for part in parts if isinstance(part.value, str))
