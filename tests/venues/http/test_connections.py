"""A connection serves one exchange at a time, is used again while it is good, and is closed when it is not."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING

import httpcore
import pytest

from marginwatch.venues.http.connections import Connections
from support.rawserver import OK, next_request, raw_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Server:
    """Counts connections and answers every request of each."""

    def __init__(self) -> None:
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        self.connections = number
        while not reader.at_eof():
            try:
                await next_request(reader)
            except asyncio.IncompleteReadError:
                return
            writer.write(OK)


@asynccontextmanager
async def connections_to(server: Server, most: int = 1) -> AsyncIterator[tuple[Connections, httpcore.URL]]:
    """So many connections, and where to ask."""
    async with raw_server(server.serve) as port, aclosing(Connections(None, most)) as connections:
        yield connections, httpcore.URL(scheme=b"http", host=b"127.0.0.1", port=port, target=b"/")


async def ask(connections: Connections, url: httpcore.URL) -> bytes:
    """One whole exchange."""
    connection = await connections.take(url.origin, 1)
    try:
        response = await connection.handle_async_request(httpcore.Request("GET", url, headers=[("Host", "x")]))
        return await response.aread()
    finally:
        await response.aclose()
        await connections.give_back(connection)


async def test_a_connection_is_used_again() -> None:
    """Exchanges one after another need one connection."""
    server = Server()
    async with connections_to(server) as (connections, url):
        assert [await ask(connections, url) for _ in range(3)] == [b"{}"] * 3
    assert server.connections == 1


async def test_a_connection_serves_its_own_host_only() -> None:
    """Another port is another connection, though only one may be open."""
    one, other = Server(), Server()
    async with raw_server(other.serve) as port, connections_to(one) as (connections, url):
        await ask(connections, url)
        elsewhere = httpcore.URL(scheme=b"http", host=b"127.0.0.1", port=port, target=b"/")
        assert await ask(connections, elsewhere) == b"{}"
    assert (one.connections, other.connections) == (1, 1)


async def test_an_exchange_cut_short_takes_its_connection_with_it() -> None:
    """What is left of one answer is never read as the next one."""
    server = Server()
    async with connections_to(server) as (connections, url):
        connection = await connections.take(url.origin, 1)
        response = await connection.handle_async_request(httpcore.Request("GET", url, headers=[("Host", "x")]))
        await response.aclose()
        await connections.give_back(connection)
        assert await ask(connections, url) == b"{}"
    assert server.connections == 2


async def test_no_more_are_in_use_than_may_be() -> None:
    """Who finds none free waits, as long as it has patience."""
    async with connections_to(Server()) as (connections, url):
        connection = await connections.take(url.origin, 1)
        with pytest.raises(httpcore.PoolTimeout):
            await connections.take(url.origin, 0.01)
        waiting = asyncio.create_task(ask(connections, url))
        await asyncio.sleep(0)
        await connections.give_back(connection)
        assert await waiting == b"{}"


async def test_what_ends_after_the_closing_is_closed() -> None:
    """A connection that was in use when all were closed is not kept."""
    server = Server()
    async with connections_to(server) as (connections, url):
        connection = await connections.take(url.origin, 1)
        await connections.aclose()
        response = await connection.handle_async_request(httpcore.Request("GET", url, headers=[("Host", "x")]))
        await response.aread()
        await response.aclose()
        await connections.give_back(connection)
        assert connection.is_closed()
