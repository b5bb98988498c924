"""A local gRPC server that speaks Architect's API: to the vendor's own client as well as to ours."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Self, TypeAlias

import grpc
import grpc.aio
import msgspec

from marginwatch.simulator.architect_api import API_KEY, API_SECRET, VENUE, ArchitectApi, RefusedError
from marginwatch.simulator.faults import Fault, FaultKind
from marginwatch.simulator.relay import Relay

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from types import TracebackType

    from marginwatch.simulator.architect_api import Request
    from marginwatch.simulator.faults import Faults
    from marginwatch.simulator.world import World

__all__ = ["API_KEY", "API_SECRET", "VENUE", "ArchitectSimulator"]

_PREFIX: Final = "/json.architect."

_CODES: Final[Mapping[int, grpc.StatusCode]] = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    401: grpc.StatusCode.UNAUTHENTICATED,
    403: grpc.StatusCode.PERMISSION_DENIED,
    404: grpc.StatusCode.NOT_FOUND,
    409: grpc.StatusCode.ABORTED,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    499: grpc.StatusCode.CANCELLED,
    500: grpc.StatusCode.INTERNAL,
    501: grpc.StatusCode.UNIMPLEMENTED,
    502: grpc.StatusCode.UNAVAILABLE,
    503: grpc.StatusCode.UNAVAILABLE,
    504: grpc.StatusCode.DEADLINE_EXCEEDED,
}
"""The gRPC code that says what an HTTP status says; others are UNKNOWN."""

Context: TypeAlias = "grpc.aio.ServicerContext[bytes, bytes]"


class ArchitectSimulator:
    """One simulated Architect installation on loopback; `async with` starts and stops it.

    A fault of an HTTP status becomes the gRPC code of the same meaning. SLOW_DRIP is the same as HANG here: a gRPC
    caller sees nothing of a message before its last byte. A fault for one account matches the account as it was asked
    for, by id or by name.
    """

    def __init__(
        self, world: World, faults: Faults, *, secret: str = API_SECRET, offers_margin_calls: bool = True
    ) -> None:
        self.world = world
        self.faults = faults
        self.api = ArchitectApi(world, secret=secret, offers_margin_calls=offers_margin_calls)
        self._relay = Relay()
        self._server: grpc.aio.Server | None = None

    @property
    def port(self) -> int:
        """Where it listens, once started."""
        return self._relay.port

    @property
    def endpoint(self) -> str:
        """The address to configure."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self, port: int = 0) -> None:
        """Listen on loopback; port 0 picks one. OSError when the port is taken."""
        self._server = grpc.aio.server(options=(("grpc.so_reuseport", 0),))
        self._server.add_generic_rpc_handlers((_Routes(self._answer),))
        inner = self._server.add_insecure_port("127.0.0.1:0")
        await self._server.start()
        try:
            await self._relay.start(inner, port)
        except OSError:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop at once; callers see a broken connection. It can be started again."""
        server, self._server = self._server, None
        try:
            await self._relay.stop()
        finally:
            if server:
                await server.stop(grace=None)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _answer(self, call: str, message: bytes, context: Context) -> bytes:
        request = _decoded(message)
        account = str((request or {}).get("account", ""))
        self.faults.record(call, account, self.world.now())
        fault = self.faults.take(call, account)
        try:
            await self._go_wrong_before(fault)
            body = msgspec.json.encode(self.api.answer(call, request, _token(context)))
        except RefusedError as error:
            await context.abort(error.code, error.details)
        return body if fault is None else _spoilt(body, fault)

    async def _go_wrong_before(self, fault: Fault | None) -> None:
        """The faults that leave no answer."""
        match fault:
            case Fault(kind=FaultKind.STATUS):
                raise RefusedError(_CODES.get(fault.status, grpc.StatusCode.UNKNOWN), fault.message)
            case Fault(kind=FaultKind.HAS_ERRORS):
                raise RefusedError(grpc.StatusCode.INTERNAL, fault.message)
            case Fault(kind=FaultKind.HANG | FaultKind.SLOW_DRIP):
                await _forever()
            case Fault(kind=FaultKind.RESET):
                self._relay.reset()
                await _forever()
            case Fault(kind=FaultKind.REVOKED):
                self.api.revoke_tokens()
            case _:
                pass


class _Routes(grpc.GenericRpcHandler):
    """Takes every method, as raw bytes."""

    def __init__(self, answer: Callable[[str, bytes, Context], Awaitable[bytes]]) -> None:
        self._answer = answer

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes]:
        """The method that answers this call."""
        call = handler_call_details.method.removeprefix(_PREFIX)

        async def answer(message: bytes, context: Context) -> bytes:
            return await self._answer(call, message, context)

        return grpc.unary_unary_rpc_method_handler(answer)


def _spoilt(body: bytes, fault: Fault) -> bytes:
    """The answer as the fault leaves it."""
    match fault.kind:
        case FaultKind.TRUNCATED:
            return body[: len(body) // 2]
        case FaultKind.OVERSIZED:
            return b'{"padding":"' + b"x" * fault.size + b'"}'
        case FaultKind.BODY:
            return fault.body
        case kind:
            return _INSTEAD.get(kind, body)


_INSTEAD: Final[Mapping[FaultKind, bytes]] = {
    FaultKind.GARBAGE: b"\x00\xff\xfe not json \x80",
    FaultKind.HTML: b"<!doctype html><title>Maintenance</title><h1>We will be back soon</h1>",
    FaultKind.EMPTY: b"",
}


def _decoded(message: bytes) -> Request | None:
    try:
        request = msgspec.json.decode(message)
    except msgspec.DecodeError:
        return None
    return request if isinstance(request, dict) else None


def _token(context: Context) -> str:
    sent = dict(context.invocation_metadata() or ()).get("authorization", "")
    return str(sent).removeprefix("Bearer ")


async def _forever() -> None:
    """Until the caller gives up or the server stops, which cancels this."""
    await asyncio.Event().wait()
