"""What a plan foresees is what comes to pass when the edit is in force and the venues say the same again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from marginwatch.app.plan.compare import Change, KeyChange, RuleChange, compare
from marginwatch.app.plan.forecast import Outcome, forecast
from marginwatch.core.alert import State
from marginwatch.core.model import Severity
from marginwatch.core.rule import Level
from marginwatch.core.rulebook import Rulebook, WrittenRule
from marginwatch.core.seen import left_by
from support.desk import ONE, TWO, Desk, Paper, after, answer, call_rule, cycle_end, fields, ruling, seen, usage_rule

if TYPE_CHECKING:
    from marginwatch.core.model import Observation
    from marginwatch.core.rule import Rule
    from marginwatch.core.ruling import Ruling

USAGES = st.sampled_from(["0.5", "0.72", "0.78", "0.82", "0.88", "0.95", None])
WAITS = st.sampled_from([timedelta(0), timedelta(seconds=15), timedelta(seconds=40)])
EXPECTED = {
    State.FIRING: Outcome.FIRES,
    State.WORSENED: Outcome.WORSENS,
    State.EASED: Outcome.EASES,
    State.RESOLVED: Outcome.RESOLVES,
    State.CLOSED: Outcome.CLOSES,
}


@st.composite
def rules(draw: st.DrawFn) -> tuple[Rule, ...]:
    """A ladder with any limits and patience, or none, and a condition."""
    low = Decimal(draw(st.sampled_from(["0.7", "0.75", "0.8", "0.85"])))
    severities = draw(st.sampled_from([(Severity.WARNING, Severity.CRITICAL), (Severity.INFO, Severity.WARNING)]))
    levels = tuple(
        Level(severity, ">", limit, limit - Decimal("0.03"))
        for severity, limit in zip(severities, (low, low + Decimal("0.1")), strict=True)
    )
    usage = usage_rule(levels=levels, hold=draw(WAITS), clear_for=draw(WAITS), revision=str(draw(st.integers(1, 9))))
    return (*((usage,) if draw(st.integers(0, 4)) else ()), call_rule())


LIVES = st.lists(st.tuples(USAGES, USAGES, st.booleans()), min_size=1, max_size=8)


@given(rules(), rules(), LIVES)
def test_what_is_foreseen_comes_to_pass(before: tuple[Rule, ...], edited: tuple[Rule, ...], life: object) -> None:
    """At once, with the very next answers; what would only come later is pending, or still firing, by then."""
    desk, latest = lived(ruling(*before), life)
    to_be, now = ruling(*edited, revision="r2"), after(1000)
    foreseen = forecast(to_be, left_by(desk.ticker.memory), latest, now).outlooks
    happened = {each.alert_id: each for each in desk.reload(1000, to_be)}
    happened |= {each.alert_id: each for each in desk.tick(1000, *(answer(each) for each in latest))}

    told = {each.alert_id: EXPECTED[each.state] for each in happened.values() if each.state in EXPECTED}
    quiet = {Outcome.KEEPS, Outcome.CLEARS, Outcome.BEGINS}
    loud = [each for each in foreseen if not each.wait and each.outcome not in quiet]
    # Of a pending alert that is closed nobody is told, for nobody was told of it.
    heard = [each for each in loud if each.outcome is not Outcome.CLOSES or each.alert.told_at]
    assert {each.alert.alert_id: each.outcome for each in heard} == told
    still_open = {alert.alert_id: alert for alert in desk.ticker.memory.alerts()}
    for each in foreseen:
        ends = each.outcome in {Outcome.RESOLVES, Outcome.CLEARS, Outcome.CLOSES} and not each.wait
        assert (each.alert.alert_id in still_open) is not ends
        assert ends or still_open[each.alert.alert_id].status is each.alert.status


@given(rules(), rules(), LIVES)
def test_what_needs_time_comes_when_it_is_said(
    before: tuple[Rule, ...], edited: tuple[Rule, ...], life: object
) -> None:
    """When the numbers stay as they are for as long, and no earlier."""
    desk, latest = lived(ruling(*before), life)
    to_be = ruling(*edited, revision="r2")
    foreseen = forecast(to_be, left_by(desk.ticker.memory), latest, after(1000)).outlooks
    desk.reload(1000, to_be)
    waits = {each.alert.alert_id: each for each in foreseen if each.wait and each.outcome is not Outcome.KEEPS}
    for second in range(1000, 1061, 5):
        again = (replace(each, fetched_at=after(second - 1)) for each in latest)
        for step in desk.tick(second, *(answer(each) for each in again)):
            each = waits.get(step.alert_id)
            if each is not None and step.state in EXPECTED:
                assert timedelta(seconds=second - 1000) >= each.wait
                told = Outcome.FIRES if each.outcome is Outcome.BEGINS else each.outcome
                assert EXPECTED[step.state] is told
                assert step.severity is each.severity
                del waits[step.alert_id]
    assert not waits


def lived(rules: Ruling, life: object) -> tuple[Desk, list[Observation]]:
    """A desk after some cycles, and what its accounts said last: a second before the edit."""
    assert isinstance(life, list)
    desk, latest = Desk(rules, Paper()), []
    start = 999 - 10 * (len(life) - 1)
    for number, (one, two, call) in enumerate(life):
        second = start + 10 * number
        latest = [seen(second, fields(one, in_margin_call=call), ONE), seen(second, fields(two), TWO)]
        desk.tick(second, answer(*latest, listing=[ONE, TWO]), cycle_end(second))
    return desk, latest


def book(**changes: dict[str, str] | None) -> Rulebook:
    """Rules by id, each in a file of its own name."""
    rules = {"usage": {"value": "margin_usage", "for": "1m"}, "call": {"when": "in_margin_call"}, **changes}
    return Rulebook("r", tuple(WrittenRule(name, f"{name}.toml", keys) for name, keys in rules.items() if keys))


def test_rules_are_compared_key_by_key() -> None:
    """In the order of the new ones; a key that comes or goes has no other side."""
    edited = book(usage={"value": "margin_usage", "clear_for": "1m"}, call=None, new={"when": "true"})

    assert compare(book(), edited) == (
        RuleChange(
            "usage",
            Change.CHANGED,
            "usage.toml",
            "usage.toml",
            (KeyChange("clear_for", None, "1m"), KeyChange("for", "1m", None)),
        ),
        RuleChange("new", Change.ADDED, "new.toml", "new.toml", (KeyChange("when", None, "true"),)),
        RuleChange("call", Change.REMOVED, "call.toml", "call.toml"),
    )
    assert compare(book(), book()) == ()
    assert [each.change for each in compare(None, book())] == [Change.ADDED, Change.ADDED]
