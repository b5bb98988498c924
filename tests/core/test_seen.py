"""What is kept of a tick's news beside its commit."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from marginwatch.core.engine import ClockJump
from marginwatch.core.health import ReceiverState
from marginwatch.core.model import CycleEnd
from marginwatch.core.seen import Kind, Seen, seen_in
from support.records import NOON, after, commit

if TYPE_CHECKING:
    from marginwatch.core.engine import News


def test_news_of_marginwatch_itself_is_not_kept() -> None:
    """How receivers and the clock are is no venue's news: beside those, the order of what is kept is the same."""
    end = CycleEnd("futures", NOON, after(1), 0, 0)
    itself: list[News] = [ReceiverState("desk"), ClockJump(NOON, after(60), timedelta(seconds=1))]

    assert seen_in(itself, commit(), {"futures"}) == Seen()
    assert seen_in([*itself, end, *itself], commit(cycles=(end,)), {"futures"}).order == ((Kind.CYCLE_END, 0),)
    assert seen_in([end], commit(), {"futures"}) == Seen()
