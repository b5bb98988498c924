"""What went wrong with one HTTP exchange, told as a value: every exception and status has its place in a table."""

from __future__ import annotations

import http
import os
import socket
import ssl
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

import httpcore

from marginwatch.core.model import FailureKind, VenueFailure
from marginwatch.ops.redact import MASK, Redactor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from marginwatch.core.model import AccountKey

LONGEST_WAIT: Final = timedelta(minutes=15)
"""A longer `Retry-After` is taken as this, so that a typing error of the venue's does not blind us for a day."""

SAID_KEPT: Final = 200
"""Characters of a venue's own error text that are passed on."""


@dataclass(frozen=True, slots=True)
class Failed:
    """An exchange that failed, before it is known whose it was."""

    kind: FailureKind
    detail: str
    """One sentence for a person, without secrets."""
    status: int = 0
    """The HTTP status, 0 when there was none."""
    retry_after: timedelta | None = None
    trace_id: str | None = None
    where: str | None = None
    body: bytes | None = None

    def of(self, venue: str, call: str, at: datetime, account: AccountKey | None = None) -> VenueFailure:
        """The failure of that call at that venue."""
        return VenueFailure(
            venue=venue,
            kind=self.kind,
            at=at,
            detail=self.detail,
            call=call,
            account=account,
            where=self.where,
            trace_id=self.trace_id,
            retry_after=self.retry_after,
            body=self.body,
        )


@dataclass(frozen=True, slots=True)
class Said:
    """What a venue's error answer says about itself."""

    message: str = ""
    """Its own words, empty when it has none."""
    trace_id: str | None = None
    kind: FailureKind | None = None
    """Set where the answer is clearer than its status."""


EXCHANGE_ERRORS: Final = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.UnsupportedProtocol,
    httpcore.ConnectionNotAvailable,
    OSError,
)
"""What an exchange may raise."""

BY_ERROR: Final[Mapping[type[Exception], tuple[FailureKind, str]]] = {
    httpcore.ConnectTimeout: (FailureKind.UNREACHABLE, "no connection in time"),
    httpcore.PoolTimeout: (FailureKind.TIMED_OUT, "no free connection in time"),
    httpcore.ReadTimeout: (FailureKind.TIMED_OUT, "no answer in time"),
    httpcore.WriteTimeout: (FailureKind.TIMED_OUT, "the request could not be sent in time"),
    httpcore.TimeoutException: (FailureKind.TIMED_OUT, "no answer in time"),
    httpcore.ConnectError: (FailureKind.UNREACHABLE, "no connection"),
    httpcore.ReadError: (FailureKind.UNREACHABLE, "the connection broke while reading the answer"),
    httpcore.WriteError: (FailureKind.UNREACHABLE, "the connection broke while asking"),
    httpcore.NetworkError: (FailureKind.UNREACHABLE, "the connection broke"),
    httpcore.ConnectionNotAvailable: (FailureKind.UNREACHABLE, "the connection was given up"),
    httpcore.ProxyError: (FailureKind.UNREACHABLE, "the proxy refused"),
    httpcore.UnsupportedProtocol: (FailureKind.UNREACHABLE, "the address is neither http nor https"),
    httpcore.LocalProtocolError: (FailureKind.BAD_ANSWER, "its token cannot be sent in a header"),
    httpcore.RemoteProtocolError: (
        FailureKind.UNREACHABLE,
        "the connection was closed before the answer was complete",
    ),
    httpcore.ProtocolError: (FailureKind.BAD_ANSWER, "the answer is not HTTP"),
    OSError: (FailureKind.UNREACHABLE, "the connection broke"),
}
"""What each exception of an exchange means; one that is not listed means what its nearest listed base means."""

BY_STATUS: Final[Mapping[int, FailureKind]] = {
    401: FailureKind.REFUSED,
    403: FailureKind.REFUSED,
    404: FailureKind.ACCOUNT_UNKNOWN,
    407: FailureKind.UNREACHABLE,
    408: FailureKind.TIMED_OUT,
    410: FailureKind.ACCOUNT_UNKNOWN,
    425: FailureKind.RATE_LIMITED,
    429: FailureKind.RATE_LIMITED,
}
"""What an HTTP status means where its class does not say it: 5xx is the server's error, the rest a bad answer."""


def of_error(error: Exception, host: str) -> Failed:
    """What an exception of an exchange with that host means. Names the host only: a URL may hold a secret."""
    known_as = httpcore.ProtocolError if _is_no_http(error) else type(error)
    kind, what = next(BY_ERROR[base] for base in known_as.__mro__ if base in BY_ERROR)
    reason = _reason(error)
    return Failed(kind, f"{host}: {what}" + (f" ({reason})" if reason else ""))


def of_status(status: int, said: Said, retry_after: timedelta | None = None) -> Failed:
    """What an answer with that status, which is no 2xx, means."""
    kind = said.kind or BY_STATUS.get(status) or _kind_of_class(status)
    name = _STATUS_NAMES.get(status, "")
    message = f": {said.message}" if said.message and said.message != name else ""
    return Failed(kind, f"answered {status} {name}".rstrip() + message, status, retry_after, said.trace_id)


def of_login(failed: Failed) -> Failed:
    """The same failure, seen as a login's: there every refusal of the request is a refusal of the login."""
    own = failed.kind in _SAME_AT_LOGIN or failed.status not in _REFUSALS
    return replace(failed, kind=failed.kind if own else FailureKind.REFUSED, detail=f"login: {failed.detail}")


_SAME_AT_LOGIN: Final = (FailureKind.RATE_LIMITED, FailureKind.TIMED_OUT, FailureKind.UNREACHABLE)
_REFUSALS: Final = range(400, 500)
_STATUS_NAMES: Final[Mapping[int, str]] = {status.value: status.phrase for status in http.HTTPStatus}


def _kind_of_class(status: int) -> FailureKind:
    server_error = http.HTTPStatus.INTERNAL_SERVER_ERROR
    return FailureKind.SERVER_ERROR if status >= server_error else FailureKind.BAD_ANSWER


def _is_no_http(error: Exception) -> bool:
    """Tell bytes that are no HTTP from a connection that is closed too early: httpcore has one class for both."""
    return isinstance(error, httpcore.RemoteProtocolError) and not {"closed", "disconnected"} & set(str(error).split())


def _reason(error: BaseException) -> str:
    """The system's own words for the innermost cause: `Connection refused`."""
    reason = ""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError):
            reason = _words(cause) or reason
        cause = cause.__cause__ or cause.__context__
    return reason


def _words(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {getattr(error, 'verify_message', 'not verified')}"
    if isinstance(error, ssl.SSLError):
        return str(getattr(error, "reason", None) or "TLS").replace("_", " ").lower()
    if isinstance(error, socket.gaierror) or not error.errno:
        return error.strerror or ""
    return os.strerror(error.errno)


def wait_of(header: str | None, now: datetime) -> timedelta | None:
    """The wait a `Retry-After` header asks for, in seconds or as a date; None without one that can be read."""
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        seconds = min(int(text[:9]), LONGEST_WAIT.total_seconds())
        return timedelta(seconds=seconds)
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return min(max(until - now, timedelta(0)), LONGEST_WAIT)


def spoken(text: str, secrets: tuple[str, ...] = ()) -> str:
    """A venue's own words, fit to be shown: one line, cut, and without a secret of ours or a token that it may echo."""
    for secret in secrets:
        text = text.replace(secret, MASK) if secret else text
    shown = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    masked = Redactor().text(shown)
    return masked if len(masked) <= SAID_KEPT else masked[: SAID_KEPT - 1] + "…"
