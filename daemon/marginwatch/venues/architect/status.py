"""From what gRPC says to our closed list of failures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from grpc import StatusCode

from marginwatch.core.model import FailureKind, VenueFailure
from marginwatch.venues.architect.wire import CREATE_JWT
from marginwatch.venues.http.failure import spoken

if TYPE_CHECKING:
    from collections.abc import Mapping

KIND_OF: Final[Mapping[StatusCode, FailureKind]] = {
    StatusCode.CANCELLED: FailureKind.UNREACHABLE,
    StatusCode.UNKNOWN: FailureKind.SERVER_ERROR,
    StatusCode.INVALID_ARGUMENT: FailureKind.BAD_ANSWER,
    StatusCode.DEADLINE_EXCEEDED: FailureKind.TIMED_OUT,
    StatusCode.NOT_FOUND: FailureKind.ACCOUNT_UNKNOWN,
    StatusCode.ALREADY_EXISTS: FailureKind.BAD_ANSWER,
    StatusCode.PERMISSION_DENIED: FailureKind.REFUSED,
    StatusCode.RESOURCE_EXHAUSTED: FailureKind.RATE_LIMITED,
    StatusCode.FAILED_PRECONDITION: FailureKind.BAD_ANSWER,
    StatusCode.ABORTED: FailureKind.SERVER_ERROR,
    StatusCode.OUT_OF_RANGE: FailureKind.BAD_ANSWER,
    StatusCode.UNIMPLEMENTED: FailureKind.BAD_ANSWER,
    StatusCode.INTERNAL: FailureKind.SERVER_ERROR,
    StatusCode.UNAVAILABLE: FailureKind.UNREACHABLE,
    StatusCode.DATA_LOSS: FailureKind.SERVER_ERROR,
    StatusCode.UNAUTHENTICATED: FailureKind.REFUSED,
}
"""Every code but OK. A code that says our request is wrong means that the venue no longer speaks as documented."""

NOT_OFFERED: Final = frozenset({StatusCode.UNIMPLEMENTED, StatusCode.NOT_FOUND, StatusCode.PERMISSION_DENIED})
"""What a server answers to an optional call that it does not have for this login."""

_NO_LOGIN: Final = frozenset({StatusCode.INVALID_ARGUMENT, StatusCode.NOT_FOUND, StatusCode.FAILED_PRECONDITION})
"""What a server may answer to credentials it does not know."""

_SENTENCES: Final[Mapping[FailureKind, str]] = {
    FailureKind.UNREACHABLE: "no connection",
    FailureKind.TIMED_OUT: "no answer in time",
    FailureKind.REFUSED: "the venue refused the call",
    FailureKind.RATE_LIMITED: "too many calls",
    FailureKind.SERVER_ERROR: "the venue failed",
    FailureKind.BAD_ANSWER: "the venue does not answer as documented",
    FailureKind.ACCOUNT_UNKNOWN: "the venue knows no such account",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A call that gave no answer."""

    failure: VenueFailure
    code: StatusCode | None = None
    """None when no server said anything."""


def kind_of(code: StatusCode, details: str, call: str, *, about_account: bool) -> FailureKind:
    """The failure a status stands for.

    A message beyond our size limit has the code of a rate limit, told apart by its words; a login that is not
    understood is refused; only a call about one account can find that account unknown.
    """
    if code is StatusCode.RESOURCE_EXHAUSTED and "larger than max" in details:
        return FailureKind.BAD_ANSWER
    if call == CREATE_JWT and code in _NO_LOGIN:
        return FailureKind.REFUSED
    kind = KIND_OF[code]
    return FailureKind.BAD_ANSWER if kind is FailureKind.ACCOUNT_UNKNOWN and not about_account else kind


def sentence(kind: FailureKind, call: str, details: str, secrets: tuple[str, ...]) -> str:
    """One sentence for a person: what happened, and the server's own words without secrets."""
    said = spoken(details, secrets)
    what = "the venue refused the login" if kind is FailureKind.REFUSED and call == CREATE_JWT else _SENTENCES[kind]
    return what + (f": {said}" if said else "")
