"""The engine in virtual time: news at given moments, the timers between them, and what is decided at each.

    replay.start(at, prior)     as a process starts: timers are set, what the ruling no longer covers is closed
    replay.elapse(until)        a tick for each timer that runs out before `until`, as the daemon wakes for it
    replay.feed(news, at)       the tick that takes the news, and the timers due by then
    replay.reload(ruling, at)   other rules from then on, as the daemon takes them between two ticks

Nothing is stored and nothing is sent: a decision counts as committed as soon as it is made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from marginwatch.core import engine
from marginwatch.core.memory import Memory
from marginwatch.core.resuming import reload, resume
from marginwatch.core.seeding import fill, prepare
from marginwatch.core.state import Prior
from marginwatch.notify.wording import PLAIN

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from marginwatch.core.alert import Transition
    from marginwatch.core.engine import Decision, News, Wishes
    from marginwatch.core.ruling import Ruling
    from marginwatch.core.seeding import Stored
    from marginwatch.core.state import Message


@dataclass(frozen=True, slots=True)
class Moment:
    """One tick."""

    at: datetime
    decision: Decision

    @property
    def transitions(self) -> tuple[Transition, ...]:
        """The steps of alerts, those nobody is told of included."""
        return self.decision.commit.transitions

    def messages(self) -> tuple[Message, ...]:
        """What goes into the outbox, one for each notice of the decision and in their order; made anew at each call."""
        return tuple(PLAIN.worded(notice, self.decision) for notice in self.decision.notices)


class Replay:
    """Drives the engine through a stretch of time."""

    def __init__(self, ruling: Ruling) -> None:
        self.ruling = ruling
        self.memory = Memory()
        """What the engine remembers after the latest moment; to be read only."""

    def start(self, at: datetime, prior: Prior | None = None, past: Stored | None = None) -> Moment:
        """Begin at `at` on what an earlier process left, nothing by default; also in the middle, as a restart does.

        `past` gives what was observed before, to fill the windows of rules that look back.
        """
        self.memory = Memory.of(prior or Prior())
        fill(self.memory, self.ruling, at, past)
        return self._settle(at, resume(self.memory, self.ruling, at))

    def feed(
        self, news: Iterable[News], at: datetime, wishes: Wishes | None = None, *, crowded: bool = False
    ) -> Moment:
        """Tick at `at` with what arrived then; without any, to see what time alone brings by then.

        `crowded`: time alone brings nothing yet, as more has arrived.
        """
        return self._settle(at, engine.decide(self.memory, self.ruling, news, at, wishes, crowded=crowded))

    def reload(self, ruling: Ruling, at: datetime, past: Stored | None = None) -> Moment:
        """Go on by other rules; `past` as for `start`."""
        self.ruling = ruling
        return self._settle(at, reload(self.memory, ruling, at, prepare(self.memory, ruling, at, past)))

    def look_again(self) -> None:
        """At the next tick look at all that is held back, as a process does whose clock was set back."""
        self.memory.look_again = True

    def elapse(self, until: datetime) -> Iterator[Moment]:
        """Tick whenever time alone moves something before `until`; to be run through before the next `feed`."""
        while (due := self._next()) is not None and due < until:
            yield self.feed((), due)

    def _next(self) -> datetime | None:
        """When time alone moves something: a timer runs out, or what is held back is to be looked at again."""
        ends = (silence.ends_at for silence in self.memory.silences)
        instants = (self.memory.next_timer(), self.memory.waiting.next, *ends)
        return min((instant for instant in instants if instant is not None), default=None)

    def _settle(self, at: datetime, decision: Decision) -> Moment:
        engine.remember(self.memory, decision)
        return Moment(at, decision)
