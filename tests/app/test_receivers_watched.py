"""How delivery goes is looked at from the first moment on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marginwatch.core.health import ReceiverState
from support.house import opened
from support.manual_clock import ManualClock

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
        await house.daemon._look_at_receivers()
        await house.daemon.pump.drain()

        assert house.store.load_prior().alerts == ()
