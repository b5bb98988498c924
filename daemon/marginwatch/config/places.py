"""Where each setting was written: in the config file, or in a variable of the environment."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from marginwatch.config.environment import variable
from marginwatch.errors import Place

if TYPE_CHECKING:
    from collections.abc import Mapping

    from marginwatch.config.document import Node

Loc: TypeAlias = "tuple[str | int, ...]"
"""The way to a value in the config: `("venues", 0, "every")`."""


class Places:
    """Finds the place of a setting, or of the nearest table around it that was written."""

    def __init__(self, root: Node, overridden: Mapping[str, Mapping[str, object]]) -> None:
        self._root = root
        self._overridden = overridden

    def value(self, loc: Loc) -> Place:
        """Where the value stands."""
        return self._variable(loc) or self._node(loc).place

    def key(self, loc: Loc) -> Place:
        """Where the key stands."""
        return self._variable(loc) or self._node(loc).key_place

    def within(self, loc: Loc, offset: int, length: int) -> Place:
        """Where a part of a text stands."""
        return self._variable(loc) or self._node(loc).place_within(offset, length)

    def label(self, loc: Loc) -> str:
        """What a person calls the table: `[web]`, `venue fx`, `the config`."""
        if not loc:
            return "the config"
        if len(loc) == 1:
            return f"[{loc[0]}]"
        kind, number = str(loc[0]).removesuffix("s"), loc[1]
        name = self._node((*loc[:2], "name")).value
        table = f"{kind} {name}" if isinstance(name, str) else f"{kind} number {int(number) + 1}"
        inner = ".".join(step for step in loc[2:] if isinstance(step, str))
        return f"`{inner}` of {table}" if inner else table

    def _variable(self, loc: Loc) -> Place | None:
        table, key = (str(loc[0]), loc[1]) if len(loc) > 1 else ("", "")
        if isinstance(key, str) and key in self._overridden.get(table, {}):
            return Place(f"${variable(table, key)}")
        return None

    def _node(self, loc: Loc) -> Node:
        node = self._root
        for step in loc:
            inner = _child(node, step)
            if inner is None:
                break
            node = inner
        return node


def _child(node: Node, step: str | int) -> Node | None:
    if isinstance(step, str):
        return node.value.get(step) if isinstance(node.value, dict) else None
    return node.value[step] if isinstance(node.value, tuple) and step < len(node.value) else None
