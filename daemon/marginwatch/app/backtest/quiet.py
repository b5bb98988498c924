"""Stretches of the past in which nothing happens, decided at once instead of answer by answer.

A decision leaves no trace until it is remembered. So several turns are tried as one, and the decision is dropped and
made turn by turn, unless it is sure that each by itself would have brought nothing: no alert is or comes to be, no
timer runs out, nobody is seen for the first time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from marginwatch.core import engine
from marginwatch.core.model import AccountKey, CycleEnd

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from marginwatch.app.backtest.turn import Turn
    from marginwatch.core.engine import News
    from marginwatch.core.memory import Memory
    from marginwatch.core.ruling import Ruling

MOST: Final = 64
"""Turns tried as one."""


def pass_quietly(memory: Memory, ruling: Ruling, turns: Sequence[Turn]) -> tuple[int, int]:
    """Remember the turns from the first on that bring nothing; gives how many, and how many must be taken one by one.

    One of the two is nothing.
    """
    if memory.open or memory.waiting or memory.silences or ruling.groups:
        return 0, len(turns)
    stretch = _Stretch(memory, ruling)
    number = next((place for place, turn in enumerate(turns) if not stretch.take(turn)), len(turns))
    if number > 1:
        decision = engine.decide(memory, ruling, stretch.news, turns[number - 1].at)
        draft = decision.draft
        if not (draft.alerts or draft.transitions or draft.blinded):
            engine.remember(memory, decision)
            return number, 0
    stretch.undo()
    return 0, max(number, 1)


class _Stretch:
    """Turns that may be decided as one."""

    def __init__(self, memory: Memory, ruling: Ruling) -> None:
        self.news: list[News] = []
        self._memory = memory
        self._ruling = ruling
        self._heard: dict[AccountKey, datetime] = {}
        """When accounts were heard of last, in the stretch."""
        self._timers: dict[AccountKey, datetime] = {}
        """When timers ran out that were set anew."""
        self._due = memory.next_timer()

    def take(self, turn: Turn) -> bool:
        """Add the turn, or say that it must be decided by itself."""
        if not turn.plain or not (self._due is None or self._due >= turn.at or self._renew(turn.at)):
            return False
        heard = [each for each in turn.observations() if not each.failures and each.account in self._memory.accounts]
        if len(heard) != len(turn.news) and len(heard) != sum(not isinstance(item, CycleEnd) for item in turn.news):
            return False  # something else is among the news
        for each in heard:
            self._heard[each.account] = each.fetched_at
        self.news += turn.news
        return True

    def undo(self) -> None:
        """Set the timers back."""
        for account, due in self._timers.items():
            self._memory.set_timer(account, due)

    def _renew(self, at: datetime) -> bool:
        """Set the timers anew that run out before then of accounts heard of meanwhile; false if one was not."""
        while (due := self._due) is not None and due < at:
            account = self._memory.timers[0][2]
            heard = self._heard.get(account) if isinstance(account, AccountKey) else None
            if heard is None or not isinstance(account, AccountKey):
                return False
            fresh = heard + self._ruling.venues[account.venue].stale_after
            if fresh <= due or self._memory.accounts[account].blind:
                return False
            self._timers.setdefault(account, due)
            self._memory.set_timer(account, fresh)
            self._due = self._memory.next_timer()
        return True
