"""What exceptions and log lines of a failed send mean, beyond those that real servers are made to cause."""

from __future__ import annotations

import logging
import smtplib
import ssl

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from marginwatch.core.outbox import AttemptOutcome
from marginwatch.notify.outcome import of_error, of_line, of_status, quiet_loggers, witness


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (requests.ConnectTimeout(), AttemptOutcome.RETRYABLE),
        (requests.exceptions.ProxyError(), AttemptOutcome.RETRYABLE),
        (requests.exceptions.InvalidURL(), AttemptOutcome.PERMANENT),
        (requests.ConnectionError(), AttemptOutcome.AMBIGUOUS),
        (requests.RequestException(), AttemptOutcome.AMBIGUOUS),
        (ssl.SSLError(), AttemptOutcome.RETRYABLE),
        (TimeoutError(), AttemptOutcome.RETRYABLE),
        (OSError(), AttemptOutcome.RETRYABLE),
        (ValueError(), AttemptOutcome.RETRYABLE),
        (smtplib.SMTPConnectError(554, "no"), AttemptOutcome.RETRYABLE),
        (smtplib.SMTPHeloError(501, "no"), AttemptOutcome.RETRYABLE),
        (smtplib.SMTPAuthenticationError(535, "no"), AttemptOutcome.RETRYABLE),
        (smtplib.SMTPSenderRefused(550, b"no", "a@b"), AttemptOutcome.PERMANENT),
        (smtplib.SMTPNotSupportedError(), AttemptOutcome.RETRYABLE),
        (smtplib.SMTPServerDisconnected(), AttemptOutcome.RETRYABLE),
    ],
)
def test_before_anything_was_sent(error: Exception, outcome: AttemptOutcome) -> None:
    """Only what cannot have been sent is called retryable, and only what cannot be mended permanent."""
    assert of_error(error).outcome is outcome


@pytest.mark.parametrize("error", [OSError(), TimeoutError(), ConnectionResetError(), smtplib.SMTPServerDisconnected()])
def test_a_mail_dialogue_that_breaks_off_is_ambiguous(error: Exception) -> None:
    """Once the dialogue has begun the server may have taken the mail."""
    assert of_error(error, in_dialogue=True).outcome is AttemptOutcome.AMBIGUOUS


@given(st.integers(100, 999))
def test_every_status_has_an_outcome(status: int) -> None:
    """A plugin's failure is never taken for a delivery, and only a client error can be final."""
    outcome = of_status(status).outcome

    assert outcome is not AttemptOutcome.DELIVERED
    assert outcome is not AttemptOutcome.PERMANENT or 400 <= status < 500


def line(level: int, text: str, *args: object) -> logging.LogRecord:
    """A log line of Apprise's."""
    return logging.LogRecord("apprise", level, __file__, 1, text, args, None)


def test_only_warnings_with_a_code_say_something() -> None:
    """A debug line may hold a body with anything in it, and most lines tell nothing of the outcome."""
    assert of_line(line(logging.DEBUG, "Response Details: error=400.")) is None
    assert of_line(line(logging.WARNING, "A Connection error occurred")) is None
    found = of_line(line(logging.WARNING, "Failed to send JSON %s notification: %serror=%s.", "POST", "", 429))
    assert found is not None
    assert found.outcome is AttemptOutcome.RETRYABLE


def test_a_witness_sees_only_its_own_sends() -> None:
    """Outside of a send nothing is collected, and inside the last line counts."""
    quiet_loggers()
    quiet_loggers()
    logger = logging.getLogger("apprise")
    logger.warning("error=400.")
    with witness() as found:
        logger.warning("error=503.")
        try:
            int("no number")
        except ValueError:
            logger.warning("A Connection error occurred")
    logger.warning("error=400.")

    assert [answer.detail for answer in found] == ["HTTP 503 (unavailable)", "the send failed (ValueError)"]
