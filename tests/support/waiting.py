"""Waiting for what nobody announces: what a database holds, a log says, or a server was asked."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from support.sinks import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable

    from marginwatch.simulator.faults import Faults


async def until(holds: Callable[[], object], pause: float = 0.01) -> None:
    """Wait until it holds, looking again after every pause in seconds; fails when patience ends."""
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110  (because nothing that is waited for here has an event)
            await asyncio.sleep(pause)


async def asked_again(faults: Faults, times: int = 1) -> None:
    """Wait until a simulated venue is asked so many times more."""
    enough = len(faults.asked()) + times
    await until(lambda: len(faults.asked()) >= enough)
