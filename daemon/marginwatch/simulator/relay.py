"""A plain TCP relay in front of a local server, so that connections can break as they do on a real network."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from typing import Final

_LOOPBACK: Final = "127.0.0.1"
_CHUNK: Final = 65_536
_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)


class Relay:
    """Passes bytes between its own port and another one, both on loopback."""

    def __init__(self) -> None:
        self.port = 0
        """Where it listens, once started."""
        self._upstream_port = 0
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()

    async def start(self, upstream_port: int, port: int = 0) -> None:
        """Listen on `port` (0 picks one) and pass everything on to `upstream_port`; OSError when the port is taken."""
        self._upstream_port = upstream_port
        self._server = await asyncio.start_server(self._serve, _LOOPBACK, port)
        self.port = self._server.sockets[0].getsockname()[1]

    def reset(self) -> None:
        """Break every open connection with a TCP reset."""
        for writer in tuple(self._writers):
            with contextlib.suppress(OSError):  # closed meanwhile
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            writer.transport.abort()

    async def stop(self) -> None:
        """Stop listening and break what is open."""
        server, self._server = self._server, None
        if server:
            server.close()
        self.reset()
        if server:
            await asyncio.gather(*self._serving)
            await server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving = asyncio.current_task()
        assert serving
        self._serving.add(serving)
        try:
            await self._pass_on(reader, writer)
        finally:
            self._serving.discard(serving)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            upstream_reader, upstream_writer = await asyncio.open_connection(_LOOPBACK, self._upstream_port)
        except OSError:
            writer.transport.abort()
            return
        self._writers.update((writer, upstream_writer))
        try:
            async with asyncio.TaskGroup() as pumps:
                pumps.create_task(_pump(reader, upstream_writer))
                pumps.create_task(_pump(upstream_reader, writer))
        finally:
            self._writers -= {writer, upstream_writer}


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
