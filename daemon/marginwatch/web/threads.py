"""The page's own threads: whatever it reads or draws, no tick and no send waits for it."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_THREADS = 2


class Threads:
    """Runs work until closed."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="page")

    async def call(self, work: Callable[[], T]) -> T:
        """The work's result, or what it raises."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    def close(self) -> None:
        """Drop what waits; what runs may end by itself."""
        self._pool.shutdown(wait=False, cancel_futures=True)
