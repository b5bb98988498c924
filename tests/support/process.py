"""Real `marginwatch` processes, watched through their log."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from support.sinks import PATIENCE

if TYPE_CHECKING:
    import signal
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path


class Process:
    """One process, from its start to its end; its standard error is its log."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.errors: list[str] = []
        """Lines of standard error."""
        self.output: list[str] = []
        """Lines of standard output."""
        self._news = asyncio.Condition()
        self._readers = asyncio.gather(self._read(process.stderr, self.errors), self._read(process.stdout, self.output))

    @property
    def log(self) -> list[dict[str, Any]]:
        """The log so far."""
        return [json.loads(line) for line in self.errors if line.startswith("{")]

    async def logged(self, event: str, times: int = 1) -> dict[str, Any]:
        """The line that tells of the event for the `times`-th time; waits for it."""

        def found() -> list[dict[str, Any]]:
            return [line for line in self.log if line["event"] == event]

        async with asyncio.timeout(PATIENCE), self._news:
            await self._news.wait_for(lambda: len(found()) >= times or self._readers.done())
        assert len(found()) >= times, f"{event} was not logged in:\n" + "\n".join(self.errors)
        return found()[times - 1]

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    async def ended(self, within: float = PATIENCE) -> int:
        """Its exit code, once it has ended by itself and all it said was read."""
        async with asyncio.timeout(within):
            code = await self._process.wait()
            await self._readers
        return code

    async def kill(self) -> None:
        """End it at once, if it has not ended."""
        if self._process.returncode is None:
            self._process.kill()
        await self.ended()

    async def _read(self, stream: asyncio.StreamReader | None, lines: list[str]) -> None:
        assert stream is not None
        async for line in stream:
            async with self._news:
                lines.append(line.decode().rstrip("\n"))
                self._news.notify_all()
        async with self._news:
            self._news.notify_all()


@asynccontextmanager
async def started(*arguments: str | Path, environ: Mapping[str, str] | None = None) -> AsyncIterator[Process]:
    """`marginwatch` with these arguments and hardly any environment; it is killed at the end if it still runs."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "marginwatch",
        *map(str, arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LANG": "C.UTF-8", **(environ or {})},
    )
    running = Process(process)
    try:
        yield running
    finally:
        await running.kill()


async def run(*arguments: str | Path, environ: Mapping[str, str] | None = None) -> tuple[int, Process]:
    """A command that ends by itself: its exit code, and what it said."""
    async with started(*arguments, environ=environ) as process:
        return await process.ended(), process
