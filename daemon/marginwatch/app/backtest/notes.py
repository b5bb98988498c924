"""What the data of a backtest cannot show, in plain sentences."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from marginwatch.app.backtest.sweep import MARK, plain_id
from marginwatch.core import condition
from marginwatch.core.condition.nodes import Windowed, walk
from marginwatch.core.condition.window import length
from marginwatch.core.model import TIMES
from marginwatch.notify.words import span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from marginwatch.app.backtest.calls import CallWatch
    from marginwatch.app.backtest.sight import Sight
    from marginwatch.config.settings import Settings
    from marginwatch.core.evaluate import VenueRules
    from marginwatch.core.fields import Catalogue
    from marginwatch.core.rule import Rule
    from marginwatch.core.ruling import Ruling

MOST_GAPS: Final = 5
"""Gaps told one by one, the longest."""
_SESSION: Final = timedelta(days=4)
"""How long before its end a session began, at most: that of a Monday after a weekend."""
_LEAST_REACH: Final = timedelta(days=1)


@dataclass(slots=True)
class Limits:
    """What is known of the data once all of them are read."""

    sight: Sight
    calls: CallWatch
    rules: Sequence[Rule]
    ruling: Ruling
    settings: Settings
    catalogues: Mapping[str, Catalogue]
    """By venue, with all that it has."""
    widened: Mapping[str, timedelta]
    """By venue, what `stale_after` was taken as where the data are too coarse for that of the config."""
    thinned_until: datetime | None = None
    differed: bool = False
    swept: bool = False

    def notes(self) -> tuple[str, ...]:
        """Every sentence there is to say."""
        said = (*self._decisions(), *self._resolutions(), *self._gaps(), *self._fields(), *self._calls())
        return tuple(dict.fromkeys(said))

    def _decisions(self) -> Iterator[str]:
        if self.differed and not self.swept:
            yield "other rules ran then: timers run out here when they are due, and live when the daemon woke"
        if self.swept:
            yield "variants are counted as if nobody had silenced or acknowledged anything"
        if self.thinned_until is not None:
            yield (
                f"up to {_when(self.thinned_until)} the store keeps one observation a minute where it changed: what "
                "was shorter, and whether the venue failed, is not seen; what was known is taken to hold in between"
            )

    def _resolutions(self) -> Iterator[str]:
        for venue, watch in self.ruling.venues.items():
            apart = self.sight.resolution(venue)
            if apart is None:
                continue
            if apart >= 2 * watch.every:
                yield (
                    f"{venue}: one observation every {span(apart)} (median), and live one every {span(watch.every)}: "
                    f"breaches shorter than {span(apart)} cannot be seen"
                )
            if venue in self.widened:
                before = next(each.stale_after for each in self.settings.venues if each.name == venue)
                yield (
                    f"{venue}: timers count between observations at most {span(self.widened[venue])} apart here, and "
                    f"live at most {span(before)} (`stale_after`)"
                )
            yield from self._too_coarse(venue, apart)

    def _too_coarse(self, venue: str, apart: timedelta) -> Iterator[str]:
        applied = {plain_id(each.rule) for each in self.ruling.venues[venue].rules.applied}
        for rule in self.rules:
            if rule.id not in applied:
                continue
            if timedelta(0) < rule.hold < apart:
                yield (
                    f"{venue}: `for` of {rule.id} ({span(rule.hold)}) is shorter than the {span(apart)} between "
                    "observations: it fires at the second one that is bad"
                )
            shortest = min(_windows((rule,)), default=None)
            if shortest is not None and shortest < 2 * apart:
                yield f"{venue}: a window of {rule.id} ({span(shortest)}) holds hardly two observations"

    def _gaps(self) -> Iterator[str]:
        longest = sorted(self.sight.gaps, key=lambda gap: -gap.length)
        for gap in longest[:MOST_GAPS]:
            yield f"no data of {gap.account} for {span(gap.length)} from {_when(gap.since)}"
        more = len(longest) - MOST_GAPS + self.sight.gaps_left_out
        if more > 0:
            yield f"and {more:,} more gaps, none of them longer"

    def _fields(self) -> Iterator[str]:
        for venue, there in sorted(self.sight.fields.items()):
            watch = self.ruling.venues.get(venue)
            for each in watch.rules.applied if watch is not None else ():
                account = (name for name in condition.names(each.node) if not name.startswith(condition.POSITION))
                lacking = [name for name in account if name not in there and name not in TIMES]
                if lacking:
                    yield f"{venue}: the data never say {', '.join(lacking)}, which {plain_id(each.rule)} reads"
            if watch is not None and venue in self.catalogues:  # and not groups, whose fields are asked for
                yield from self._not_tried(venue, watch.rules)

    def _not_tried(self, venue: str, tried: VenueRules) -> Iterator[str]:
        """Rules that read nothing that the columns of the files have, and that the venue has."""
        own = self.catalogues[venue].fields
        for rule in self.rules:
            lacking = [name for name in _names(rule) if name in own and name not in tried.catalogue.fields]
            if lacking and rule.id in {each.partition(MARK)[0] for each in tried.absent}:
                yield f"{venue}: {rule.id} is not tried, for the data have no {' and no '.join(lacking)}"

    def _calls(self) -> Iterator[str]:
        accounts = self.sight.accounts.keys()
        if accounts and not self.calls.known:
            yield "the data do not say whether there is a margin call, so there is no lead time"
        for account in sorted(self.calls.from_the_start):
            yield f"{account} was in a margin call at its first observation: no lead time for that one"


def reach(rules: Iterable[Rule]) -> timedelta:
    """How far back rules look: as much is played before a span, so that windows and timers are as they were."""
    rules = tuple(rules)
    timers = (max(rule.hold, rule.clear_for) for rule in rules)
    return max((_LEAST_REACH, *timers, *_windows(rules)))


def _windows(rules: Iterable[Rule]) -> Iterator[timedelta]:
    for rule in rules:
        yield from (length(part) or _SESSION for part in walk(_node(rule)) if isinstance(part, Windowed))


def _names(rule: Rule) -> tuple[str, ...]:
    return condition.names(_node(rule))


def _node(rule: Rule) -> condition.Node:
    node = condition.parse(rule.expression)
    assert not isinstance(node, condition.Fault), "a rule that was loaded can be read"
    return node


def _when(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
