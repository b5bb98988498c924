"""A thread that nobody has to wait for."""

from __future__ import annotations

import asyncio

from marginwatch.ops.threads import in_thread


async def test_a_thread_whose_caller_has_gone_is_no_trouble() -> None:
    """A result that nobody waits for any more is dropped."""
    gate = asyncio.Event()
    loop = asyncio.get_running_loop()

    def work() -> str:
        loop.call_soon_threadsafe(gate.set)
        return "done"

    abandoned = in_thread(work, "abandoned")
    abandoned.cancel()
    await gate.wait()

    assert await in_thread(lambda: "next", "next") == "next"
    assert abandoned.cancelled()
