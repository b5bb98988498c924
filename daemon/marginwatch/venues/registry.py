"""The kinds of venue there are: built-in and third-party ones come through the same entry point group."""

from __future__ import annotations

import enum
import logging
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from importlib.metadata import EntryPoint

    from marginwatch.venues.protocol import VenueKind

log = logging.getLogger(__name__)

GROUP = "marginwatch.venues"
"""An entry point's name is the kind, its value an object that fits `VenueKind`."""

_NEEDED = ("kind", "settings", "catalogue", "sample", "connect")


class PluginState(enum.StrEnum):
    """What became of a plug-in."""

    READY = "ready"
    NOT_IMPORTED = "not imported"
    """Importing it failed."""
    UNFIT = "unfit"
    """It is no `VenueKind`, or calls itself otherwise than its entry point."""
    TWICE = "twice"
    """Another plug-in had registered the kind before."""


@dataclass(frozen=True, slots=True)
class Plugin:
    """One registered plug-in, in its state."""

    kind: str
    source: str
    """Where it comes from, `module:attribute`."""
    state: PluginState
    detail: str = ""
    loaded: VenueKind | None = None


def plugins(found: Iterable[EntryPoint] | None = None) -> tuple[Plugin, ...]:
    """Load every registered plug-in. A broken one is in its named state and stops none of the others."""
    taken: dict[str, Plugin] = {}
    states: list[Plugin] = []
    for point in entry_points(group=GROUP) if found is None else found:
        plugin = _load(point)
        if plugin.state is PluginState.READY and plugin.kind in taken:
            earlier = taken[plugin.kind].source
            plugin = Plugin(plugin.kind, plugin.source, PluginState.TWICE, f"{earlier} has registered it already")
        elif plugin.state is PluginState.READY:
            taken[plugin.kind] = plugin
        states.append(plugin)
    return tuple(states)


def calendar_of(kind: VenueKind) -> str:
    """Whose sessions the venues of a kind have when the config does not say."""
    return getattr(kind, "calendar", "always")


def venue_kinds(found: Iterable[EntryPoint] | None = None) -> Mapping[str, VenueKind]:
    """The kinds that can be used, by name; those that cannot are logged with the reason."""
    kinds: dict[str, VenueKind] = {}
    for plugin in plugins(found):
        if plugin.loaded is not None:
            kinds[plugin.kind] = plugin.loaded
        else:
            log.warning("venue plug-in unusable: %s is %s: %s", plugin.kind, plugin.state.value, plugin.detail)
    return kinds


def _load(point: EntryPoint) -> Plugin:
    try:
        loaded = point.load()
    except Exception as error:  # noqa: BLE001  (because a stranger's module may raise anything when imported)
        return Plugin(point.name, point.value, PluginState.NOT_IMPORTED, f"{type(error).__name__}: {error}")
    lacking = [name for name in _NEEDED if not hasattr(loaded, name)]
    if lacking:
        return Plugin(point.name, point.value, PluginState.UNFIT, f"it lacks {', '.join(lacking)}")
    if loaded.kind != point.name:
        return Plugin(point.name, point.value, PluginState.UNFIT, f"it calls itself {loaded.kind}")
    return Plugin(point.name, point.value, PluginState.READY, loaded=loaded)
