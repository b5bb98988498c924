"""The tables of field names in docs/venues.md, made from the catalogues."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from marginwatch.core.fields import COMMON_UNITS
from marginwatch.venues.registry import venue_kinds

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from marginwatch.core.fields import Catalogue, Field

TITLES = {"architect": "Architect", "stonex": "StoneX Clearing", "helio": "Helio"}


def tables() -> dict[str, str]:
    """The text of every table by the name it has in the page."""
    catalogues = {kind: venue_kinds()[kind].catalogue for kind in TITLES}
    found = {"common": "\n".join(_common(catalogues.values()))}
    for kind, catalogue in catalogues.items():
        found[kind] = "\n".join(_fields(catalogue))
        names = ", ".join(f"`{name}`" for name in catalogue.positions)
        found[f"{kind}-positions"] = textwrap.fill(names, 118, break_long_words=False, break_on_hyphens=False)
    return found


def _common(catalogues: Iterable[Catalogue]) -> Iterator[str]:
    found = list(catalogues)
    yield "| name | unit | " + " | ".join(TITLES[catalogue.kind] for catalogue in found) + " |"
    yield "|---" * (2 + len(found)) + "|"
    for name, unit in COMMON_UNITS.items():
        cells = [_has(catalogue, name) for catalogue in found]
        yield f"| `{name}` | {unit.value} | " + " | ".join(cells) + " |"


def _has(catalogue: Catalogue, name: str) -> str:
    if name in catalogue.defined:
        return f"`{catalogue.defined[name].path}`"
    return "yes" if catalogue.get(name) else "no"


def _fields(catalogue: Catalogue) -> Iterator[str]:
    """One line for what is read from one place, whatever its names."""
    yield "| name | unit | read from | is |"
    yield "|---|---|---|---|"
    lines: dict[tuple[str, str], list[Field]] = {}
    for field in catalogue:
        lines.setdefault((field.path, field.unit.value), []).append(field)
    for (path, unit), fields in lines.items():
        names = ", ".join(f"`{field.name}`" for field in fields)
        yield f"| {names} | {unit} | `{path}` | {fields[0].meaning} |"
