"""Venue kinds come through one door, and a broken plug-in stops none of the others."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING, cast

import pytest

from marginwatch.core.calendar import BUILT_IN
from marginwatch.venues.registry import GROUP, PluginState, calendar_of, plugins, venue_kinds

if TYPE_CHECKING:
    from pathlib import Path

    from marginwatch.venues.protocol import VenueKind


def _point(name: str, value: str) -> EntryPoint:
    return EntryPoint(name=name, value=value, group=GROUP)


def test_the_built_in_kinds_are_registered_like_any_other() -> None:
    """Installing the package registers its three venues by entry point."""
    assert {"architect", "helio", "stonex"} <= venue_kinds().keys()


@pytest.mark.parametrize(
    ("point", "state", "why"),
    [
        (_point("nope", "marginwatch.no_such_module:VENUE"), PluginState.NOT_IMPORTED, "no_such_module"),
        (_point("nope", "marginwatch.venues.architect:NOTHING"), PluginState.NOT_IMPORTED, "NOTHING"),
        (_point("nope", "marginwatch.venues.registry:GROUP"), PluginState.UNFIT, "it lacks kind"),
        (_point("other", "marginwatch.venues.architect:VENUE"), PluginState.UNFIT, "it calls itself architect"),
    ],
)
def test_a_broken_plugin_has_a_named_state(point: EntryPoint, state: PluginState, why: str) -> None:
    """Whatever is wrong with a plug-in is a state with a reason, never an exception."""
    (found,) = plugins([point])

    assert found.state is state
    assert why in found.detail
    assert venue_kinds([point]) == {}


def test_a_broken_plugin_stops_no_other() -> None:
    """The good plug-in beside a broken one is usable."""
    broken = _point("nope", "marginwatch.no_such_module:VENUE")
    good = _point("architect", "marginwatch.venues.architect:VENUE")

    assert list(venue_kinds([broken, good])) == ["architect"]


def test_a_kind_registered_twice_is_the_first_ones() -> None:
    """A second plug-in of the same kind is passed over and says so."""
    good = _point("architect", "marginwatch.venues.architect:VENUE")

    first, second = plugins([good, good])

    assert (first.state, second.state) == (PluginState.READY, PluginState.TWICE)


def test_whatever_a_plugin_raises_stays_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stranger's module may raise anything at all when it is imported."""
    (tmp_path / "strange_venue.py").write_text("raise RuntimeError('at import')\n")
    monkeypatch.syspath_prepend(str(tmp_path))

    (found,) = plugins([_point("strange", "strange_venue:VENUE")])

    assert (found.state, found.detail) == (PluginState.NOT_IMPORTED, "RuntimeError: at import")


def test_a_kind_says_whose_sessions_it_has() -> None:
    """The built-in kinds name a built-in calendar; one of a stranger's that names none is always open."""
    kinds = venue_kinds()
    assert {name: calendar_of(kinds[name]) for name in ("architect", "helio", "stonex")} == {
        "architect": "us-futures",
        "helio": "fx",
        "stonex": "us-equities",
    }
    assert {calendar_of(kind) for kind in kinds.values()} <= BUILT_IN.keys()
    assert calendar_of(cast("VenueKind", object())) == "always"
