"""Whether one account can be seen: stale data, malformed answers, accounts that vanish or appear."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from marginwatch.core import health
from marginwatch.core.alert import State
from marginwatch.core.machine import Policy, advance
from marginwatch.core.model import Account, AccountKey, FailureKind, Observation, Severity, VenueFailure
from marginwatch.core.result import AlertKey, Difference, Known, Occurred, Result, Unknown
from marginwatch.core.state import AccountState
from support.alerting import ACCOUNT, after

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

STALE_AFTER = timedelta(seconds=60)
STATE = AccountState(Account(ACCOUNT, "Main"), first_seen=after(0), fetched_at=after(100))
TIMED_OUT = VenueFailure("futures", FailureKind.TIMED_OUT, after(160), "no whole answer within 10 s.", account=ACCOUNT)
BAD = VenueFailure(
    "futures",
    FailureKind.BAD_ANSWER,
    after(0),
    "a number was expected",
    call="position-summary",
    account=ACCOUNT,
    where="data.fedCallAmount",
)


def stale(state: AccountState, seconds: float, **options: object) -> Result:
    """The staleness of an account at a time."""
    because = {"margin-usage": "equity is null", "pnl": "equity is null", "calls": "timed out"}
    given: dict[str, object] = {"stale_after": STALE_AFTER, "venue_down": False, **options}
    return health.stale_result(state, because, after(seconds), **given)  # type: ignore[arg-type]  # its own options


def levels(result: Result) -> tuple[tuple[bool, ...], tuple[bool, ...]]:
    """What holds and what keeps an alert open."""
    assert isinstance(result.outcome, Known)
    return result.outcome.held, result.outcome.kept


def test_an_account_that_answers_with_every_rule_decided_is_not_stale() -> None:
    """Nothing holds and nothing keeps an alert open."""
    result = stale(STATE, 110)

    assert levels(result) == ((False, False), (False, False))
    assert (result.key, result.detail) == (AlertKey(health.DATA_STALE, ACCOUNT), "every rule can be decided")


def test_a_rule_blind_for_stale_after_is_a_warning() -> None:
    """Some of the account is seen: the warning holds once a rule was blind for long enough."""
    state = replace(STATE, blind={"margin-usage": after(50), "pnl": after(90)})

    assert levels(stale(state, 109)) == ((False, False), (True, False))
    assert levels(stale(state, 110)) == ((True, False), (True, False))


def test_no_answer_for_stale_after_is_critical() -> None:
    """Nothing of the account is seen: both levels hold."""
    assert levels(stale(STATE, 159, failure=TIMED_OUT)) == ((False, False), (True, True))
    assert levels(stale(STATE, 160, failure=TIMED_OUT)) == ((True, True), (True, True))
    assert levels(stale(STATE, 160)) == ((True, True), (True, True))


def test_an_account_never_seen_is_stale_from_when_it_was_listed() -> None:
    """Without any answer the wait begins with the first sight of its name."""
    state = AccountState(Account(ACCOUNT, "Main"), first_seen=after(0))

    assert levels(stale(state, 59)) == ((False, False), (False, False))
    assert levels(stale(state, 60)) == ((True, True), (True, True))


@pytest.mark.parametrize(
    ("state", "options", "because"),
    [
        (STATE, {"venue_down": True}, "the whole venue gives no answer"),
        (replace(STATE, missing=2), {}, "the venue lists the account no longer"),
    ],
    ids=["venue down", "vanished"],
)
def test_a_trouble_told_elsewhere_is_not_told_twice(
    state: AccountState, options: dict[str, object], because: str
) -> None:
    """While the venue is down or the account has vanished, its staleness is unknown: nothing fires or resolves."""
    assert stale(state, 999, failure=TIMED_OUT, **options).outcome == Unknown(because)


def test_an_account_the_login_never_could_view_is_no_trouble() -> None:
    """What was never seen is not missed; what was seen once is."""
    hidden = Account(ACCOUNT, "Main", viewable=False)
    never = AccountState(hidden, first_seen=after(0), blind={"margin-usage": after(0)})
    once = AccountState(hidden, first_seen=after(0), fetched_at=after(100), blind={"margin-usage": after(50)})

    assert levels(stale(never, 999)) == ((False, False), (False, False))
    assert levels(stale(once, 120)) == ((True, False), (True, False))
    assert levels(stale(once, 999)) == ((True, True), (True, True))


def test_one_alert_lives_through_all_the_blindness_of_an_account() -> None:
    """From some rules to no answer and back it worsens, eases and resolves, and it resolves only when all is seen."""
    alert = None
    told = []
    blind = replace(STATE, blind={"margin-usage": after(50)})
    other = replace(STATE, fetched_at=after(250), blind={"pnl": after(240)})
    for result in (
        stale(blind, 110),
        stale(blind, 165, failure=TIMED_OUT),
        stale(other, 251),
        stale(other, 252, venue_down=True),
        stale(other, 253),
        stale(replace(STATE, fetched_at=after(260)), 260),
    ):
        policy = Policy(STALE_AFTER, acknowledged=False, revision="")
        step = advance(health.RULES[health.DATA_STALE], alert, result, result.fetched_at, policy)
        alert = step.alert
        told += [(transition.state, transition.severity) for transition in step.transitions]

    assert told == [
        (State.FIRING, Severity.WARNING),
        (State.WORSENED, Severity.CRITICAL),
        (State.EASED, Severity.WARNING),
        (State.RESOLVED, Severity.WARNING),
    ]


def test_answers_of_no_use_are_told_with_what_is_wrong_with_them() -> None:
    """Answers that all come too old are no good answers: the sentence says that they are too old."""
    state = replace(STATE, blind={"margin-usage": after(100), "pnl": after(100)})
    because = dict.fromkeys(state.blind, "the venue's own time of these numbers is too long ago")

    result = health.stale_result(state, because, after(160), stale_after=STALE_AFTER, venue_down=False)

    assert levels(result) == ((True, True), (True, True))
    assert result.detail == (
        "no good answer since 2026-03-02 14:01:40 UTC: the venue's own time of these numbers is too long ago; "
        "cannot be decided: margin-usage, pnl"
    )


def test_the_sentence_says_what_is_blind_since_when_and_why(snapshot: SnapshotAssertion) -> None:
    """Rules of one cause stand together; a failed fetch comes first."""
    blind = {"pnl": after(50), "margin-usage": after(50), "calls": after(90), "other": after(95)}
    state = replace(STATE, blind=blind)

    assert [
        stale(state, 110).detail,
        stale(state, 160, failure=TIMED_OUT).detail,
        stale(replace(STATE, fetched_at=None), 160).detail,
        stale(STATE, 160, failure=BAD).detail,
    ] == snapshot


def test_blindness_is_counted_from_the_last_known_result() -> None:
    """A rule is blind since the answer before; one that sees again is forgotten."""
    first = AccountState(Account(ACCOUNT, "Main"), first_seen=after(0))
    blind = health.next_blind(first, ["pnl"])
    second = replace(first, fetched_at=after(10), blind=blind)

    assert blind == {"pnl": after(0)}
    assert health.next_blind(second, ["pnl", "calls"]) == {"pnl": after(0), "calls": after(10)}
    assert health.next_blind(second, ["calls"]) == {"calls": after(10)}
    assert health.next_blind(second, []) == {}


def test_staleness_is_due_from_the_oldest_of_what_was_seen_last() -> None:
    """A timer set for then misses nothing."""
    assert health.stale_at(STATE, STALE_AFTER) == after(160)
    assert health.stale_at(replace(STATE, blind={"pnl": after(20)}), STALE_AFTER) == after(80)
    assert health.stale_at(replace(STATE, fetched_at=None), STALE_AFTER) == after(60)


def observation(*failures: VenueFailure) -> Observation:
    """An answer, parts of which failed."""
    return Observation(ACCOUNT, after(0), None, {}, failures=failures)


def test_a_malformed_answer_is_told_with_its_place() -> None:
    """Call, complaint and place in the answer stand in the sentence."""
    for seen in (BAD, observation(BAD)):
        result = health.malformed_result(ACCOUNT, seen, after(0), venue_down=False)
        assert result is not None
        assert result.outcome == Known((True, False), (True, False))
        assert result.detail == "position-summary: a number was expected (at data.fedCallAmount)"


def test_only_a_whole_answer_proves_that_answers_are_well_formed() -> None:
    """An answer without any failure is good; a timeout says nothing either way."""
    good = health.malformed_result(ACCOUNT, observation(), after(0), venue_down=False)

    assert good is not None
    assert good.outcome == Known((False, False), (False, False))
    assert health.malformed_result(ACCOUNT, TIMED_OUT, after(0), venue_down=False) is None
    assert health.malformed_result(ACCOUNT, observation(TIMED_OUT), after(0), venue_down=False) is None


def test_an_answer_for_all_accounts_is_no_trouble_of_one() -> None:
    """It is told for the venue, and proves nothing of the account's own answers."""
    assert health.malformed_result(ACCOUNT, observation(replace(BAD, account=None)), after(0), venue_down=False) is None


def test_a_failure_says_by_what_id_its_venue_knows_it() -> None:
    """The vendor's support desk asks for it, so what says that an answer is wrong or missing names it."""
    traced = replace(BAD, trace_id="7f31")
    result = health.malformed_result(ACCOUNT, traced, after(0), venue_down=False)

    assert result is not None
    assert result.detail == "position-summary: a number was expected (trace id 7f31) (at data.fedCallAmount)"
    silent = stale(STATE, 200, failure=replace(TIMED_OUT, trace_id="7f31"))
    assert "no whole answer within 10 s (trace id 7f31)" in silent.detail


def test_while_all_answers_of_the_venue_are_malformed_no_account_says_so_too() -> None:
    """One trouble, one alert; a good answer counts all the same."""
    assert health.malformed_result(ACCOUNT, BAD, after(0), venue_down=True) is None
    assert health.malformed_result(ACCOUNT, observation(), after(0), venue_down=True) is not None


OTHER = AccountKey("futures", "B-2")


def listed(*listings: list[str]) -> list[list[Result]]:
    """What each listing of account ids says, the first being the baseline."""
    accounts: dict[AccountKey, AccountState] = {}
    results = []
    for number, ids in enumerate(listings):
        keys = [AccountKey("futures", name) for name in ids]
        listing = {key: Account(key, f"name of {key.id}") for key in keys}
        changed = health.list_accounts(accounts, listing, after(number))
        results.append(health.listing_results(accounts, changed, after(number), baseline=number == 0))
        accounts.update(changed)
    return results


def test_the_first_listing_is_the_baseline() -> None:
    """Nobody appears in a venue's very first listing."""
    assert listed(["A", "B"]) == [[]]


def test_an_account_listed_later_appeared() -> None:
    """A new account is an event of its own, told once."""
    _, (appeared,), again = listed(["A"], ["A", "B"], ["A", "B"])

    assert appeared.key == AlertKey(health.ACCOUNT_APPEARED, AccountKey("futures", "B"))
    assert appeared.outcome == Occurred((Difference("account", None, "name of B"),))
    assert appeared.detail == "the venue lists name of B for the first time"
    assert again == []


def test_an_account_left_out_of_two_listings_has_vanished_until_it_returns() -> None:
    """One listing without it may be a slip; from the second on it has vanished, and its return resolves that."""
    results = listed(["A"], [], [], [], ["A"], ["A"])

    assert [len(each) for each in results] == [0, 0, 1, 0, 1, 0]
    gone, back = results[2][0], results[4][0]
    assert (gone.outcome, gone.detail) == (Known((True,), (True,)), "the venue lists name of A no longer")
    assert (back.outcome, back.detail) == (Known((False,), (False,)), "the venue lists name of A again")
    assert gone.key == back.key == AlertKey(health.ACCOUNT_VANISHED, AccountKey("futures", "A"))


def test_an_account_that_is_listed_without_being_viewable_has_not_vanished() -> None:
    """Losing the right to view an account is not losing the account; its new name and right are remembered."""
    known = {ACCOUNT: replace(STATE, missing=1)}
    hidden = Account(ACCOUNT, "Renamed", viewable=False)
    changed = health.list_accounts(known, {ACCOUNT: hidden}, after(0))

    assert changed[ACCOUNT].missing == 0
    assert changed[ACCOUNT].account == hidden
    assert health.listing_results(known, changed, after(0), baseline=False) == []
    assert health.list_accounts({ACCOUNT: STATE}, {ACCOUNT: STATE.account}, after(1)) == {}
