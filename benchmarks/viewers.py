"""Browsers of sorts that watch a page: `viewers.py PORT NUMBER`; each reads its stream until standard input ends."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import suppress

_ASKED = b"GET /events?live=pieces&number=1 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


async def _main(port: int, number: int) -> None:
    print(json.dumps({"port": port}), flush=True)
    streams = [await asyncio.open_connection("127.0.0.1", port, limit=1 << 22) for _ in range(number)]
    for _, writer in streams:
        writer.write(_ASKED)
        await writer.drain()
    for reader, _ in streams:
        await reader.readuntil(b"event: ")
    counts = [0] * number
    watching = [asyncio.create_task(_watch(reader, counts, place)) for place, (reader, _) in enumerate(streams)]
    print(json.dumps({"watching": number}), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    for task in watching:
        task.cancel()
    for _, writer in streams:
        writer.close()
    print(json.dumps({"texts": sum(counts)}), flush=True)


async def _watch(reader: asyncio.StreamReader, counts: list[int], place: int) -> None:
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            await reader.readuntil(b"event: ")
            counts[place] += 1


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1]), int(sys.argv[2])))
