"""From gRPC's words to our closed list of failures."""

from __future__ import annotations

import pytest
from grpc import StatusCode

from marginwatch.core.model import FailureKind
from marginwatch.venues.architect.status import KIND_OF, kind_of, sentence
from marginwatch.venues.architect.wire import CREATE_JWT, SUMMARIES, SUMMARY


def test_every_status_has_its_failure(snapshot: object) -> None:
    """The table is total: a code nobody thought of cannot occur."""
    assert set(KIND_OF) == set(StatusCode) - {StatusCode.OK}
    assert {code.name: kind.value for code, kind in KIND_OF.items()} == snapshot


@pytest.mark.parametrize(
    ("code", "details", "call", "kind"),
    [
        (StatusCode.RESOURCE_EXHAUSTED, "slow down", SUMMARIES, FailureKind.RATE_LIMITED),
        (
            StatusCode.RESOURCE_EXHAUSTED,
            "CLIENT: Received message larger than max (64000014 vs. 16777216)",
            SUMMARIES,
            FailureKind.BAD_ANSWER,
        ),
        (StatusCode.NOT_FOUND, "no account", SUMMARY, FailureKind.ACCOUNT_UNKNOWN),
        (StatusCode.NOT_FOUND, "no route", SUMMARIES, FailureKind.BAD_ANSWER),
        (StatusCode.NOT_FOUND, "no such key", CREATE_JWT, FailureKind.REFUSED),
        (StatusCode.INVALID_ARGUMENT, "bad key", CREATE_JWT, FailureKind.REFUSED),
        (StatusCode.INVALID_ARGUMENT, "bad filter", SUMMARIES, FailureKind.BAD_ANSWER),
    ],
)
def test_a_code_of_two_meanings_is_told_apart(code: StatusCode, details: str, call: str, kind: FailureKind) -> None:
    """Too large is no rate limit, a login not understood is refused, and only a call about an account denies it."""
    assert kind_of(code, details, call, about_account=call == SUMMARY) is kind


@pytest.mark.parametrize("kind", FailureKind)
def test_a_sentence_never_holds_a_secret(kind: FailureKind) -> None:
    """Whatever a server echoes, the secret is cut out, on one line of bounded length."""
    said = sentence(kind, SUMMARIES, "bad secret\nhunter2 \x1b[31m" + "x" * 5000, ("hunter2",))
    assert "hunter2" not in said
    assert said.isprintable()
    assert len(said) < 300
    assert sentence(kind, CREATE_JWT, "", ()).isprintable()
