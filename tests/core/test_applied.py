"""Rules made ready for a venue, and picked by account."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from marginwatch.core.applied import UncheckedRuleError, revision
from marginwatch.core.evaluate import VenueRules, evaluate
from marginwatch.core.model import Account, AccountKey
from marginwatch.core.rule import Rule, RuleKind, Selector
from support.expressions import SMALL
from support.watching import ACCOUNT, ladder, look, only, seen, state, when
from support.zones import CALENDARS

OTHER = Account(AccountKey("desk", "B-2"), "DESK:B-2/Max")


def chosen(
    selector: Selector, account: Account = ACCOUNT, labels: dict[str, str] | None = None, groups: tuple[str, ...] = ()
) -> bool:
    rules = VenueRules("desk", SMALL, [when("in_margin_call", selector=selector), when("equity > 0", rule_id="all")])
    return "rule" in rules.for_account(account, labels or {}, groups).numbers


@pytest.mark.parametrize(
    ("selector", "selected"),
    [
        (Selector(), True),
        (Selector(venues=("desk",)), True),
        (Selector(venues=("london", "d*")), True),
        (Selector(venues=("london",)), False),
        (Selector(accounts=("A-1",)), True),
        (Selector(accounts=("A-?",)), True),
        (Selector(accounts=("*/Jo",)), True),
        (Selector(accounts=("DESK:*",)), True),
        (Selector(accounts=("a-1",)), False),
        (Selector(accounts=("B-2", "C-3")), False),
        (Selector(venues=("desk",), accounts=("B-2",)), False),
        (Selector(labels={"book": "gold"}), True),
        (Selector(labels={"book": "silver"}), False),
        (Selector(labels={"book": "gold", "owner": "jo"}), False),
        (Selector(groups=("futures", "fx")), True),
        (Selector(groups=("fx",)), False),
        (Selector(accounts=("A-1",), labels={"book": "gold"}, groups=("futures",)), True),
    ],
)
def test_a_selector_picks_accounts(selector: Selector, selected: bool) -> None:
    """Globs on venue, and on the account's id or name; labels and groups as they are; every part given must match."""
    assert chosen(selector, labels={"book": "gold"}, groups=("futures",)) is selected


def test_accounts_with_the_same_rules_share_them() -> None:
    """Thousands of accounts cost one compiled function a set of rules."""
    picky = when("in_margin_call", selector=Selector(accounts=("B-*",)))
    venue = VenueRules("desk", SMALL, [picky, when("equity > 0", rule_id="all")])
    first, second = (venue.for_account(Account(AccountKey("desk", id_), id_), {}) for id_ in ("B-1", "B-2"))
    assert first is second
    assert list(first.numbers) == ["rule", "all"]
    assert list(venue.for_account(ACCOUNT, {}).numbers) == ["all"]
    assert venue.for_account(ACCOUNT, {}) is venue.for_account(ACCOUNT, {})


def test_a_new_name_or_label_picks_anew() -> None:
    """What a selector reads is asked again when it changes."""
    venue = VenueRules("desk", SMALL, [when("in_margin_call", selector=Selector(labels={"book": "gold"}))])
    assert not venue.for_account(ACCOUNT, {}).numbers
    assert venue.for_account(ACCOUNT, {"book": "gold"}).numbers


def test_a_rule_absent_at_a_venue_does_not_apply_there() -> None:
    """It is listed as absent; a rule of another venue, and one built in, are not."""
    health = Rule("stale", "Stale", RuleKind.HEALTH, ())
    elsewhere = when("house_usage > 80%", rule_id="elsewhere", selector=Selector(venues=("london",)))
    absent = when("house_usage > 80%", rule_id="absent")
    venue = VenueRules("desk", SMALL, [health, elsewhere, absent, when("in_stop_out or in_margin_call")])
    assert venue.absent == ("absent",)
    assert list(venue.for_account(ACCOUNT, {}).numbers) == ["rule"]


def test_what_is_absent_is_left_out_of_a_rule() -> None:
    """At this venue the rest of it decides."""
    rule = when("in_stop_out or in_margin_call")
    assert only(look(rule, seen({"in_margin_call": True}))).key.rule == "rule"


@pytest.mark.parametrize("text", ["equity >", "margin_usage > 80", "equity"])
def test_a_rule_that_was_not_checked_is_refused(text: str) -> None:
    """The loader finds such rules; here it can only be a mistake of ours."""
    with pytest.raises(UncheckedRuleError, match="the rule rule cannot be evaluated: "):
        VenueRules("desk", SMALL, [when(text)])


@pytest.mark.parametrize(("equity", "found"), [("5", []), ("4", ["one", "two"]), ("0", ["one", "two"]), ("9", ["two"])])
def test_any_level_of_a_ladder_is_seen(equity: str, found: list[str]) -> None:
    """Whatever the number of levels and wherever they lead."""
    one = ladder("equity", ("<", "5", ""), rule_id="one")
    two = ladder("equity", ("<", "5", ""), (">", "8", ""), rule_id="two")
    rules = VenueRules("desk", SMALL, [one, two]).for_account(ACCOUNT, {})
    results = evaluate(rules, seen({"equity": Decimal(equity)}), state(), []).results
    assert [result.key.rule for result in results] == found


def test_a_revision_is_that_of_the_set() -> None:
    """It changes with any rule that decides, not with their order."""
    first, second = when("equity > 0", revision="1"), when("equity > 0", rule_id="other", revision="2")
    assert revision([first, second]) == revision([second, first])
    assert revision([first]) != revision([first, second])
    assert revision([first]) != revision([when("equity > 0", revision="2")])
    assert len(revision([])) == len(revision([first]))


def test_accounts_are_told_apart() -> None:
    """One selected account says nothing of another."""
    assert not chosen(Selector(accounts=("A-1",)), OTHER)


def test_a_window_of_a_session_needs_its_calendar() -> None:
    """Its own where the rule names one, else the venue's; a loader refuses one that is nowhere."""
    session = when('drawdown(equity, "session") > 5')
    for rule in (session, replace(session, calendar="fx")):
        rules = VenueRules("desk", SMALL, [rule], CALENDARS, "us-futures")
        assert rules.applied[0].windows == (f'drawdown(equity, "session of {rule.calendar or "us-futures"}")',)
    for calendars, name in ((None, ""), (CALENDARS, "us-future")):
        with pytest.raises(UncheckedRuleError, match=f"cannot be evaluated: there is no calendar {name}$"):
            VenueRules("desk", SMALL, [session], calendars, name)


def test_a_value_of_a_wrong_type_is_no_sample() -> None:
    """What a catalogue promises and a venue breaks makes the windows unknown and stops nothing."""
    plan = VenueRules("desk", SMALL, [when('max(equity - cash, "1d") > 5')]).for_account(ACCOUNT, {}).windows
    assert plan.sample({"equity": "text", "cash": Decimal(5)}) == {"equity - cash": None}
