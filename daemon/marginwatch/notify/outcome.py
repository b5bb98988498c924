"""What became of one send, told from the exceptions and log lines that Apprise leaves behind.

Apprise answers success or failure and nothing more. But while it logs a failure the exception is still being handled,
so a log handler of our own can look at it: its type tells a refused connection (nothing was sent) from an answer that
never came (it may have been). Only types and numbers are taken from it, never its text, which may hold a URL, a token
or a body.
"""

from __future__ import annotations

import contextlib
import logging
import re
import smtplib
import socket
import ssl
import sys
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

import requests
from urllib3.exceptions import MaxRetryError, NameResolutionError, NewConnectionError

from marginwatch.core.outbox import AttemptOutcome

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Answer:
    """What a receiver made of one send."""

    outcome: AttemptOutcome
    detail: str = ""
    """One sentence for a person; it holds no URL, token, path or header."""


DELIVERED = Answer(AttemptOutcome.DELIVERED)
UNEXPLAINED = Answer(AttemptOutcome.RETRYABLE, "the receiver's service failed without saying why")

_WORTH_RETRYING = frozenset({401, 403, 404, 407, 408, 409, 410, 421, 423, 425, 429})
"""4xx that pass, or that stop when somebody mends a token, a channel or an address."""
_STATUSES = {
    400: "bad request",
    401: "not authorized",
    403: "forbidden",
    404: "not found",
    410: "gone",
    413: "too large",
    429: "too many requests",
    503: "unavailable",
}
_LASTING = 500
"""SMTP's codes from here on say that trying again will not help."""
_LOGIN_CODES = frozenset({530, 534, 535, 538})
_HTTP_STATUS = re.compile(r"\berror=(\d{3})\b")
_REFUSED_RECIPIENT = re.compile(r" was refused: (\d{3}) ")
_SENDS_MAIL = "sendmail"
"""The function that logs a mail's failure once the dialogue with the server has begun."""

_seen: ContextVar[list[Answer] | None] = ContextVar("seen", default=None)


@contextlib.contextmanager
def witness() -> Iterator[list[Answer]]:
    """Collect what Apprise's failures in this thread mean, last one last."""
    found: list[Answer] = []
    token = _seen.set(found)
    try:
        yield found
    finally:
        _seen.reset(token)


def quiet_loggers() -> None:
    """Keep the loggers that print URLs, headers and bodies away from every other handler, and listen to Apprise's."""
    for name in ("urllib3", "requests"):
        logger = logging.getLogger(name)
        logger.propagate = False
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())
    apprise = logging.getLogger("apprise")
    apprise.propagate = False
    apprise.setLevel(logging.DEBUG)
    if not any(isinstance(handler, _Witness) for handler in apprise.handlers):
        apprise.addHandler(_Witness())


class _Witness(logging.Handler):
    """Sees the exception that is being handled while its log line is written."""

    def emit(self, record: logging.LogRecord) -> None:
        found = _seen.get()
        if found is None:
            return
        error = sys.exc_info()[1]
        answer = of_line(record) if error is None else of_error(error, in_dialogue=record.funcName == _SENDS_MAIL)
        if answer is not None:
            found.append(answer)


def of_line(record: logging.LogRecord) -> Answer | None:
    """What a log line without an exception says: a refusal with its code, or nothing."""
    if record.levelno < logging.WARNING:
        return None
    line = record.getMessage()
    if status := _HTTP_STATUS.search(line):
        return of_status(int(status[1]))
    if refused := _REFUSED_RECIPIENT.search(line):
        return of_mail_code(int(refused[1]), "a recipient")
    return None


def of_status(status: int) -> Answer:
    """What an HTTP status that the plugin took for a failure means."""
    words = f"HTTP {status}" + (f" ({_STATUSES[status]})" if status in _STATUSES else "")
    match status // 100:
        case 2:
            return Answer(AttemptOutcome.AMBIGUOUS, f"{words}, but its answer is not what the service documents")
        case 3:
            return Answer(AttemptOutcome.RETRYABLE, f"{words}: redirects are not followed, write the final address")
        case 4 if status not in _WORTH_RETRYING:
            return Answer(AttemptOutcome.PERMANENT, words)
        case _:
            return Answer(AttemptOutcome.RETRYABLE, words)


def of_mail_code(code: int, what: str) -> Answer:
    """What a mail server's refusal means: 5xx is final unless it is about the login."""
    final = code >= _LASTING and code not in _LOGIN_CODES
    return Answer(
        AttemptOutcome.PERMANENT if final else AttemptOutcome.RETRYABLE, f"the mail server refused {what} ({code})"
    )


def of_error(error: BaseException, *, in_dialogue: bool = False) -> Answer:
    """What an exception means; `in_dialogue` is True once a mail server may have taken the mail."""
    if isinstance(error, smtplib.SMTPException):
        return _of_mail(error, in_dialogue=in_dialogue)
    if isinstance(error, OSError) and in_dialogue:
        return Answer(AttemptOutcome.AMBIGUOUS, "the connection was lost while it was being sent")
    for kind, answer in _MEANINGS:
        if isinstance(error, kind):
            return answer
    if isinstance(error, requests.ConnectionError):
        return _of_connection(error)
    if isinstance(error, requests.RequestException):
        return Answer(AttemptOutcome.AMBIGUOUS, "it was sent, but the answer cannot be read")
    return Answer(AttemptOutcome.RETRYABLE, f"the send failed ({type(error).__name__})")


_NO_HOST = Answer(AttemptOutcome.RETRYABLE, "its host name cannot be resolved")
_NO_CONNECTION = Answer(AttemptOutcome.RETRYABLE, "no connection could be made")
_NO_CONNECTION_IN_TIME = Answer(AttemptOutcome.RETRYABLE, "no connection came about in time")
_NO_TLS = Answer(AttemptOutcome.RETRYABLE, "no trusted TLS connection can be made")
_UNSENDABLE = Answer(AttemptOutcome.PERMANENT, "its URL holds an address or a header that cannot be sent")

_MEANINGS: tuple[tuple[type[BaseException], Answer], ...] = (
    (requests.ConnectTimeout, _NO_CONNECTION_IN_TIME),
    (requests.ReadTimeout, Answer(AttemptOutcome.AMBIGUOUS, "it was sent, but no answer came in time")),
    (requests.exceptions.SSLError, _NO_TLS),
    (requests.exceptions.ProxyError, Answer(AttemptOutcome.RETRYABLE, "the proxy did not let it through")),
    (requests.exceptions.InvalidURL, _UNSENDABLE),
    (requests.exceptions.InvalidHeader, _UNSENDABLE),
    (socket.gaierror, _NO_HOST),
    (ssl.SSLError, _NO_TLS),
    (ConnectionRefusedError, _NO_CONNECTION),
    (TimeoutError, _NO_CONNECTION_IN_TIME),
)
"""The first that fits holds."""


def _of_connection(error: requests.ConnectionError) -> Answer:
    cause = error.args[0] if error.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else None
    if isinstance(reason, NameResolutionError):
        return _NO_HOST
    if isinstance(reason, NewConnectionError):
        return _NO_CONNECTION
    return Answer(AttemptOutcome.AMBIGUOUS, "the connection was lost before an answer came")


def _of_mail(error: smtplib.SMTPException, *, in_dialogue: bool) -> Answer:
    match error:
        case smtplib.SMTPAuthenticationError():
            return Answer(AttemptOutcome.RETRYABLE, f"the mail server refused the login ({error.smtp_code})")
        case smtplib.SMTPConnectError() | smtplib.SMTPHeloError():
            return Answer(AttemptOutcome.RETRYABLE, f"the mail server refused the connection ({error.smtp_code})")
        case smtplib.SMTPRecipientsRefused():
            return of_mail_code(min(code for code, _ in error.recipients.values()), "the recipient")
        case smtplib.SMTPResponseException():
            return of_mail_code(error.smtp_code, "the mail")
        case smtplib.SMTPServerDisconnected() if in_dialogue:
            return Answer(AttemptOutcome.AMBIGUOUS, "the mail server hung up while it was being sent")
        case _:
            return Answer(AttemptOutcome.RETRYABLE, f"the mail server failed ({type(error).__name__})")
