"""What an error answer of StoneX Clearing says, whether it came with a good HTTP status or not. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from marginwatch.core.model import FailureKind
from marginwatch.venues.answer import Malformed, plain_text
from marginwatch.venues.http.failure import Said, spoken
from marginwatch.venues.stonex.wire import Envelope, Error, parse_envelope, parse_errors, parse_token_refused

if TYPE_CHECKING:
    from collections.abc import Mapping

_BY_STATUS_CODE: Final[Mapping[int, FailureKind]] = {
    401: FailureKind.REFUSED,
    403: FailureKind.REFUSED,
    404: FailureKind.ACCOUNT_UNKNOWN,
    429: FailureKind.RATE_LIMITED,
}
_TOKEN_REFUSED: Final = re.compile(rb'"statusCode"\s*:\s*401\b')
_HAS_ERRORS: Final = re.compile(rb'"hasErrors"\s*:\s*true\b')
_SHOWN_ERRORS: Final = 3


def explain(body: bytes, secrets: tuple[str, ...] = ()) -> Said:
    """What the body of an answer with an error status says."""
    envelope = parse_envelope(body)
    if isinstance(envelope, Malformed):
        return _explain_token(body, secrets)
    return said(envelope, secrets)


def said(envelope: Envelope, secrets: tuple[str, ...] = ()) -> Said:
    """What an envelope with errors says; the kind only where the venue leaves no doubt."""
    errors = _errors(envelope)
    told = (envelope.message or "", *(_sentence(error) for error in errors[:_SHOWN_ERRORS]))
    message = "; ".join(words for words in (spoken(part, secrets) for part in told) if words)
    trace_id = None if envelope.traceId is None else plain_text(envelope.traceId)
    return Said(spoken(message), trace_id, _kind(envelope, errors))


def refuses_token(body: bytes) -> bool:
    """Whether an answer with a good HTTP status refuses the token inside."""
    return _TOKEN_REFUSED.search(body) is not None and _HAS_ERRORS.search(body) is not None


def _explain_token(body: bytes, secrets: tuple[str, ...]) -> Said:
    refused = parse_token_refused(body)
    if isinstance(refused, Malformed):
        return Said()
    return Said(spoken(refused.error_description or refused.error or "", secrets))


def _errors(envelope: Envelope) -> list[Error]:
    if not isinstance(envelope.errors, msgspec.Raw):
        return []
    errors = parse_errors(envelope.errors)
    return [] if isinstance(errors, Malformed) else errors


def _sentence(error: Error) -> str:
    words = error.reason or (str(error.code) if error.code is not None else "")
    return f"{error.field}: {words}" if error.field else words


def _kind(envelope: Envelope, errors: list[Error]) -> FailureKind | None:
    by_status = _BY_STATUS_CODE.get(envelope.statusCode or 0)
    if by_status is not None:
        return by_status
    of_account = any((error.field or "").casefold() == "accountnumber" for error in errors)
    return FailureKind.ACCOUNT_UNKNOWN if of_account else None
