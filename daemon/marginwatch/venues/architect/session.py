"""One login at one Architect installation: calls made with a token that is valid."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from grpc import StatusCode

from marginwatch.core.model import FailureKind
from marginwatch.venues.answer import Malformed
from marginwatch.venues.architect.connection import Ask
from marginwatch.venues.architect.status import Refusal
from marginwatch.venues.architect.wire import CREATE_JWT, Jwt, parse_jwt

if TYPE_CHECKING:
    from marginwatch.venues.architect.connection import Connection
    from marginwatch.venues.protocol import Part

TOKEN_LIFE: Final = 3600.0
"""Seconds a token works: the vendor documents it as short-lived, and its own client counts on an hour."""
TOKEN_RENEWAL: Final = 3300.0
"""Seconds after which a new one is fetched, so that a failing login has five minutes to recover."""

SHORT_PAUSE: Final = 0.5
"""Seconds between logins that fail for want of a connection."""
FIRST_PAUSE: Final = 2.0
"""Seconds between logins; doubled each time the credentials are refused, lest the user be locked out."""
LONGEST_PAUSE: Final = 60.0

_SENDABLE: Final = re.compile(r"[!-~]{1,8192}")


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """An API key and its secret."""

    key: str
    secret: str


@dataclass(frozen=True, slots=True, repr=False)
class _Token:
    text: str
    born: float
    number: int


class Session:
    """Makes calls. There is one login at a time, and callers who wait for it share what it gave."""

    def __init__(self, connection: Connection, credentials: Credentials) -> None:
        self.budget = connection.budget
        self.clock = connection.clock
        self.monotonic = connection.monotonic
        self._connection = connection
        self._credentials = credentials
        self._logging_in = asyncio.Lock()
        self._token: _Token | None = None
        self._logins = 0
        self._pause = FIRST_PAUSE
        self._no_login_before = 0.0
        self._refusal: Refusal | None = None

    async def call(self, ask: Ask) -> Part | Refusal:
        """The raw answer to a call. A token that is refused is replaced, and the call made once more."""
        token = await self._valid_token(ask.until)
        if isinstance(token, Refusal):
            return token
        answer = await self._connection.ask(replace(ask, token=token.text))
        if isinstance(answer, Refusal) and answer.code is StatusCode.UNAUTHENTICATED:
            token = await self._token_after(token, ask.until)
            return token if isinstance(token, Refusal) else await self._connection.ask(replace(ask, token=token.text))
        return answer

    async def log_in(self, until: float) -> Refusal | None:
        """Log in now, whatever token there is; None when it worked."""
        async with self._logging_in:
            token = await self._log_in(until)
            return token if isinstance(token, Refusal) else None

    async def aclose(self) -> None:
        """Close the connection and forget the token."""
        self._token = None
        await self._connection.aclose()

    async def _valid_token(self, until: float) -> _Token | Refusal:
        if self._token and self._age(self._token) < TOKEN_RENEWAL:
            return self._token
        async with self._logging_in:
            if self._token and self._age(self._token) < TOKEN_RENEWAL:
                return self._token
            renewed = await self._log_in_politely(until)
            if isinstance(renewed, Refusal) and self._token and self._age(self._token) < TOKEN_LIFE:
                return self._token
            return renewed

    async def _token_after(self, refused: _Token, until: float) -> _Token | Refusal:
        """A newer token than the one the venue refused."""
        async with self._logging_in:
            if self._token and self._token.number > refused.number:
                return self._token
            self._token = None
            return await self._log_in_politely(until)

    async def _log_in_politely(self, until: float) -> _Token | Refusal:
        """Log in, unless the last login is too short ago: then what it met is told again."""
        if self.monotonic() >= self._no_login_before:
            return await self._log_in(until)
        if self._refusal:
            return replace(self._refusal, failure=replace(self._refusal.failure, at=self.clock()))
        what = "the token of a login a moment ago is refused"
        return self._connection.refuse(Ask(CREATE_JWT, {}, until), FailureKind.REFUSED, what)

    async def _log_in(self, until: float) -> _Token | Refusal:
        request = {"api_key": self._credentials.key, "api_secret": self._credentials.secret}
        answer = await self._connection.ask(Ask(CREATE_JWT, request, until))
        token = answer if isinstance(answer, Refusal) else self._read(answer)
        refused = isinstance(token, Refusal) and token.failure.kind is FailureKind.REFUSED
        unreachable = isinstance(token, Refusal) and token.failure.kind is FailureKind.UNREACHABLE
        self._no_login_before = self.monotonic() + (SHORT_PAUSE if unreachable else self._pause)
        self._pause = min(2 * self._pause, LONGEST_PAUSE) if refused else FIRST_PAUSE
        self._refusal = token if isinstance(token, Refusal) else None
        if isinstance(token, _Token):
            self._token = token
        return token

    def _read(self, answer: Part) -> _Token | Refusal:
        jwt = parse_jwt(answer.body)
        if isinstance(jwt, Jwt) and not _SENDABLE.fullmatch(jwt.jwt):
            jwt = Malformed("Expected a token, got a text that no header can hold", "jwt")
        if isinstance(jwt, Malformed):
            failure = jwt.of(self._connection.venue, CREATE_JWT, answer)
            return Refusal(replace(failure, body=None))  # it may hold the token
        self._logins += 1
        return _Token(jwt.jwt, self.monotonic(), self._logins)

    def _age(self, token: _Token) -> float:
        return self.monotonic() - token.born
