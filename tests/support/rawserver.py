"""A loopback server that writes whatever bytes a test wants."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

Connection: TypeAlias = "Callable[[asyncio.StreamReader, asyncio.StreamWriter, int], Awaitable[None]]"
"""What to do with one connection; the number counts connections from 1."""

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@asynccontextmanager
async def raw_server(serve: Connection) -> AsyncIterator[int]:
    """Serve on a port of its own, which is what is given."""
    count = 0
    tasks: set[asyncio.Task[None] | None] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        count += 1
        tasks.add(asyncio.current_task())
        try:
            await serve(reader, writer, count)
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await asyncio.wait([task for task in tasks if task is not None] or [asyncio.create_task(asyncio.sleep(0))])


async def next_request(reader: asyncio.StreamReader) -> bytes:
    """The head of the next request."""
    return await reader.readuntil(b"\r\n\r\n")
