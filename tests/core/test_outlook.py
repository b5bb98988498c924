"""The pace as the engine chooses it at the end of each cycle, from accounts, alerts, sessions and failures."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from marginwatch.core import outlook
from marginwatch.core.alert import Status
from marginwatch.core.draft import Draft
from marginwatch.core.fields import Unit
from marginwatch.core.memory import Memory
from marginwatch.core.model import GROUPS, Account, AccountKey, CycleEnd, FailureKind, Severity
from marginwatch.core.pace import HOLD, Mood, Pace, Pacing
from marginwatch.core.result import AlertKey
from marginwatch.core.rule import Level, RuleKind
from marginwatch.core.state import AccountState, Prior, VenueState
from support import family
from support.alerting import START
from support.desk import (
    ALL_RULES,
    ONE,
    TWO,
    VENUE,
    Desk,
    Paper,
    after,
    answer,
    call_rule,
    cycle_end,
    failed,
    fields,
    ruling,
    seen,
    usage_rule,
    wrap,
)
from support.records import alert, transition
from support.zones import CALENDARS

if TYPE_CHECKING:
    from marginwatch.core.calendar import Calendar
    from marginwatch.core.model import Value
    from marginwatch.core.rule import Rule
    from marginwatch.core.ruling import Ruling
    from marginwatch.tick import Ticked

SECOND = timedelta(seconds=1)
FLAT: dict[str, Value] = {"margin_used": Decimal(0)}


def paced(*rules: Rule, calendar: Calendar | None = None, slowest: int = 30) -> Ruling:
    """The rules at the one venue, which may be asked from every 2 s to every `slowest` s."""
    found = ruling(*(rules or ALL_RULES))
    pacing = Pacing(10 * SECOND, 2 * SECOND, slowest * SECOND, calendar)
    return replace(found, venues={VENUE: replace(found.venues[VENUE], pacing=pacing)})


def pace(desk: Desk) -> Pace:
    """As it is now."""
    found = desk.ticker.memory.venues[VENUE].pace
    assert found is not None
    return found


def test_one_pace_alone_is_not_chosen() -> None:
    """Where the config knows no other, nothing is looked at and nothing is kept."""
    desk = Desk()
    desk.see(1, "0.79")
    assert desk.ticker.memory.venues[VENUE].pace is None


def test_near_a_level_it_is_fast_and_then_slows_down() -> None:
    """It says which account is near what; far from it, the pace is the usual one after a minute."""
    desk = Desk(paced())
    desk.see(1, "0.5")
    assert (pace(desk).mood, pace(desk).why) == (Mood.USUAL, "")
    desk.see(10, "0.78")
    assert (pace(desk).every, pace(desk).why) == (2 * SECOND, "desk/one is near usage warning")
    desk.see(20, "0.5")
    assert pace(desk).mood is Mood.FAST
    desk.see(10 + HOLD.total_seconds(), "0.5")
    assert pace(desk).mood is Mood.USUAL


def test_what_is_pending_is_looked_at_fast() -> None:
    """Of whatever kind its rule is, until it fires far from any level."""
    desk = Desk(paced(call_rule(hold=5 * SECOND)))
    desk.see(1, in_margin_call=True)
    assert (pace(desk).mood, pace(desk).why) == (Mood.FAST, "call is pending for desk/one")
    desk.see(8, in_margin_call=True)
    desk.see(8 + HOLD.total_seconds(), in_margin_call=True)
    assert pace(desk).mood is Mood.USUAL


def test_only_accounts_that_the_venue_still_lists_count() -> None:
    """One that vanished near a level asks for nothing."""
    desk = Desk(paced())
    both = [seen(1, fields("0.79")), seen(1, fields("0.5"), TWO)]
    desk.tick(1, answer(*both, listing=[ONE, TWO]), cycle_end(1))
    assert pace(desk).mood is Mood.FAST
    desk.tick(100, answer(seen(100, fields("0.5"), TWO), listing=[TWO]), cycle_end(100))
    assert pace(desk).mood is Mood.USUAL


def test_rules_that_pick_accounts_count_for_those_alone() -> None:
    """Near a level of a rule that does not look at the account is not near."""
    selector = replace(usage_rule().selector, accounts=("two",))
    desk = Desk(paced(usage_rule(selector=selector)))
    desk.see(1, "0.79")
    assert pace(desk).mood is Mood.USUAL


def test_a_venue_whose_accounts_are_flat_is_asked_slowly() -> None:
    """No margin in use and no position on any that was seen; a position ends it at once."""
    desk = Desk(paced())
    desk.tick(1, answer(seen(1, fields("0", **FLAT)), listing=[ONE, TWO]), cycle_end(1))
    assert (pace(desk).every, pace(desk).why) == (30 * SECOND, "every account is flat")
    holding = replace(seen(40, fields("0", **FLAT)), positions=({"symbol": "ES"},))
    desk.tick(40, answer(holding, listing=[ONE]), cycle_end(40))
    assert pace(desk).mood is Mood.USUAL
    unsaid = replace(seen(140, fields("0", **FLAT)), positions=None)
    desk.tick(140, answer(unsaid, listing=[ONE]), cycle_end(140))
    assert pace(desk).mood is Mood.USUAL


@pytest.mark.parametrize("lacks", ["an answer", "a number"])
def test_what_is_not_known_of_an_account_is_asked_for_at_the_usual_pace(lacks: str) -> None:
    """At a slow pace data would be stale for one answer that failed, or for one number that was missing in it."""
    desk = Desk(paced())
    desk.see(1, "0", **FLAT)
    assert pace(desk).mood is Mood.SLOW
    if lacks == "an answer":
        desk.tick(30, answer(seen(30, fields("0", **FLAT), TWO), listing=[ONE, TWO]), failed(30), cycle_end(30))
    else:
        desk.see(30, None, **FLAT)
    assert pace(desk).mood is Mood.USUAL
    desk.see(40 + HOLD.total_seconds(), "0", **FLAT)
    assert pace(desk).mood is Mood.SLOW


def test_where_no_account_was_seen_nothing_is_flat() -> None:
    """A venue that lists none may list one in the next answer."""
    desk = Desk(paced())
    desk.tick(1, answer(listing=[]), cycle_end(1))
    assert pace(desk).mood is Mood.USUAL


def test_an_open_alert_keeps_a_flat_venue_at_its_usual_pace() -> None:
    """What is firing may end."""
    desk = Desk(paced())
    desk.see(1, "0", in_margin_call=True, **FLAT)
    assert pace(desk).mood is Mood.USUAL


def test_without_a_slower_pace_nobody_asks_who_is_flat() -> None:
    """The pace is the usual one, without a reason."""
    desk = Desk(paced(slowest=10))
    desk.see(1, "0", **FLAT)
    assert (pace(desk).mood, pace(desk).every) == (Mood.USUAL, 10 * SECOND)


def test_a_failing_venue_is_not_pressed() -> None:
    """Near a level or not: it is asked at the usual pace while it fails as a whole."""
    desk = Desk(paced())
    desk.see(1, "0.79")
    desk.lose(5)
    desk.lose(1 + HOLD.total_seconds())
    assert pace(desk).mood is Mood.USUAL


@pytest.mark.parametrize("account", [None, TWO])
def test_a_venue_that_asks_for_fewer_calls_is_spared(account: object) -> None:
    """Of one account or of all; its words are in the state that is kept."""
    desk = Desk(paced())
    limited = failed(1, TWO if account else None, FailureKind.RATE_LIMITED)
    desk.tick(1, answer(seen(1, fields("0.79")), listing=[ONE, TWO]), limited, cycle_end(1))
    assert pace(desk).mood is Mood.USUAL
    assert pace(desk).why.startswith("the venue asked for fewer calls at ")
    assert desk.ticker.memory.venues[VENUE].limited_at == after(1)


def test_a_part_that_was_refused_for_the_rate_counts() -> None:
    """One call of an account that answered otherwise is enough."""
    desk = Desk(paced())
    part = failed(1, ONE, FailureKind.RATE_LIMITED)
    desk.tick(1, answer(replace(seen(1, fields("0.5")), failures=(part,)), listing=[ONE]), cycle_end(1))
    assert desk.ticker.memory.venues[VENUE].limited_at == after(1)


@pytest.mark.parametrize("name", ["us-futures", "us-equities"])
def test_a_closed_session_is_asked_slowly(name: str) -> None:
    """From its close until shortly before the next opens."""
    calendar = CALENDARS[name]
    session = calendar.at(START + timedelta(days=7))
    assert session is not None
    following = calendar.after(session.closes)
    assert following is not None

    def mood(at: datetime) -> Mood:
        desk = Desk(paced(calendar=calendar))
        desk.see((at - START).total_seconds())
        return pace(desk).mood

    assert mood(session.closes - SECOND) is Mood.USUAL
    assert mood(session.closes) is Mood.SLOW
    assert mood(following.opens - 31 * SECOND) is Mood.SLOW
    assert mood(following.opens - 30 * SECOND) is Mood.USUAL
    assert mood(following.opens) is Mood.USUAL


def test_a_calendar_without_sessions_is_closed() -> None:
    """All its days are holidays."""
    calendar = replace(CALENDARS["us-futures"], hours=replace(CALENDARS["us-futures"].hours, days=frozenset()))
    desk = Desk(paced(calendar=calendar))
    desk.see(1)
    assert (pace(desk).mood, pace(desk).why) == (Mood.SLOW, "no session is near")


def test_a_restart_goes_on_at_the_pace() -> None:
    """It is stored with the venue, and the next choice goes by it."""
    desk = Desk(paced())
    desk.see(1, "0.79")
    memory = desk.ticker.memory
    prior = Prior(accounts=memory.accounts, venues=memory.venues)
    anew = Desk(paced(), Paper(prior=prior))
    anew.see(5, "0.5")
    desk.see(5, "0.5")
    assert pace(anew) == pace(desk)
    assert pace(anew).mood is Mood.FAST


def test_a_tick_says_where_rules_began_to_hold() -> None:
    """Pending or firing from nothing: not an event, not what was open, not what is wrong with the data."""
    desk = Desk(paced(*ALL_RULES[:2]))
    ticks = [
        desk.ticker.tick([], after(0)),
        _see(desk, 1, fields("0.85")),
        _see(desk, 2, fields("0.95")),
        _see(desk, 3, fields("0.95", in_margin_call=True)),
        desk.ticker.tick([failed(4, None), cycle_end(4)], after(4)),
    ]
    assert [tick.breached for tick in ticks] == [
        frozenset(),
        frozenset({VENUE}),
        frozenset(),
        frozenset({VENUE}),
        frozenset(),
    ]
    assert [state.venue for state in ticks[1].venues] == [VENUE]


def _see(desk: Desk, seconds: float, values: dict[str, Value]) -> Ticked:
    return desk.ticker.tick([wrap(answer(seen(seconds, values), listing=[ONE])), cycle_end(seconds)], after(seconds))


@pytest.mark.parametrize("venue", ["futures", "fx"])
@pytest.mark.parametrize("pending", [False, True])
def test_groups_count_for_the_venues_of_their_accounts(venue: str, *, pending: bool) -> None:
    """A group near a level, or with a pending alert, is looked at fast at each of its venues."""
    levels = (Level(Severity.CRITICAL, "<", Decimal(1000)),)
    rule = family.rule_of("sum(equity)", RuleKind.LADDER, levels=levels, unit=Unit.MONEY, hold=5 * SECOND)
    rules = family.ruling(rule)
    watch = replace(rules.venues[venue], pacing=Pacing(10 * SECOND, 2 * SECOND, 30 * SECOND))
    group = AccountKey(GROUPS, "family")
    memory = Memory()
    known: dict[str, Value] = {"sum(equity)": Decimal(500 if pending else 1050)}
    memory.accounts[group] = AccountState(Account(group, "family"), after(0), known)
    if pending:
        memory.keep(alert("begun", key=AlertKey("rule", group), status=Status.PENDING))
    draft = Draft(memory, rules, after(10), (), {})

    found = outlook.pace_after(draft, watch, VenueState(venue), CycleEnd(venue, after(9), after(10), 1, 0))
    assert found is not None
    assert found.mood is Mood.FAST
    assert found.why == ("rule is pending for group/family" if pending else "group/family is near rule critical")


def test_a_breach_of_a_group_is_looked_at_again_at_its_venues() -> None:
    """All of them have a part in it."""
    key = AlertKey("rule", AccountKey(GROUPS, "family"))
    step = transition(key=key, before=Status.INACTIVE, after=Status.PENDING)
    assert outlook.breached([step], family.ruling(family.rule_of("any(in_margin_call)")).groups) == {"futures", "fx"}
