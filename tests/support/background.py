"""The simulated venues beside a test that is not asynchronous itself."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from support.sinks import PATIENCE
from support.sites import Sites

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def background_sites(*kinds: str) -> Iterator[Sites]:
    """Those venues, served by a thread of their own until the end of the block."""
    sites = Sites(*kinds)
    ready = threading.Event()
    loop = asyncio.new_event_loop()
    over = asyncio.Event()

    async def serve() -> None:
        async with sites:
            ready.set()
            await over.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    try:
        assert ready.wait(PATIENCE)
        yield sites
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(PATIENCE)
        loop.close()
