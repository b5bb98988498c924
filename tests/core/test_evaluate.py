"""What rules say of one observation."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marginwatch.core.condition import compile_value
from marginwatch.core.evaluate import Evaluated, VenueRules, evaluate, unknown_everywhere
from marginwatch.core.model import AccountKey, Observation
from marginwatch.core.result import AlertKey, Difference, Known, Occurred, Unknown
from support.expressions import SMALL, conditions, right, scenes
from support.watching import ACCOUNT, KEY, NOON, ladder, look, on, only, rules_for, seen, state, when

if TYPE_CHECKING:
    from datetime import datetime

    from marginwatch.core.condition import Scene
    from marginwatch.core.model import Value

USAGE = ladder("margin_usage", (">", "0.8", "0.77"), (">=", "0.9", "0.87"))
LOSS = ladder("equity", ("<", "-1000", "-900"), ("<=", "-5000", ""))


@pytest.mark.parametrize(
    ("value", "held", "kept"),
    [
        ("0.70", (False, False), (False, False)),
        ("0.77", (False, False), (False, False)),
        ("0.7701", (False, False), (True, False)),
        ("0.80", (False, False), (True, False)),
        ("0.8001", (True, False), (True, False)),
        ("0.87", (True, False), (True, False)),
        ("0.8999", (True, False), (True, True)),
        ("0.90", (True, True), (True, True)),
    ],
)
def test_each_level_of_a_ladder_is_held_and_kept_by_itself(
    value: str, held: tuple[bool, bool], kept: tuple[bool, bool]
) -> None:
    """Held is the plain comparison; kept lasts until the clear value is reached."""
    found = look(USAGE, seen({"margin_usage": Decimal(value)}), live=[""])
    assert only(found).outcome == Known(held, kept, Decimal(value))


@pytest.mark.parametrize(
    ("value", "held", "kept"),
    [
        ("-899", (False, False), (False, False)),
        ("-900", (False, False), (False, False)),
        ("-901", (False, False), (True, False)),
        ("-1000.01", (True, False), (True, False)),
        ("-4999", (True, False), (True, False)),
        ("-5000", (True, True), (True, True)),
    ],
)
def test_a_ladder_can_lead_downwards(value: str, held: tuple[bool, bool], kept: tuple[bool, bool]) -> None:
    """Below is the bad side where the levels say so; without a clear value a level is kept while it is held."""
    found = look(LOSS, seen({"equity": Decimal(value)}), live=[""])
    assert only(found).outcome == Known(held, kept, Decimal(value))


def test_held_implies_kept_at_the_limit_itself() -> None:
    """With `>=` and no band, the limit itself is both."""
    rule = ladder("margin_usage", (">=", "0.8", "0.8"))
    assert only(look(rule, seen({"margin_usage": Decimal("0.8")}))).outcome == Known((True,), (True,), Decimal("0.8"))


def test_quiet_rules_leave_nothing() -> None:
    """What is false and has no alert open makes no result, and nothing new is made for it."""
    first = look(USAGE, seen({"margin_usage": Decimal("0.5")}))
    second = look(when("in_margin_call"), seen({"in_margin_call": False}))
    assert first == Evaluated()
    assert second is first


def test_inside_the_band_without_an_alert_is_quiet() -> None:
    """The way out of a level means nothing to an account that never entered it."""
    assert look(USAGE, seen({"margin_usage": Decimal("0.79")})).results == ()


@pytest.mark.parametrize(("value", "said"), [(True, True), (False, False)])
def test_an_open_alert_always_hears(value: bool, said: bool) -> None:
    """Of a rule with an open alert it is said what it is now, false included."""
    found = look(when("in_margin_call"), seen({"in_margin_call": value}), live=[""])
    assert only(found).outcome == Known((said,), (said,))


def test_an_alert_of_a_rule_that_does_not_apply_is_not_spoken_of() -> None:
    """Closing what left the config is not evaluation's part."""
    other = AlertKey("gone", KEY)
    assert evaluate(rules_for(USAGE), seen({"margin_usage": Decimal(0)}), state(), [other]) == Evaluated()
    assert unknown_everywhere(rules_for(USAGE), [other], "no answer", NOON).results == ()


def test_unknown_is_told_and_listed() -> None:
    """A rule that cannot be told is a result of its own and is listed with the reason."""
    found = look(USAGE, seen({"margin_usage": None}))
    assert only(found).outcome == Unknown("margin_usage is null")
    assert found.unknown == {"rule": "margin_usage is null"}
    assert found.broken == {}


def test_true_or_unknown_is_true() -> None:
    """What is known suffices where it decides."""
    found = look(when("in_margin_call or equity < 0"), seen({"in_margin_call": None, "equity": Decimal(-1)}))
    assert only(found).outcome == Known((True,), (True,))
    assert found.unknown == {}


def test_false_and_unknown_is_false() -> None:
    """What is known suffices where it decides."""
    found = look(when("in_margin_call and equity < 0"), seen({"in_margin_call": None, "equity": Decimal(1)}))
    assert found == Evaluated()


def test_an_event_tells_every_difference() -> None:
    """All fields under its functions that differ, in the vendor's spelling, permissions as sets."""
    rule = on("changed(permissions) or changed(trading_status) or changed(currency) or prior(equity) > equity")
    before: dict[str, Value] = {
        "permissions": frozenset({"view", "trade"}),
        "trading_status": "FULL",
        "currency": "USD",
        "equity": Decimal(5),
        "cash": Decimal(5),
    }
    now = {**before, "permissions": frozenset({"view"}), "trading_status": "CLOSE_ONLY", "equity": Decimal(6)}
    assert only(look(rule, seen({**now, "cash": Decimal(1)}), state(before))).outcome == Occurred(
        (
            Difference("permissions", frozenset({"view", "trade"}), frozenset({"view"})),
            Difference("trading_status", "FULL", "CLOSE_ONLY"),
            Difference("equity", Decimal(5), Decimal(6)),
        )
    )


@pytest.mark.parametrize(
    ("text", "before", "now", "happened"),
    [
        ("changed(equity)", "5", "5.00", False),
        ("changed(equity)", "5", "6", True),
        ("increased(equity)", "5", "6", True),
        ("increased(equity)", "6", "5", False),
        ("decreased(equity)", "6", "5", True),
        ("decreased(equity)", "5", "5", False),
        ("changed(equity > 0)", "5", "6", False),
        ("changed(equity > 0)", "5", "-6", True),
        ("changed(equity)", None, "6", False),
        ("increased(equity)", None, "6", False),
        ("changed(equity > 0)", None, "6", False),
    ],
)
def test_a_change_is_against_the_last_known_value(text: str, before: str | None, now: str, happened: bool) -> None:
    """Equal numbers are no change however they are written, and a first sight is none either."""
    known = {} if before is None else {"equity": Decimal(before)}
    found = look(on(text), seen({"equity": Decimal(now)}), state(known))
    assert [isinstance(result.outcome, Occurred) for result in found.results] == [True] * happened
    assert found.unknown == {}


def test_the_first_observation_is_the_baseline() -> None:
    """Nothing has changed for an account that was never seen, and nothing about that is unknown."""
    rule = on("changed(permissions) or increased(equity)")
    fields: dict[str, Value] = {"permissions": frozenset({"view"}), "equity": Decimal(5)}
    assert look(rule, seen(fields), state(observed_at=None)) == Evaluated()


@pytest.mark.parametrize("fields", [{"equity": None}, {}])
def test_a_change_to_nothing_is_unknown(fields: dict[str, Value]) -> None:
    """A field that is null or missing now cannot be said to have changed."""
    found = look(on("changed(equity)"), seen(fields), state({"equity": Decimal(5)}))
    assert isinstance(only(found).outcome, Unknown)


def test_an_open_alert_of_what_has_become_an_event_is_told_it_is_over() -> None:
    """An edit from `when` to `on` keeps the alert; that the event does not occur ends it."""
    found = look(on("changed(equity)"), seen({"equity": Decimal(5)}), state({"equity": Decimal(5)}), live=[""])
    assert only(found).outcome == Known((False,), (False,))


@pytest.mark.parametrize(
    ("before", "as_of", "expected"),
    [(None, None, 60), (0, None, 60), (90, None, 90), (0, 30, 30), (45, 30, 45), (0, 90, 60)],
)
def test_observation_time_never_goes_backwards(before: int | None, as_of: int | None, expected: int) -> None:
    """It is the venue's own time where that lies before ours, and at least that of the observation before."""

    def at(seconds: int | None) -> datetime | None:
        return None if seconds is None else NOON + timedelta(seconds=seconds)

    observation = replace(seen({"in_margin_call": True}), as_of=at(as_of))
    result = only(look(when("in_margin_call"), observation, state(observed_at=at(before))))
    assert (result.observed_at, result.fetched_at, result.as_of) == (at(expected), at(60), at(as_of))
    assert result.first is (before is None)
    assert result.key == AlertKey("rule", KEY)


@pytest.mark.parametrize("value", ["yes", Decimal(1), frozenset({"x"})])
def test_a_flag_that_is_none_is_unknown(value: Value) -> None:
    """A value of a type the catalogue does not promise counts for nothing."""
    found = look(when("in_margin_call"), seen({"in_margin_call": value}), live=[""])
    assert isinstance(only(found).outcome, Unknown)


@pytest.mark.parametrize("value", [True, frozenset({"x"}), "5"])
def test_a_number_that_is_none_is_unknown(value: Value) -> None:
    """A value of a type the catalogue does not promise counts for nothing."""
    found = look(USAGE, seen({"margin_usage": value}), live=[""])
    assert isinstance(only(found).outcome, Unknown)


def test_a_broken_rule_touches_no_other() -> None:
    """A rule that fails is unknown and listed as broken; the rest are evaluated as if it were not there."""
    broken = when("equity > 5", rule_id="broken")
    fine = when("in_margin_call", rule_id="fine")
    quiet = when("trading_enabled == false", rule_id="quiet")
    fields: dict[str, Value] = {"equity": "a text", "in_margin_call": True, "trading_enabled": True}
    found = evaluate(rules_for(broken, fine, quiet), seen(fields), state(), [AlertKey("broken", KEY)])
    assert [(result.key.rule, type(result.outcome)) for result in found.results] == [
        ("broken", Unknown),
        ("fine", Known),
    ]
    assert list(found.unknown) == list(found.broken) == ["broken"]
    assert found.broken["broken"].startswith("TypeError: ")
    assert found.unknown["broken"] == f"the rule failed ({found.broken['broken']})"


def test_a_broken_rule_is_told_without_an_alert_too() -> None:
    """It is unknown like any other that cannot be told."""
    found = look(when("equity > 5"), seen({"equity": "a text"}))
    assert only(found).outcome == Unknown(f"the rule failed ({found.broken['rule']})")


def test_no_answer_makes_every_rule_unknown() -> None:
    """Open alerts hear of it, and all rules are blind for the one reason."""
    rules = rules_for(USAGE, when("in_margin_call", rule_id="call"))
    key = AlertKey("call", KEY)
    found = unknown_everywhere(rules, [key], "no good answer came: timed out", NOON)
    result = only(found)
    assert (result.key, result.outcome) == (key, Unknown("no good answer came: timed out"))
    assert (result.observed_at, result.fetched_at, result.as_of, result.first) == (NOON, NOON, None, False)
    assert found.unknown == {"rule": "no good answer came: timed out", "call": "no good answer came: timed out"}


@given(st.lists(conditions(), max_size=4), scenes, st.sets(st.integers(0, 3)))
def test_what_is_said_is_what_the_expressions_say(texts: list[str], scene: Scene, alive: set[int]) -> None:
    """One by one or all at once, with alerts open or without: every rule says what its expression says."""
    rules = [when(text, rule_id=str(number)) for number, text in enumerate(texts)]
    known = {name: value for name, value in scene.prior.items() if value is not None}
    lists = None if scene.positions is None else tuple(scene.positions)
    live = [AlertKey(str(number), KEY) for number in sorted(alive) if number < len(texts)]
    found = evaluate(rules_for(*rules), seen(scene.fields, lists), state(known), live)
    said = {result.key.rule: result.outcome for result in found.results}
    for number, text in enumerate(texts):
        value = compile_value(right(text))(scene.fields, known, lists)
        outcome = said.pop(str(number), None)
        if not isinstance(value, bool):
            assert isinstance(outcome, Unknown)
            assert found.unknown[str(number)] == outcome.because
        elif value or number in alive:
            assert outcome == Known((value,), (value,))
        else:
            assert outcome is None
    assert said == {}


def test_results_come_in_the_order_of_the_rules() -> None:
    """Whatever the order of the open alerts."""
    rules = [when("in_margin_call", rule_id=name) for name in "cab"]
    live = [AlertKey(name, KEY) for name in "bca"]
    found = evaluate(rules_for(*rules), seen({"in_margin_call": False}), state(), live)
    assert [result.key.rule for result in found.results] == list("cab")


def test_a_result_speaks_of_the_account_observed() -> None:
    """The same rules serve every account."""
    other = Observation(AccountKey("desk", "B-2"), NOON, None, {"in_margin_call": True})
    rules = VenueRules("desk", SMALL, [when("in_margin_call")]).for_account(ACCOUNT, {})
    assert only(evaluate(rules, other, state(), [])).key.account == AccountKey("desk", "B-2")
