"""A daemon that runs in the test's own process for the time of a block."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from marginwatch.app.build import assemble, configure
from marginwatch.app.daemon import Daemon
from marginwatch.app.start import owned_store
from marginwatch.ops.sd_notify import Systemd

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from support.scripted_venue import ScriptedVenue


@asynccontextmanager
async def running(daemon: Daemon) -> AsyncIterator[None]:
    """Let it run until the end of the block, and stop as a signal would stop it."""
    stop = asyncio.Event()
    life = asyncio.create_task(daemon.run(stop))
    try:
        yield
    finally:
        stop.set()
        await life


@asynccontextmanager
async def living(config: Path, *venues: ScriptedVenue, systemd: Systemd | None = None) -> AsyncIterator[Daemon]:
    """The daemon of a config, running; `venues` stand in for the config's."""
    configured = configure(config, {})
    parts = assemble(configured)
    if venues:
        parts = replace(parts, venues=venues)
    with owned_store(configured) as store:
        daemon = Daemon(configured, parts, store, systemd or Systemd({}))
        async with running(daemon):
            yield daemon
