"""Runs one backtest: reads what is asked for, plays the past through the rules, and reports.

config, rules, --set     -> the rules as they are, and variants of them
store, imports or files  -> turns, oldest first
each turn                -> the engine, once for the rules and once for all variants side by side
what was decided         -> episodes, pages, messages, lead times
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain, islice, takewhile
from typing import TYPE_CHECKING, Final, TypeAlias

from marginwatch.app.backtest.calls import CallWatch
from marginwatch.app.backtest.episodes import Ledger
from marginwatch.app.backtest.filed import Filed
from marginwatch.app.backtest.imported import ImportedPast
from marginwatch.app.backtest.notes import Limits, reach
from marginwatch.app.backtest.play import Play
from marginwatch.app.backtest.report import Books, Report
from marginwatch.app.backtest.request import EmptySpanError, NothingRecordedError, TwoSourcesError, chosen
from marginwatch.app.backtest.setting import Data, read_setting
from marginwatch.app.backtest.sight import Sight
from marginwatch.app.backtest.stored import StoredPast
from marginwatch.app.backtest.sweep import read_sweep, variants
from marginwatch.core import health
from marginwatch.core.alert import Transition
from marginwatch.store.imported import Span
from marginwatch.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from marginwatch.app.backtest.report import Line
    from marginwatch.app.backtest.request import Request
    from marginwatch.app.backtest.setting import Setting
    from marginwatch.app.backtest.turn import Turn
    from marginwatch.core.rule import Rule

Progress: TypeAlias = Callable[[float], None]
"""Told now and then how much is done, from 0 to 1."""

_HEAD: Final = 5_000
"""Turns looked at before the start, to see how far apart observations are."""
_OFTEN: Final = 512
"""Turns between two looks at how much is done."""
_MOMENT: Final = timedelta(microseconds=1)
_ALWAYS: Final = datetime.min.replace(tzinfo=UTC)
_NEVER: Final = datetime.max.replace(tzinfo=UTC)


def backtest(
    request: Request, config: Path | None, environ: Mapping[str, str], progress: Progress = lambda _: None
) -> Report:
    """What the rules would have told.

    Raises:
        InvalidInputError: The config, the rules or a file is wrong.
        MarginwatchError: What is asked for cannot be done, or the store cannot be read.
    """
    if request.since is not None and request.until is not None and request.since >= request.until:
        raise EmptySpanError
    if request.files and request.imported:
        raise TwoSourcesError
    setting = read_setting(request, config, environ)
    if request.files:
        filed = Filed(request.files, setting.catalogues)
        source = _Source(filed, ", ".join(map(str, request.files)), lambda _: filed.bytes / max(filed.size, 1))
        return _Run(setting, request, source).report(progress)
    store = Store.open(setting.store_url, create=False)
    try:
        source = (_imported if request.imported else _stored)(setting, request, store)
        return _Run(setting, request, source).report(progress)
    finally:
        store.close()


@dataclass(frozen=True, slots=True)
class _Source:
    """Where the past is from."""

    turns: Filed | StoredPast | ImportedPast
    name: str
    done: Callable[[datetime], float]
    """How much of it is read, at a moment of it."""


def _stored(setting: Setting, request: Request, store: Store) -> _Source:
    recorded = store.history.recorded()
    if recorded is None:
        what = "the store has no observations yet"
        raise NothingRecordedError(what)
    span = _span(setting, request, *recorded)
    often = min(timedelta(minutes=1), *(venue.stale_after for venue in setting.settings.venues))
    past = StoredPast(store.history, span.since, span.until, often)
    return _Source(past, "the store", _done(span))


def _imported(setting: Setting, request: Request, store: Store) -> _Source:
    there = store.imports.reach()
    if there is None:
        what = "no history is imported yet; `marginwatch backfill` imports what a venue keeps"
        raise NothingRecordedError(what)
    span = _span(setting, request, *there)
    return _Source(ImportedPast(store.imports, span), "imported history", _done(span))


def _span(setting: Setting, request: Request, first: datetime, last: datetime) -> Span:
    """What is to be read of what there is: as much before the time asked for as the rules look back."""
    begins = first if request.since is None else max(first, request.since - reach(setting.rules.rules))
    return Span(begins, last + _MOMENT if request.until is None else min(request.until, last + _MOMENT))


def _done(span: Span) -> Callable[[datetime], float]:
    return lambda at: (at - span.since) / max(span.until - span.since, _MOMENT)


class _Look:
    """Looks at the data of the span themselves."""

    def __init__(self, bounds: Mapping[str, timedelta], since: datetime, play: Play) -> None:
        self.sight = Sight(bounds)
        self.calls = CallWatch()
        self._since = since
        self._play = play

    def see(self, turn: Turn) -> None:
        """Take in what the turn says of accounts that are asked for."""
        if turn.at >= self._since:
            for observation in turn.observations():
                if observation.account in self.sight.accounts or self._play.selects(observation):
                    self.sight.see(observation)
                    self.calls.see(observation)


class _Run:
    """One backtest under way."""

    def __init__(self, setting: Setting, request: Request, source: _Source) -> None:
        ids = [rule.id for rule in setting.rules.rules]
        sweeps = [read_sweep(text, ids) for text in request.sets]
        self._variants = variants(sweeps, setting.rules.rules, setting.scene)
        asked = chosen(setting.rules.rules, request.rules)
        # Those of which there are variants are among these as they are now, so nobody need ask for the others.
        self._rules = asked if request.rules or not sweeps else ()
        self._setting = setting
        self._request = request
        self._source = source
        self._since = request.since or _ALWAYS

    def report(self, progress: Progress) -> Report:
        """Play it and say what was found."""
        turns = iter(self._source.turns)
        head = list(islice(turns, _HEAD))
        widened = self._widened(head)
        play = self._play(Data(widened, self._source.turns.columns))
        bounds = {**{venue.name: venue.stale_after for venue in self._setting.settings.venues}, **widened}
        ledger, look, transitions = Ledger(self._since), _Look(bounds, self._since, play), list[Transition]()
        until = self._request.until or _NEVER
        wanted = takewhile(lambda turn: turn.at < until, chain(head, turns))
        while some := list(islice(wanted, _OFTEN)):
            for moment in play.take(some):
                ledger.take(moment)
                if moment.at >= self._since:
                    transitions += moment.transitions
            for turn in some:
                look.see(turn)
            progress(self._source.done(some[-1].at))
        progress(1)
        ledger.finish()
        return self._found(play, ledger, look, transitions, widened)

    def _widened(self, head: Iterable[Turn]) -> Mapping[str, timedelta]:
        """Where observations are farther apart than `stale_after`, no time would count: take it as twice as far."""
        sight = Sight({})
        for turn in head:
            for observation in turn.observations():
                sight.see(observation)
        apart = {venue.name: sight.resolution(venue.name) for venue in self._setting.settings.venues}
        stale_after = {venue.name: venue.stale_after for venue in self._setting.settings.venues}
        # What is stored keeps the daemon's own pace, unless it was imported; that of a file may be near the bound.
        share = 2 if self._request.files else 1
        return {name: 2 * far for name, far in apart.items() if far is not None and share * far > stale_after[name]}

    def _play(self, data: Data) -> Play:
        """Rules and variants side by side: no rule heeds another."""
        rules = [*self._rules, *(each.rule for each in self._variants.tried)]
        as_live = not (self._variants.tried or data.stale_after)
        ruling = self._setting.ruling(rules, self._request, data)
        return Play(ruling, self._setting.rules.revision if as_live else None)

    def _found(
        self,
        play: Play,
        ledger: Ledger,
        look: _Look,
        transitions: Sequence[Transition],
        widened: Mapping[str, timedelta],
    ) -> Report:
        sight = look.sight
        if sight.first is None or sight.last is None:
            what = "there are no observations of that time and of those accounts"
            raise NothingRecordedError(what)
        tried, zones = self._variants.tried, self._setting.zones()
        lines = tuple(self._lines(Books(sight.last, look.calls.calls, zones), play, ledger))
        shown = {rule.id for rule in (*self._rules, *self._built_in)}
        limits = Limits(
            sight,
            look.calls,
            [*self._rules, *(each.of for each in tried if each.current)],
            play.ruling,
            self._setting.settings,
            self._setting.catalogues,
            widened,
            thinned_until=self._source.turns.thinned_until,
            differed=play.differed and not tried,
            swept=bool(tried),
        )
        return Report(
            since=max(self._since, sight.first),
            until=sight.last,
            source=self._source.name,
            exact=play.exact,
            zones={venue: str(zones[venue]) for venue in sorted(sight.fields)},
            lines=lines,
            sweeps=bool(tried),
            calls=tuple(look.calls.calls),
            sight=sight,
            notes=(*(f"left out: {each}" for each in self._variants.left_out), *limits.notes()),
            transitions=tuple(each for each in transitions if each.key.rule in shown),
            names={key: state.account.name for key, state in play.accounts.items()},
            units={rule.id: rule.unit for rule in play.ruling.rules.values()},
        )

    def _lines(self, books: Books, play: Play, ledger: Ledger) -> Iterator[Line]:
        for rule in self._rules:
            yield books.line(ledger.of(rule.id), rule, play)
        for each in self._variants.tried:
            yield books.variant(ledger.of(each.rule.id), each, play)
        told = (rule for rule in self._built_in if rule.id in ledger.rules)
        yield from (books.line(ledger.of(rule.id), rule, play) for rule in told)

    @property
    def _built_in(self) -> tuple[Rule, ...]:
        """The rules about the data themselves, where the data are those of the daemon, and all of them."""
        asked, request = self._variants.tried, self._request
        some = asked or request.rules or request.accounts or request.files or request.imported
        return () if some else tuple(health.RULES.values())
