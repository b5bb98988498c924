"""The way to one Architect installation: where it is, its channel, and single calls, each with a deadline."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import grpc
import grpc.aio
import msgspec
import structlog

from marginwatch import clock
from marginwatch.core.model import FailureKind, VenueFailure
from marginwatch.venues.answer import unechoed
from marginwatch.venues.architect.srv import NotResolvedError, resolve
from marginwatch.venues.architect.status import Refusal, kind_of, sentence
from marginwatch.venues.architect.transport import in_our_words
from marginwatch.venues.http.budget import RateBudget
from marginwatch.venues.protocol import Part

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import dns.asyncresolver

    from marginwatch.core.model import AccountKey
    from marginwatch.venues.architect.endpoint import Endpoint, Target
    from marginwatch.venues.protocol import Clock

LARGEST_MESSAGE: Final = 16 * 1024 * 1024
"""Bytes of one answer; more is a bad answer."""

CHANNEL_OPTIONS: Final = (
    ("grpc.max_receive_message_length", LARGEST_MESSAGE),
    ("grpc.initial_reconnect_backoff_ms", 500),
    ("grpc.max_reconnect_backoff_ms", 2000),  # the default of two minutes would hide a recovery that long
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.enable_http_proxy", 0),  # gRPC would send even loopback traffic to a proxy named in the environment
    ("grpc.use_local_subchannel_pool", 1),  # two logins at one host share no backoff and no connection
)

RECONNECT: Final = 1.5
"""Seconds the second try of a call waits for a lost connection to come back."""

_MAY_HAVE_MOVED: Final = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED})
"""After these DNS is asked again before the next call."""

CALLS_PER_SECOND: Final = 5.0
CALLS_AT_ONCE: Final = 30.0
"""Well under the 10 and 100 a user may make (https://docs.architect.co/concepts/rate-limiting), for others share it."""

_log: Final = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, repr=False)
class Ask:
    """One call, as it goes out."""

    call: str
    request: Mapping[str, object]
    until: float
    """When the whole answer must be in, on the monotonic clock."""
    account: AccountKey | None = None
    """Set when the call is about one account."""
    token: str = ""
    """Empty for the login itself."""


class Connection:
    """Makes single calls.

    Args:
        venue: the operator's name for it.
        endpoint: where it is.
        clock_: gives aware UTC now.
        monotonic: seconds on a clock that is never set.
        resolver: who is asked for a missing port; None for the machine's own.
        secrets: what must not be repeated when the server says it.
        rest: seconds without calls when the venue asks for fewer, which it does without saying for how long.
    """

    def __init__(
        self,
        venue: str,
        endpoint: Endpoint,
        clock_: Clock,
        *,
        monotonic: Callable[[], float] = clock.monotonic,
        resolver: dns.asyncresolver.Resolver | None = None,
        secrets: tuple[str, ...] = (),
        rest: float = 0.0,
    ) -> None:
        self.venue = venue
        self.monotonic = monotonic
        self._endpoint = endpoint
        self.clock = clock_
        self._resolver = resolver
        self._secrets = secrets
        self._rest = rest
        self.budget = RateBudget(CALLS_PER_SECOND, monotonic, CALLS_AT_ONCE)
        self._opening = asyncio.Lock()
        self._channel: grpc.aio.Channel | None = None
        self._target: Target | None = None
        self._lost = True

    async def ask(self, ask: Ask) -> Part | Refusal:
        """The raw answer to a call. When the connection is lost it is awaited for a moment and the call made again."""
        pause = self.budget.reserve(ask.until - self.monotonic())
        if pause is None:
            return self.refuse(
                ask, FailureKind.RATE_LIMITED, "our own limit on calls leaves no room before the deadline"
            )
        await asyncio.sleep(pause)
        answer = await self._try(ask, ask.until)
        if isinstance(answer, Refusal) and answer.code is grpc.StatusCode.UNAVAILABLE:
            again = await self._try(ask, min(ask.until, self.monotonic() + RECONNECT), wait_for_ready=True)
            gave_up = isinstance(again, Refusal) and again.code is grpc.StatusCode.DEADLINE_EXCEEDED
            answer = answer if gave_up else again
        if isinstance(answer, Refusal) and answer.failure.kind is FailureKind.RATE_LIMITED:
            self.budget.pause(self._rest)
        return answer

    def refuse(self, ask: Ask, kind: FailureKind, details: str, code: grpc.StatusCode | None = None) -> Refusal:
        """The failure of a call, known now."""
        secrets = (*self._secrets, ask.token) if ask.token else self._secrets
        failure = VenueFailure(
            venue=self.venue,
            kind=kind,
            at=self.clock(),
            detail=sentence(kind, ask.call, details, secrets),
            call=ask.call,
            account=ask.account,
        )
        return Refusal(failure, code)

    async def aclose(self) -> None:
        """Close the channel; calls in flight end at once."""
        channel, self._channel, self._lost = self._channel, None, True
        if channel:
            await channel.close()

    async def _try(self, ask: Ask, until: float, *, wait_for_ready: bool = False) -> Part | Refusal:
        try:
            channel = await self._open(until)
            send = channel.unary_unary(
                f"/json.architect.{ask.call}", request_serializer=bytes, response_deserializer=bytes
            )
            body = await send(
                msgspec.json.encode(ask.request),
                timeout=self._left(until),
                metadata=(("authorization", f"Bearer {ask.token}"),) if ask.token else (),
                wait_for_ready=wait_for_ready,
            )
        except NotResolvedError as error:
            return self.refuse(ask, FailureKind.UNREACHABLE, str(error))
        except grpc.aio.AioRpcError as error:
            self._lost = self._lost or error.code() in _MAY_HAVE_MOVED
            timed_out = error.code() is grpc.StatusCode.DEADLINE_EXCEEDED  # its details only say so once more
            said = "" if timed_out else error.details() or ""
            kind = kind_of(error.code(), said, ask.call, about_account=ask.account is not None)
            details = f"{self._target} was asked" if timed_out else in_our_words(said, str(self._target))
            return self.refuse(ask, kind, details, error.code())
        except (grpc.aio.UsageError, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and _is_cancelled():
                raise
            return self.refuse(ask, FailureKind.UNREACHABLE, "it was closed on our side")
        return Part(unechoed(body, ask.token), self.clock())

    async def _open(self, until: float) -> grpc.aio.Channel:
        """The channel; the server is looked for again after the connection was lost, for it may have moved."""
        async with self._opening:
            if self._channel and not self._lost:
                return self._channel
            target = await self._find(self._left(until))
            if self._channel and target != self._target:
                await self._channel.close()
                self._channel = None
            if not self._channel:
                self._channel, self._target = _dial(target), target
                _log.info(
                    "venue dialled", venue=self.venue, server=str(target), tls=target.tls, paper=self._endpoint.paper
                )
            self._lost = False
            return self._channel

    def _left(self, until: float) -> float:
        return max(0.001, until - self.monotonic())

    async def _find(self, within: float) -> Target:
        try:
            return await resolve(self._endpoint, self._resolver, within)
        except NotResolvedError:
            if self._channel and self._target:
                return self._target
            raise


def _is_cancelled() -> bool:
    """Whether this task is cancelled, rather than its call because the channel was closed: gRPC tells both alike."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _dial(target: Target) -> grpc.aio.Channel:
    if target.tls:
        return grpc.aio.secure_channel(str(target), grpc.ssl_channel_credentials(), options=CHANNEL_OPTIONS)
    return grpc.aio.insecure_channel(str(target), options=CHANNEL_OPTIONS)
