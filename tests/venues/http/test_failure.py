"""Every exception and status of an exchange has its kind of failure, and no sentence gives a secret away."""

from __future__ import annotations

import socket
import ssl
from datetime import UTC, datetime, timedelta

import httpcore
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marginwatch.core.model import AccountKey, FailureKind
from marginwatch.venues.http.failure import (
    BY_ERROR,
    EXCHANGE_ERRORS,
    Failed,
    Said,
    of_error,
    of_login,
    of_status,
    spoken,
    wait_of,
)

NOW = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)


RAISED = {thing for thing in vars(httpcore).values() if isinstance(thing, type) and issubclass(thing, Exception)}


@pytest.mark.parametrize("error", sorted(RAISED | {OSError}, key=str))
def test_every_exception_of_an_exchange_has_its_own_line_in_the_table(error: type[Exception]) -> None:
    """The table is total: a class that httpcore may raise is listed itself, so that nothing is classed by accident."""
    assert error in BY_ERROR
    assert issubclass(error, EXCHANGE_ERRORS)
    assert of_error(error("x"), "host").kind in FailureKind


@pytest.mark.parametrize(
    ("error", "kind", "detail"),
    [
        (httpcore.ConnectTimeout("x"), FailureKind.UNREACHABLE, "host: no connection in time"),
        (httpcore.ReadTimeout("x"), FailureKind.TIMED_OUT, "host: no answer in time"),
        (
            ConnectionResetError(104, "x"),
            FailureKind.UNREACHABLE,
            "host: the connection broke (Connection reset by peer)",
        ),
        (ssl.SSLError(1, "x"), FailureKind.UNREACHABLE, "host: the connection broke (tls)"),
    ],
)
def test_the_sentence_names_the_host_and_the_systems_reason(error: Exception, kind: FailureKind, detail: str) -> None:
    """What is said is ours and the system's, never the text of the exception, which may hold a URL."""
    assert of_error(error, "host") == Failed(kind, detail)


def test_the_reason_is_that_of_the_innermost_cause() -> None:
    """A name that is not known, or a certificate that is not trusted, is said in words."""
    unknown, untrusted = httpcore.ConnectError("x"), httpcore.ConnectError("x")
    unknown.__cause__ = socket.gaierror(-2, "Name or service not known")
    certificate = ssl.SSLCertVerificationError(1, "x")
    certificate.verify_message = "self-signed certificate"
    untrusted.__context__ = certificate

    assert of_error(unknown, "host").detail == "host: no connection (Name or service not known)"
    assert of_error(untrusted, "host").detail == (
        "host: no connection (its certificate is not trusted: self-signed certificate)"
    )


@given(status=st.integers(300, 599) | st.sampled_from([0, 999]), message=st.text(max_size=20))
def test_every_status_is_a_failure(status: int, message: str) -> None:
    """Whatever a server answers with, there is a kind for it and a sentence with the number."""
    failed = of_status(status, Said(message))
    assert failed.kind in FailureKind
    assert failed.detail.startswith(f"answered {status}")
    assert failed.status == status


def test_a_status_is_not_said_twice() -> None:
    """A server whose own words are the name of its status adds nothing."""
    assert of_status(503, Said("Service Unavailable")).detail == "answered 503 Service Unavailable"


def test_the_answer_may_be_clearer_than_its_status() -> None:
    """A kind the venue leaves no doubt about wins; its trace is kept."""
    failed = of_status(400, Said("no such account", "trace-1", FailureKind.ACCOUNT_UNKNOWN), timedelta(seconds=5))
    assert failed == Failed(
        FailureKind.ACCOUNT_UNKNOWN,
        "answered 400 Bad Request: no such account",
        400,
        timedelta(seconds=5),
        "trace-1",
    )
    failure = failed.of("here", "call", NOW, AccountKey("here", "1"))
    assert (failure.trace_id, failure.retry_after, failure.account) == (
        "trace-1",
        timedelta(seconds=5),
        AccountKey("here", "1"),
    )


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (302, FailureKind.BAD_ANSWER),
        (400, FailureKind.REFUSED),
        (401, FailureKind.REFUSED),
        (404, FailureKind.REFUSED),
        (408, FailureKind.TIMED_OUT),
        (422, FailureKind.REFUSED),
        (429, FailureKind.RATE_LIMITED),
        (500, FailureKind.SERVER_ERROR),
    ],
)
def test_a_login_that_is_answered_with_no_is_refused(status: int, kind: FailureKind) -> None:
    """At a login every rejection of the request is one of the login itself."""
    failed = of_login(of_status(status, Said()))
    assert failed.kind is kind
    assert failed.detail.startswith(f"login: answered {status}")


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("7", 7),
        (" 7 ", 7),
        ("0", 0),
        ("99999999999999999999", 900),
        ("-5", None),
        ("soon", None),
        ("Fri, 02 Jan 2026 12:00:30 GMT", 30),
        ("Fri, 02 Jan 2026 12:00:30 -0000", 30),
        ("Fri, 02 Jan 2026 11:00:00 GMT", 0),
        ("Fri, 02 Jan 2027 12:00:00 GMT", 900),
        ("Fri, 99 Jan 2026 12:00:30 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, seconds: int | None) -> None:
    """A wait is read either way, is never negative, and never longer than a quarter of an hour."""
    assert wait_of(header, NOW) == (None if seconds is None else timedelta(seconds=seconds))


@given(st.text())
def test_no_retry_after_makes_it_raise(header: str) -> None:
    """Whatever stands there, it is a wait or none."""
    wait = wait_of(header, NOW)
    assert wait is None or timedelta(0) <= wait <= timedelta(minutes=15)


def test_a_venues_words_are_tamed() -> None:
    """One line, printable, cut, and without any secret of ours that the venue may echo."""
    assert spoken("bad\npassword 'hunter2'\x1b[31m", ("hunter2", "")) == "bad password '***' [31m"
    assert len(spoken("x" * 500)) == 200
