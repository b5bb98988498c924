"""The least of an HTTP/1.1 server: keep-alive, one answer ready made for each request, next to no time spent."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any

from processes import say

if TYPE_CHECKING:
    from collections.abc import Callable

END = b"\r\n\r\n"


class Connection(asyncio.Protocol):
    """One client; `answer` makes the whole reply from the request's first line, its head and its body."""

    def __init__(self, answer: Callable[[bytes, bytes], bytes]) -> None:
        self._answer = answer
        self._waiting = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep where to write."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every request that is whole."""
        self._waiting += data
        while END in self._waiting:
            head, _, rest = self._waiting.partition(END)
            length = _length(head)
            if len(rest) < length:
                return
            self._waiting = rest[length:]
            self._transport.write(self._answer(head, rest[:length]))


def _length(head: bytes) -> int:
    place = head.lower().find(b"content-length:")
    return int(head[place + 15 :].split(b"\r\n", 1)[0]) if place >= 0 else 0


def reply(body: bytes) -> bytes:
    """A good answer in JSON."""
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body


async def serve(answer: Callable[[bytes, bytes], bytes], told: Callable[[dict[str, Any]], None]) -> None:
    """Serve on a port of the system's choice, which is said first, until the input ends; `told` takes its lines."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(answer), "127.0.0.1", 0)
    say(port=server.sockets[0].getsockname()[1])
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        told(json.loads(line))
    server.close()
