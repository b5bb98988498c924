"""Fills windows of time from stored observations: after a start, and for rules that did not look back before."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from marginwatch.core.state import AccountState
from marginwatch.core.windows import AccountWindows, Pending
from marginwatch.core.windows.plan import micros, moment

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable
    from datetime import datetime

    from marginwatch.core.applied import AccountRules
    from marginwatch.core.memory import Memory
    from marginwatch.core.model import AccountKey, Observation
    from marginwatch.core.ruling import Ruling, Watch


Stored: TypeAlias = "Callable[[Container[AccountKey], datetime], Iterable[Observation]]"
"""(accounts, since) to what was committed of these accounts since then, in the order in which it was; more than that
does no harm."""


def fill(memory: Memory, ruling: Ruling, now: datetime, stored: Stored | None = None) -> None:
    """Fill the windows that the ruling's rules ask for and that are not there yet; let go of those nobody asks for.

    Without anything stored they begin empty.
    """
    prepare(memory, ruling, now, stored).finish()


def prepare(memory: Memory, ruling: Ruling, now: datetime, stored: Stored | None = None) -> Seeding:
    """The same windows, not put into the memory yet."""
    seeding = Seeding(memory, ruling, now)
    if stored is not None and seeding.accounts:
        seeding.take(stored(seeding.accounts, seeding.since))
    return seeding


class Seeding:
    """Windows in the making, of the accounts in memory whose rules look back farther than what is kept of them."""

    def __init__(self, memory: Memory, ruling: Ruling, now: datetime) -> None:
        """Find them; nothing changes before `finish`."""
        self._memory = memory
        self._known = frozenset(memory.accounts)
        self.before = now
        """When it was begun: what is committed from then on must be seen last."""
        self._wanted: dict[AccountKey, _Seed] = {}
        self._fitting: dict[AccountKey, AccountWindows] = {}
        for account, state in memory.accounts.items():
            watch = ruling.venues.get(account.venue)
            if watch is not None and watch.selects(state.account):
                rules, kept = ruling.rules_of(watch, state.account), memory.windows.get(account)
                if rules.windows and kept is not None and _fits(kept, rules, watch):
                    self._fitting[account] = kept
                elif rules.windows:
                    self._wanted[account] = _Seed(watch, rules, state)

    @property
    def accounts(self) -> frozenset[AccountKey]:
        """Whose observations are needed; none when there is nothing to do."""
        return frozenset(self._wanted)

    @property
    def since(self) -> datetime:
        """From when on: what was committed earlier lies before every window."""
        begins = (seed.begins(self.before) for seed in self._wanted.values())
        return min(begins, default=self.before)

    @property
    def whole(self) -> bool:
        """False when accounts were met since it was begun: it must be begun anew."""
        return self._known >= self._memory.accounts.keys()

    def take(self, observations: Iterable[Observation]) -> None:
        """See observations of any accounts, each account's in the order in which they were committed."""
        for observation in observations:
            seed = self._wanted.get(observation.account)
            if seed is not None:
                seed.take(observation)

    def finish(self) -> None:
        """Put the windows into the memory, and nothing else; to be called also when there was nothing to see."""
        self._memory.windows = {
            **self._fitting,
            **{account: seed.windows for account, seed in self._wanted.items()},
        }


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


def _fits(kept: AccountWindows, rules: AccountRules, watch: Watch) -> bool:
    """Whether what is kept serves the rules as they are now."""
    return kept.stale_after == watch.stale_after and kept.tracks == rules.windows.tracks
