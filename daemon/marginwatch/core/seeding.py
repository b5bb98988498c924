"""Fills windows of time from stored observations: after a start, and for rules that did not look back before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marginwatch.core.state import AccountState
from marginwatch.core.windows import AccountWindows, Pending
from marginwatch.core.windows.plan import micros, moment

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from marginwatch.core.applied import AccountRules
    from marginwatch.core.memory import Memory
    from marginwatch.core.model import AccountKey, Observation
    from marginwatch.core.ruling import Ruling, Watch


class Seeding:
    """Windows in the making, of the accounts in memory whose rules look back farther than what is kept of them."""

    def __init__(self, memory: Memory, ruling: Ruling, now: datetime) -> None:
        """Find them; nothing changes before `finish`."""
        self._memory = memory
        self._wanted: dict[AccountKey, _Seed] = {}
        for account, state in memory.accounts.items():
            watch = ruling.venues.get(account.venue)
            if watch is not None and watch.selects(state.account):
                rules = ruling.rules_of(watch, state.account)
                if rules.windows and not _fits(memory.windows.get(account), rules, watch):
                    self._wanted[account] = _Seed(watch, rules, state)
        self._now = now

    @property
    def accounts(self) -> frozenset[AccountKey]:
        """Whose observations are needed; none when there is nothing to do."""
        return frozenset(self._wanted)

    @property
    def since(self) -> datetime:
        """From when on: what was committed earlier lies before every window."""
        begins = (seed.begins(self._now) for seed in self._wanted.values())
        return min(begins, default=self._now)

    def take(self, observations: Iterable[Observation]) -> None:
        """See observations of any accounts, each account's in the order in which they were committed."""
        for observation in observations:
            seed = self._wanted.get(observation.account)
            if seed is not None:
                seed.take(observation)

    def finish(self) -> None:
        """Put the windows into the memory; to be called also when there was nothing to see."""
        self._memory.windows.update((account, seed.windows) for account, seed in self._wanted.items())


class _Seed:
    """The windows of one account, filled as the engine fills them."""

    def __init__(self, watch: Watch, rules: AccountRules, state: AccountState) -> None:
        self.windows = AccountWindows(watch.stale_after)
        self._watch = watch
        self._rules = rules
        self._state = AccountState(state.account, state.first_seen)

    def begins(self, now: datetime) -> datetime:
        """From when on observations are needed.

        A value may hold into the window from before, and one of an old time stamp may have come late.
        """
        window = moment(self._rules.windows.begins(micros(now)))
        return window - self._watch.stale_after - self._watch.max_age

    def take(self, observation: Observation) -> None:
        if self._watch.too_old(observation):
            return
        at = self._state.next_time(observation)
        pending = Pending(self.windows)
        pending.see(self._rules.windows, self._rules.facts(observation), at)
        pending.keep()
        account, first_seen = self._state.account, self._state.first_seen
        self._state = AccountState(account, first_seen, observed_at=at, fetched_at=observation.fetched_at)


def _fits(kept: AccountWindows | None, rules: AccountRules, watch: Watch) -> bool:
    """Whether what is kept serves the rules as they are now."""
    return kept is not None and kept.stale_after == watch.stale_after and kept.tracks == rules.windows.tracks
