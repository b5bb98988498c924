"""What is counted of a venue's cycle."""

from __future__ import annotations

from dataclasses import replace

from marginwatch.core.memory import Tally
from marginwatch.core.model import FailureKind, Observation, VenueFailure
from support.records import ACCOUNT, NOON

UNREAD = VenueFailure("futures", FailureKind.BAD_ANSWER, NOON, "it is no JSON", "accounts")


def test_an_answer_for_all_accounts_that_cannot_be_read_is_noted_beside_those_that_can() -> None:
    """What an account lacks for a reason of its own is no trouble of the venue."""
    tally = Tally()
    for failure in (replace(UNREAD, account=ACCOUNT), replace(UNREAD, kind=FailureKind.TIMED_OUT)):
        tally.see(Observation(ACCOUNT, NOON, None, {}, failures=(failure,)))
    assert (tally.good, tally.shared) == (2, None)
    tally.see(Observation(ACCOUNT, NOON, None, {}, failures=(UNREAD,)))
    assert (tally.good, tally.shared, tally.cause) == (3, UNREAD, None)
