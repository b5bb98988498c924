"""A small HTTP/1.1 server on loopback that can misbehave in every way a venue can, down to the socket."""

from __future__ import annotations

import asyncio
import contextlib
import http
import socket
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol, Self

import msgspec

from marginwatch.simulator.faults import FaultKind

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from marginwatch.simulator.faults import Fault, Faults
    from marginwatch.simulator.world import Json, World

_GARBAGE: Final = b'\x00\x1f\xff{"data": [1, 2,, '
_HTML: Final = b"<!doctype html><html><head><title>Maintenance</title></head><body>Back soon.</body></html>"
_DRIP: Final = 8
"""Bytes of a slow answer that come at once."""
_CHUNK: Final = b" " * 65_536
_LARGEST_REQUEST: Final = 1_000_000
_CLIENT_GONE: Final = (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError)
"""The connection is closed or reset, or what came over it is not HTTP."""

encode: Final = msgspec.json.Encoder(decimal_format="number").encode
"""A body as JSON, money as numbers with all their digits."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came in."""

    method: str
    path: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def token(self) -> str:
        """The bearer token, empty without one."""
        kind, _, token = self.headers.get("authorization", "").partition(" ")
        return token if kind == "Bearer" else ""


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})


def json_reply(body: Json, status: int = 200) -> Reply:
    """An answer in JSON."""
    return Reply(status, encode(body))


class HttpApi(Protocol):
    """One venue's API as its server sees it."""

    def named(self, request: Request) -> tuple[str, str]:
        """The venue's name of the call, and the account it is about or an empty text."""
        ...

    def answer(self, request: Request) -> Reply:
        """The right answer."""
        ...

    def error(self, status: int, message: str) -> Reply:
        """An error as this venue words it."""
        ...

    def has_errors(self, message: str) -> Reply:
        """The error that some venues send with a good status."""
        ...

    def revoke(self) -> None:
        """Refuse every token given out so far."""
        ...


class HttpServer:
    """Serves one API on 127.0.0.1 from inside the running event loop."""

    def __init__(self, api: HttpApi, world: World, faults: Faults, base_path: str = "") -> None:
        self.faults = faults
        self._api = api
        self._world = world
        self._base_path = base_path
        self._server: asyncio.Server | None = None
        self._connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._port = 0

    @property
    def port(self) -> int:
        """The port it serves on, or served on last."""
        return self._port

    @property
    def base_url(self) -> str:
        """What goes into the config of a venue."""
        return f"http://127.0.0.1:{self._port}{self._base_path}"

    async def start(self, port: int = 0) -> None:
        """Begin to serve; port 0 lets the system pick one."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close the port and every connection, as a venue that is gone."""
        if self._server is not None:
            self._server.close()
        for writer in self._connections.values():
            writer.transport.abort()
        await asyncio.gather(*self._connections)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections[task] = writer
        try:
            while (request := await _read(reader)) is not None:
                await self._respond(request, reader, writer)
        except _CLIENT_GONE:
            pass
        finally:
            writer.close()
            with contextlib.suppress(*_CLIENT_GONE):
                await writer.wait_closed()
            del self._connections[task]

    async def _respond(self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        call, account = self._api.named(request)
        self.faults.record(call, account, self._world.now())
        fault = self.faults.take(call, account)
        if fault is None:
            await _send(writer, self._api.answer(request))
        elif fault.kind is FaultKind.HANG:
            await reader.read()
        elif fault.kind is FaultKind.SLOW_DRIP:
            await _drip(writer, self._api.answer(request), fault.seconds)
        elif fault.kind is FaultKind.RESET:
            await _reset(writer, self._api.answer(request))
        elif fault.kind is FaultKind.OVERSIZED:
            await _pour(writer, fault.size)
        else:
            await _send(writer, self._wrong(request, fault))

    def _wrong(self, request: Request, fault: Fault) -> Reply:
        match fault.kind:
            case FaultKind.STATUS:
                reply = self._api.error(fault.status, fault.message)
                wait = {} if fault.retry_after is None else {"Retry-After": fault.retry_after}
                return Reply(reply.status, reply.body, {**reply.headers, **wait})
            case FaultKind.TRUNCATED:
                reply = self._api.answer(request)
                return Reply(reply.status, reply.body[: len(reply.body) // 2], reply.headers)
            case FaultKind.HAS_ERRORS:
                return self._api.has_errors(fault.message)
            case FaultKind.REVOKED:
                self._api.revoke()
                return self._api.answer(request)
            case FaultKind.HTML:
                return Reply(200, _HTML, {"Content-Type": "text/html"})
            case _:
                bodies = {FaultKind.GARBAGE: _GARBAGE, FaultKind.EMPTY: b""}
                return Reply(200, bodies.get(fault.kind, fault.body))


async def _read(reader: asyncio.StreamReader) -> Request | None:
    """The next request of a connection, None when the client has closed it."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head[:-4].split("\r\n")
    method, path, _ = first.split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    length = min(int(headers.get("content-length", "0")), _LARGEST_REQUEST)
    return Request(method, path, headers, await reader.readexactly(length))


def _head(status: int, headers: Mapping[str, str], length: int) -> bytes:
    lines = [f"HTTP/1.1 {status} {http.HTTPStatus(status).phrase}", f"Content-Length: {length}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


async def _send(writer: asyncio.StreamWriter, reply: Reply) -> None:
    writer.write(_head(reply.status, reply.headers, len(reply.body)) + reply.body)
    await writer.drain()


async def _drip(writer: asyncio.StreamWriter, reply: Reply, pause: float) -> None:
    writer.write(_head(reply.status, reply.headers, len(reply.body)))
    for start in range(0, len(reply.body), _DRIP):
        writer.write(reply.body[start : start + _DRIP])
        await writer.drain()
        await asyncio.sleep(pause)


async def _reset(writer: asyncio.StreamWriter, reply: Reply) -> None:
    writer.write(_head(reply.status, reply.headers, len(reply.body)) + reply.body[: len(reply.body) // 2])
    await writer.drain()
    at_once = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
    writer.transport.abort()


async def _pour(writer: asyncio.StreamWriter, size: int) -> None:
    writer.write(_head(200, {"Content-Type": "application/json", "Connection": "close"}, size))
    for _ in range(-(-size // len(_CHUNK))):
        writer.write(_CHUNK)
        await writer.drain()
    writer.close()
