"""How it reads which way an alert goes: by which routes a receiver hears, when, and who is called by ladders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marginwatch.core.route import Why
from marginwatch.notify.words import moment, span

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from marginwatch.app.explain.model import Explanation, Hearing
    from marginwatch.app.explain.ways import Call, Way

_WHY: Mapping[Why, str] = {
    Why.TOO_MILD: "too mild for it",
    Why.NOT_ROUTED: "routes lead to others",
    Why.ITS_OWN_FAILURE: "it is about this receiver itself",
    Why.ESCALATED: "a ladder called it",
    Why.WAS_TOLD: "was told of it before",
}


def way_words(each: Hearing, found: Explanation) -> str:
    """By which routes and when, level by level where that differs."""
    said: dict[str, list[str]] = {}
    for way in each.ways:
        said.setdefault(_way(way, found), []).append(way.severity.label)
    if len(said) == 1:
        return next(iter(said))
    return "; ".join(f"{' and '.join(levels)}: {words}" for words, levels in said.items())


def ladder_facts(found: Explanation) -> Iterator[tuple[str, str]]:
    """Each step of the ladders that the alert may climb."""
    for call in found.calls:
        after = f"route {call.route}, {span(call.after)} after it was told and nobody acknowledged"
        yield "ladder", f"{_called(call, found)} ({after})"


def _called(call: Call, found: Explanation) -> str:
    names = " and ".join(call.receivers)
    if call.taken:
        return f"called {names}"
    if call.at is None:
        return f"calls nobody while it is acknowledged, else {names}"
    return f"calls {names} at {moment(call.at, found.now)}"


def _way(way: Way, found: Explanation) -> str:
    if way.why in _WHY and (not way.routes or not way.why.tells):
        return _WHY[way.why]
    by = f"by {' and '.join(way.routes)}" if way.routes else "no route takes it, so everybody hears"
    if way.until is not None:
        return f"{by}, told at {moment(way.until, found.now)} when the hours of {way.waits_for} begin"
    if way.why is Why.NOBODY_ON_DUTY:
        return f"{by}, out of hours, for nobody else would hear"
    return f"{by}: {_WHY[way.why]}" if way.why in _WHY else by
