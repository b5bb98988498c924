"""How many rules a second one core looks at, on accounts that are fine: nearly all of a daemon's work.

2,000 accounts of the three built-in venues, the same number of rules applying to each. Answers of the simulated venues
are normalised and then, timed, decided on as the daemon does it, batch by batch: first the rules by themselves, then
the whole of `decide` and `remember`, which is state machine, timers, account states and what the commit is made of,
without store and wire. Beside them the least that Python can do for the same accounts: for every rule one comparison
of two Decimals, one of them from a dictionary. All on one thread, in seconds of processor time.
"""

from __future__ import annotations

import functools
import gc
import tempfile
import time
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from figures import Figure, median, publish
from fleet import KINDS, NOON, Login, account, account_ids, parts_of, write_config
from marginwatch.core.engine import Answer, decide, remember
from marginwatch.core.evaluate import evaluate
from marginwatch.core.memory import Memory
from sites import site

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from marginwatch.app.build import Parts
    from marginwatch.core.model import Value
    from marginwatch.venues.protocol import Fetched

EVERY = timedelta(seconds=10)
WANTED = 1_500_000


class NotQuietError(Exception):
    """A rule found something, so this is no measure of quiet accounts."""

    def __init__(self, what: object) -> None:
        super().__init__(f"not quiet: {what}")


def measure(quick: bool) -> list[Figure]:  # noqa: FBT001  (the one option there is)
    """The rows for 25, 50 and 100 rules."""
    accounts, cycles = (90, 3) if quick else (2_000, 9)
    return [figure for rules in (25, 50, 100) for figure in _rows(accounts, rules, cycles)]


def _rows(accounts: int, rules: int, cycles: int) -> list[Figure]:
    logins = [Login(kind, account_ids(accounts)[place :: len(KINDS)]) for place, kind in enumerate(KINDS)]
    with tempfile.TemporaryDirectory() as folder:
        parts = parts_of(write_config(Path(folder), logins, rules=rules, receivers=["json://127.0.0.1:9"]))
    race = _Race(parts)
    gc.collect()
    gc.freeze()
    for number in range(2 * cycles + 1):
        race.cycle(logins, number, whole=number % 2 == 0)
    gc.unfreeze()
    evaluations = accounts * rules
    bare, alone, whole = (evaluations / median(spent[1:]) for spent in (race.bare, race.alone, race.whole))
    name, beside = f"rule x account, quiet, {rules} rules each", "bare comparisons"
    return [
        Figure(f"{name}: rules alone", alone, "/s", baseline=bare, baseline_name=beside),
        Figure(f"{name}: whole decision", whole, "/s", least=WANTED, baseline=bare, baseline_name=beside),
    ]


class _Race:
    """Takes cycles of answers, and the time of one way or the other of looking at them; seconds by cycle."""

    def __init__(self, parts: Parts) -> None:
        self.bare: list[float] = []
        self.alone: list[float] = []
        self.whole: list[float] = []
        self._ruling = parts.ruling
        self._normalise = {venue.name: venue.normalise for venue in parts.venues}
        self._sites = {kind: site(kind) for kind in KINDS}
        self._memory = Memory()

    def cycle(self, logins: Sequence[Login], number: int, *, whole: bool) -> None:
        """One cycle over every account, its values a little different from those of the cycle before."""
        now = NOON + number * EVERY
        bare, alone, decided = _Stopwatch(), _Stopwatch(), _Stopwatch()
        for login in logins:
            moved = [account(login.kind, each, moved=number) for each in login.accounts]
            for batch in self._sites[login.kind].cycle(moved, now):
                if not whole:
                    self._look(batch, bare, alone)
                self._decide(batch, now, decided)
        if whole:
            self.whole.append(decided.seconds)
        else:
            self.bare.append(bare.seconds)
            self.alone.append(alone.seconds)

    def _look(self, batch: Sequence[Fetched], bare: _Stopwatch, alone: _Stopwatch) -> None:
        for fetched in batch:
            watch = self._ruling.venues[fetched.venue]
            limits = [Decimal(number) for number in range(len(watch.rules.applied))]
            for seen in self._normalise[fetched.venue](fetched).observations:
                state = self._memory.accounts[seen.account]
                rules = watch.rules.for_account(state.account, {})
                alone.start()
                evaluate(rules, seen, state, ())
                alone.stop()
                bare.start()
                _compare(seen.fields, limits)
                bare.stop()

    def _decide(self, batch: Sequence[Fetched], now: datetime, watch: _Stopwatch) -> None:
        def news() -> Iterator[Answer]:
            for fetched in batch:
                watch.stop()
                answer = Answer(fetched.venue, self._normalise[fetched.venue](fetched))
                watch.start()
                yield answer

        watch.start()
        decision = decide(self._memory, self._ruling, news(), now)
        remember(self._memory, decision)
        self._memory.next_timer()
        watch.stop()
        if decision.commit.alerts:
            raise NotQuietError(decision.commit.alerts[0].key)
        for state in decision.commit.accounts:
            if state.blind and now > NOON:  # at first sight there is no prior value
                raise NotQuietError((state.account.key, *state.blind))


class _Stopwatch:
    """Adds up the processor time of this thread, without what asking for the time takes.

    That is a call of the operating system; once an observation, it would be a tenth of all.
    """

    def __init__(self) -> None:
        self._spent = 0.0
        self._laps = 0

    @property
    def seconds(self) -> float:
        """So far."""
        return self._spent - self._laps * _empty_lap()

    def start(self) -> None:
        """From now on."""
        self._laps += 1
        self._spent -= time.thread_time()

    def stop(self) -> None:
        """Up to now."""
        self._spent += time.thread_time()


@functools.cache
def _empty_lap() -> float:
    """What a stopwatch shows of nothing, in seconds: the median of many."""
    laps = []
    for _ in range(10_000):
        began = time.thread_time()
        laps.append(time.thread_time() - began)
    return median(laps)


def _compare(fields: Mapping[str, Value], limits: Sequence[Decimal]) -> None:
    for limit in limits:
        if fields["equity"] < limit:  # type: ignore[operator]  # equity is money
            raise NotQuietError(fields["equity"])


if __name__ == "__main__":
    publish(measure, __doc__)
