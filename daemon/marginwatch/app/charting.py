"""The chart that goes with a message: read from the store and drawn in the thread that sends, within bounds.

message -> its rule and account -> stored answers of the last hours -> the rule's number in each -> a picture

Whatever keeps it from being drawn in time, the message goes out without it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import structlog

from marginwatch import clock
from marginwatch.core.alert import State
from marginwatch.core.condition import BREAKS
from marginwatch.core.judging import subjects
from marginwatch.core.model import AccountKey
from marginwatch.core.rule import RuleKind
from marginwatch.core.windows import AccountWindows, Pending
from marginwatch.notify.words import clean
from marginwatch.store.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from marginwatch.core.applied import AccountRules, Applied
    from marginwatch.core.model import Observation, Value
    from marginwatch.core.ruling import Watch
    from marginwatch.core.state import AccountState, Message
    from marginwatch.store.history import History
    from marginwatch.tick import Ticker

log = structlog.get_logger(__name__)

LONGEST: Final = timedelta(hours=6)
LEAST: Final = timedelta(seconds=30)
"""A line shorter than this says nothing."""
SHORTEST: Final = timedelta(minutes=30)
_ANSWERS: Final = 2_500
"""About so many answers of an account are looked at: one that is asked every second has a shorter chart."""
DRAWS_FOR: Final = 1.5
"""Seconds after which reading is given up."""
WAITS_FOR: Final = 0.5
"""Seconds a send waits for the chart of another."""
_SAME: Final = timedelta(seconds=15)
"""For so long a chart is given to every receiver of the alert."""
_KEPT: Final = 16
_FAULTS: Final = (*BREAKS, OSError, MemoryError)
"""What reading and drawing raise by a fault of ours, or for want of a font or of memory."""
_WITHOUT: Final = frozenset({State.EVENT, State.CLOSED})


class Charts:
    """Draws for one daemon; `draw` may be called from any thread."""

    def __init__(self, history: History, ticker: Ticker) -> None:
        self._history = history
        self._ticker = ticker
        self._turn = threading.Lock()
        self._drawn: OrderedDict[tuple[str, int], bytes | None] = OrderedDict()

    def draw(self, message: Message) -> bytes | None:
        """The chart of what the message tells of, as a PNG; None where there is none to be had in time."""
        now = clock.now()
        key = (message.topic, int(now.timestamp() // _SAME.total_seconds()))
        if message.state in _WITHOUT or not self._turn.acquire(timeout=WAITS_FOR):
            return None
        try:
            if key not in self._drawn:
                self._drawn[key] = self._new(message, now)
            while len(self._drawn) > _KEPT:
                self._drawn.popitem(last=False)
            return self._drawn[key]
        except StoreError as error:
            log.info("a message goes out without a chart", alert=message.alert_id, why=str(error))
            return None
        except _FAULTS as error:  # its text may hold anything, and the message must not wait for another attempt
            log.warning("a chart could not be drawn", alert=message.alert_id, error=type(error).__name__)
            return None
        finally:
            self._turn.release()

    def _new(self, message: Message, now: datetime) -> bytes | None:
        told, ruling = message.payload, self._ticker.ruling
        rule, watch = ruling.rules.get(told.get("rule", "")), ruling.venues.get(told.get("venue", ""))
        state = self._ticker.memory.accounts.get(AccountKey(told.get("venue", ""), told.get("account", "")))
        if rule is None or rule.kind is not RuleKind.LADDER or watch is None or state is None:
            return None
        rules = ruling.rules_of(watch, state.account)
        if rule.id not in rules.numbers:
            return None
        since = max(now - min(max(watch.every * _ANSWERS, SHORTEST), LONGEST), state.first_seen)
        sight = Sight(rules.applied[rules.numbers[rule.id]], rules, watch, told.get("subject", ""))
        stored = self._history.observations(state.account.key, since, now)
        seen = _in_time(sight.values(each.observation for each in stored), clock.monotonic() + DRAWS_FOR)
        if seen is None:
            log.info("a message goes out without a chart", alert=message.alert_id, why="reading took too long")
            return None
        points = [(at, value) for at, value in seen if value is not None]
        if not points or points[-1][0] - points[0][0] < LEAST:
            return None
        from marginwatch.notify.chart import Curve, Mark, draw  # noqa: PLC0415  (Pillow takes 3 MB, and is loaded for the first chart)

        gaps = tuple(gaps_of(seen, since, now, watch.stale_after))
        marks = [Mark(level.severity, level.limit, level.operator) for level in rule.levels if level.limit is not None]
        return draw(
            Curve(_title(message, rule.title, state), points, gaps, marks, since, now, rule.unit, _money(state))
        )


class Sight:
    """Looks at an account's answers one after the other, as one rule does."""

    def __init__(self, applied: Applied, rules: AccountRules, watch: Watch, subject: str) -> None:
        self._applied = applied
        self._rules = rules
        self._watch = watch
        self._subject = subject
        self._windows = AccountWindows(watch.stale_after)

    def values(self, observations: Iterable[Observation]) -> Iterator[tuple[datetime, Decimal | None]]:
        """The rule's number in each answer, in the order of time; None where it is not known."""
        latest: datetime | None = None
        for each in observations:
            latest = each.observed_at if latest is None else max(latest, each.observed_at)
            value = None if self._watch.too_old(each) else self._value(each, latest)
            yield latest, value if isinstance(value, Decimal) else None

    def _value(self, observation: Observation, at: datetime) -> Value:
        facts = self._rules.facts(observation)
        if self._applied.windows:
            pending = Pending(self._windows)
            answers = pending.see(self._rules.windows, facts, at)
            whole = {each.text for each in answers.coverage(self._applied.windows) if each.whole}
            facts = {**facts, **{text: value for text, value in answers.values().items() if text in whole}}
            self._windows = pending.keep()
        try:
            if not self._applied.rule.each:
                return self._applied.evaluation(facts, {}, observation.positions)
            position = dict(subjects(observation.positions or (), self._rules.catalogue)).get(self._subject)
            return None if position is None else self._applied.evaluation(facts, {}, position)
        except BREAKS:
            return None


def gaps_of(
    seen: Iterable[tuple[datetime, Decimal | None]], since: datetime, until: datetime, stale_after: timedelta
) -> Iterator[tuple[datetime, datetime]]:
    """From when until when the number was unknown: it was not answered, or no answer came for longer than allowed."""
    known, lost = since, False
    for at, value in (*seen, (until, None)):
        if value is None and at < until:
            lost = True
            continue
        if lost or at - known > stale_after:
            yield known, at
        known, lost = at, False


def _in_time(
    values: Iterable[tuple[datetime, Decimal | None]], deadline: float
) -> list[tuple[datetime, Decimal | None]] | None:
    """All of them; None when they do not come before the deadline."""
    found = []
    for each in values:
        found.append(each)
        if clock.monotonic() > deadline:
            return None
    return found


def _title(message: Message, rule: str, state: AccountState) -> str:
    subject = message.payload.get("subject", "")
    what = f"{rule} ({subject})" if subject else rule
    return clean(f"{what}: {state.account.name} ({state.account.key.venue})")


def _money(state: AccountState) -> str:
    currency = state.known.get("currency")
    return currency if isinstance(currency, str) else ""
