"""How delivery goes is looked at from the first moment on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marginwatch.core.health import ReceiverState
from marginwatch.core.state import Commit
from support.house import opened
from support.manual_clock import ManualClock
from support.notices import message

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


async def test_the_failing_of_a_receiver_ends_although_the_last_process_did_not_see_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between the delivery and the look that would have closed the alert: the next process closes it."""
    clock = ManualClock()
    clock.rule(monkeypatch)
    async with opened(tmp_path, clock, "helio") as house:
        house.daemon.pump.put(ReceiverState("hook", failures=3))
        await house.daemon.pump.drain()
        assert len(house.store.load_prior().alerts) == 1

        await house.restart()
        await house.daemon.receivers.look()
        await house.daemon.pump.drain()

        assert house.store.load_prior().alerts == ()


async def test_messages_lost_with_their_receiver_are_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A receiver renamed while its messages waited: the one that is left hears how many never arrived, once."""
    clock = ManualClock()
    clock.rule(monkeypatch)
    async with opened(tmp_path, clock, "helio") as house:
        lost = (message("old name"), message("old name", number=2))
        house.store.commit(Commit(at=clock.now(), revision="r1", messages=lost))
        await house.restart()
        await house.settle()
        for _ in range(2):
            await house.daemon.receivers.look()
            await house.settle()

        (heard,) = house.heard()
        assert (heard["rule"], heard["state"], heard["subject"]) == ("receiver-failing", "firing", "old name")
        assert "Messages given up: 2; it is not configured any more." in heard["message"]
