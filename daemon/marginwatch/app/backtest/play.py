"""Plays the past through the engine: exactly as live where today's rules ran then, else with timers of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from marginwatch.app.backtest.quiet import MOST, pass_quietly
from marginwatch.app.replay import Replay
from marginwatch.core.seen import left_by

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from marginwatch.app.backtest.turn import Turn
    from marginwatch.app.replay import Moment
    from marginwatch.core.engine import Wishes
    from marginwatch.core.model import AccountKey, Observation
    from marginwatch.core.ruling import Ruling
    from marginwatch.core.state import AccountState


class Play:
    """One set of rules on its way through the past."""

    def __init__(self, ruling: Ruling, revision: str | None) -> None:
        """`revision` is that of the whole rule set whose rules these are; None when they are no rules that ran."""
        self.ruling = ruling
        self._replay = Replay(ruling)
        self._revision = revision
        self._begun = False
        self._at_once = MOST
        self.exact = revision is not None
        """Every turn so far was decided as it was live."""
        self.differed = False
        """Some turn so far was decided live by other rules."""

    def take(self, turns: Sequence[Turn]) -> Iterator[Moment]:
        """What the turns bring in which something happens, and before each what time brought."""
        place = 0
        while place < len(turns):
            some = turns[place : place + self._at_once]
            passed, alone = pass_quietly(self._replay.memory, self.ruling, some) if self._begun else (0, 1)
            for turn in some[:passed]:
                self._note(turn)
            for turn in some[:alone]:
                yield from self._turn(turn)
            place += passed + alone

    def _note(self, turn: Turn) -> bool:
        """Whether the turn is decided as it was live."""
        exact = turn.revision != "" and turn.revision == self._revision
        self.exact &= exact
        if turn.revision and not exact:
            self.differed = True
        return exact

    def _turn(self, turn: Turn) -> Iterator[Moment]:
        seen = turn.seen
        exact = self._note(turn)
        if not exact and self._begun:
            yield from self._replay.elapse(seen.began_at or turn.at)
        if seen.began_at is not None or not self._begun:
            yield self._begin(turn)
            if seen.resumed:
                return
        if exact and seen.reloaded:
            yield self._replay.reload(self.ruling, turn.at)
            return
        if exact:
            for silent in seen.silent:
                yield self._replay.feed((), silent)
        elif seen.began_at is not None:
            yield from self._replay.elapse(turn.at)
        if seen.looked_again:
            self._replay.look_again()
        yield self._replay.feed(turn.news, turn.at, self._wishes(turn), crowded=exact and seen.crowded)

    @property
    def accounts(self) -> Mapping[AccountKey, AccountState]:
        """What is remembered of accounts."""
        return self._replay.memory.accounts

    def selects(self, observation: Observation) -> bool:
        """Whether the account is one that is played."""
        watch, state = self.ruling.venues.get(observation.account.venue), self.accounts.get(observation.account)
        return watch is not None and state is not None and watch.selects(state.account)

    def watches(self, rule: str, account: AccountKey) -> bool:
        """Whether the rule applies to the account."""
        watch, state = self.ruling.venues.get(account.venue), self.accounts.get(account)
        if watch is None or state is None:
            return False
        return rule in self.ruling.rules_of(watch, state.account).numbers

    def _wishes(self, turn: Turn) -> Wishes | None:
        """What operators wrote; they silenced and acknowledged alerts of the rules that ran, not of others."""
        wishes = turn.seen.wishes
        if wishes is None or self._revision is not None:
            return wishes
        return replace(wishes, silences=None, acknowledgements=None)

    def _begin(self, turn: Turn) -> Moment:
        """As a process begins, on what the one before left."""
        self._begun = True
        return self._replay.start(turn.seen.began_at or turn.at, left_by(self._replay.memory))
