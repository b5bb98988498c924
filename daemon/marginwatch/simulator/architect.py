"""A local gRPC server that speaks Architect's API: to the vendor's own client as well as to ours."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Final, Self, TypeAlias

import grpc
import grpc.aio
import msgspec

from marginwatch.errors import MarginwatchError
from marginwatch.simulator import architect_bodies as bodies
from marginwatch.simulator.faults import Fault, FaultKind
from marginwatch.simulator.relay import Relay

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from types import TracebackType

    from marginwatch.simulator.faults import Faults
    from marginwatch.simulator.world import Json, SimAccount, World

API_KEY: Final = "SimulatedArchitectKey024"
API_SECRET: Final = "SimulatedArchitectSecretOfFortyFourCharact=="  # noqa: S105  (because it opens nothing real)
"""The login every simulated server knows, in the vendor's format."""

VENUE: Final = "architect"
"""Its name in the world."""

_PREFIX: Final = "/json.architect."
_PAPER: Final = "PAPER:"
_OPEN: Final = frozenset({"Auth/CreateJwt", "Health/Check"})

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

Request: TypeAlias = "dict[str, object]"
Context: TypeAlias = "grpc.aio.ServicerContext[bytes, bytes]"


class _RefusedError(MarginwatchError):
    """The server answers a call with an error."""

    def __init__(self, code: grpc.StatusCode, details: str) -> None:
        self.code = code
        self.details = details
        super().__init__(details)


class ArchitectSimulator:
    """One simulated Architect installation on loopback; `async with` starts and stops it.

    A fault of an HTTP status becomes the gRPC code of the same meaning. SLOW_DRIP is the same as HANG here: a gRPC
    caller sees nothing of a message before its last byte. A fault for one account matches the account as it was asked
    for, by id or by name.
    """

    def __init__(self, world: World, faults: Faults, *, offers_margin_calls: bool = True) -> None:
        self.world = world
        self.faults = faults
        self.offers_margin_calls = offers_margin_calls
        self._relay = Relay()
        self._server: grpc.aio.Server | None = None
        self._tokens: set[str] = set()
        self._routes: Mapping[str, Callable[[Request], dict[str, Json]]] = {
            "Auth/CreateJwt": self._create_jwt,
            "Auth/AuthInfo": lambda _: {"user_id": bodies.TRADER, "original_user_id": bodies.TRADER},
            "Core/Config": lambda _: {"marketdata": {}},
            "Health/Check": lambda _: {"status": "SERVING"},
            "Accounts/Accounts": self._accounts,
            "Folio/AccountSummary": self._account_summary,
            "Folio/AccountSummaries": self._account_summaries,
            "Folio/AccountHistory": self._account_history,
            "Boss/MarginCalls": self._margin_calls,
        }

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
        await self._relay.start(inner, port)

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

    def revoke_tokens(self) -> None:
        """Refuse every token given out so far."""
        self._tokens.clear()

    async def _answer(self, call: str, message: bytes, context: Context) -> bytes:
        request = _decoded(message)
        account = str((request or {}).get("account", ""))
        self.faults.record(call, account, self.world.now())
        fault = self.faults.take(call, account)
        try:
            await self._go_wrong_before(fault)
            self._admit(call, context)
            body = msgspec.json.encode(self._routes[call](_well_formed(request)))
        except _RefusedError as error:
            await context.abort(error.code, error.details)
        return body if fault is None else _spoilt(body, fault)

    async def _go_wrong_before(self, fault: Fault | None) -> None:
        """The faults that leave no answer."""
        match fault:
            case Fault(kind=FaultKind.STATUS):
                raise _RefusedError(_CODES.get(fault.status, grpc.StatusCode.UNKNOWN), fault.message)
            case Fault(kind=FaultKind.HAS_ERRORS):
                raise _RefusedError(grpc.StatusCode.INTERNAL, fault.message)
            case Fault(kind=FaultKind.HANG | FaultKind.SLOW_DRIP):
                await _forever()
            case Fault(kind=FaultKind.RESET):
                self._relay.reset()
                await _forever()
            case Fault(kind=FaultKind.REVOKED):
                self.revoke_tokens()
            case _:
                pass

    def _admit(self, call: str, context: Context) -> None:
        if call not in self._routes or (call == "Boss/MarginCalls" and not self.offers_margin_calls):
            raise _RefusedError(grpc.StatusCode.UNIMPLEMENTED, f"unknown service or method {call}")
        sent = dict(context.invocation_metadata() or ()).get("authorization", "")
        if call not in _OPEN and str(sent).removeprefix("Bearer ") not in self._tokens:
            raise _RefusedError(grpc.StatusCode.UNAUTHENTICATED, "the token is missing, expired or revoked")

    def _create_jwt(self, request: Request) -> dict[str, Json]:
        if (request.get("api_key"), request.get("api_secret")) != (API_KEY, API_SECRET):
            raise _RefusedError(grpc.StatusCode.UNAUTHENTICATED, "unknown API key or wrong secret")
        token = f"simulated.{secrets.token_urlsafe(24)}"
        self._tokens.add(token)
        return {"jwt": token}

    def _accounts(self, request: Request) -> dict[str, Json]:
        paper = request.get("paper") is True
        of_side = (each for each in self.world.accounts(VENUE) if each.name.startswith(_PAPER) == paper)
        return {"accounts": [bodies.listed(each) for each in of_side]}

    def _account_summary(self, request: Request) -> dict[str, Json]:
        return bodies.summary(self._asked_for(request), self.world.now(), "Folio/AccountSummary")

    def _account_summaries(self, request: Request) -> dict[str, Json]:
        wanted = request.get("accounts")
        everyone = wanted is None or request.get("trader") == bodies.TRADER
        names = wanted if isinstance(wanted, list) else []
        now = self.world.now()
        rows: list[Json] = [
            bodies.summary(each, now, "Folio/AccountSummaries")
            for each in self._visible()
            if everyone or each.id in names or each.name in names
        ]
        return {"account_summaries": rows}

    def _account_history(self, request: Request) -> dict[str, Json]:
        account = self._asked_for(request)
        try:
            return {"history": bodies.history(account, request, self.world.now())}
        except (ValueError, KeyError) as error:
            raise _RefusedError(grpc.StatusCode.INVALID_ARGUMENT, f"not as documented: {error}") from None

    def _margin_calls(self, request: Request) -> dict[str, Json]:
        wanted = request.get("account_id")
        found = [each for each in self._visible() if wanted in (None, each.id)]
        return {"margin_calls": [call for each in found for call in bodies.margin_calls(each)]}

    def _visible(self) -> list[SimAccount]:
        """The accounts whose balances this login may see and that the server answers for."""
        return [each for each in self.world.accounts(VENUE) if each.answered and "view" in each.permissions]

    def _asked_for(self, request: Request) -> SimAccount:
        name = request.get("account")
        for each in self._visible():
            if name in (each.id, each.name):
                return each
        raise _RefusedError(grpc.StatusCode.NOT_FOUND, f"no account {name}")


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


def _well_formed(request: Request | None) -> Request:
    if request is None:
        raise _RefusedError(grpc.StatusCode.INVALID_ARGUMENT, "the message is no JSON object")
    return request


async def _forever() -> None:
    """Until the caller gives up or the server stops, which cancels this."""
    await asyncio.Event().wait()
