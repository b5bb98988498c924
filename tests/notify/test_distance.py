"""How far an account is from a call, and how far a value went, in words."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from marginwatch.core.alert import State
from marginwatch.core.fields import Unit
from marginwatch.core.health import RULES, VENUE_UNREACHABLE
from marginwatch.notify.render import render
from marginwatch.notify.words import moved
from support.notices import CONDITION, EVENT, FIELDS, LADDER, NOW, about, notice, transition

if TYPE_CHECKING:
    from marginwatch.core.rule import Rule


def line(role: str, told: Any = None, **changes: Any) -> str:  # noqa: ANN401  (a transition, and what About has)
    """The line of that role in a message; empty where there is none."""
    made = render(notice(told or transition()), replace(about(), **changes), NOW)
    found = dict(zip(made.roles, made.body.split("\n"), strict=True))
    return found.get(role, "")


def current(**changes: Any) -> dict[str, Any]:  # noqa: ANN401  (field values)
    """The account's figures, some of them others; None leaves one out."""
    return {name: value for name, value in {**FIELDS, **changes}.items() if value is not None}


@pytest.mark.parametrize(
    ("figures", "said"),
    [
        ({}, "Equity may fall 7,900.50 USD (7.9%) before it no longer covers margin."),
        ({"margin_used": None}, "Equity may fall 7,900.50 USD (7.9%) before it no longer covers margin."),
        (
            {"margin_excess": Decimal(-1200), "margin_used": Decimal(101200)},
            "Margin exceeds equity by 1,200 USD.",
        ),
        (
            {"margin_excess": Decimal(0), "margin_used": Decimal(100000)},
            "Equity just covers margin: nothing is left.",
        ),
        ({"margin_excess": None}, ""),
        ({"equity": None}, ""),
        ({"equity": Decimal(0), "margin_used": None}, ""),
        ({"margin_excess": Decimal(100000), "margin_used": Decimal(0)}, ""),
        ({"margin_excess": Decimal(1200), "margin_used": Decimal(101200)}, ""),
        ({"margin_excess": Decimal(-1200), "margin_used": Decimal(98800)}, ""),
        ({"margin_excess": Decimal(150000)}, "Equity may fall 150,000 USD (100%) before it no longer covers margin."),
    ],
)
def test_distance_is_said_only_of_figures_the_venue_gave(figures: dict[str, Any], said: str) -> None:
    """Nothing is said where a figure is not known now, no margin is in use, or the venue's figures disagree."""
    assert line("distance", current=current(**figures)) == said


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (LADDER, True),
        (CONDITION, True),
        (EVENT, False),
        (RULES[VENUE_UNREACHABLE], False),
        (replace(LADDER, each="position"), False),
        (None, False),
    ],
)
def test_distance_is_said_where_an_account_is_in_trouble(rule: Rule | None, said: bool) -> None:
    """Not of a change, of a position, or of marginwatch's own trouble."""
    assert bool(line("distance", rule=rule)) is said


@pytest.mark.parametrize("state", State)
def test_distance_is_said_of_what_is_true_now(state: State) -> None:
    """Neither when it is over, nor when data are unknown."""
    told = transition(state, unknown_since=NOW if state is State.UNKNOWN else None)

    assert bool(line("distance", told)) is (state not in {State.RESOLVED, State.CLOSED, State.UNKNOWN})


@pytest.mark.parametrize(
    ("before", "now", "unit", "said"),
    [
        ("0.851", "0.921", Unit.RATIO, "up 7 points from 85.1%"),
        ("0.9", "0.91", Unit.RATIO, "up 1 point from 90%"),
        ("0.921", "0.851", Unit.RATIO, "down 7 points from 92.1%"),
        ("5000", "4600.5", Unit.MONEY, "down 399.50 USD from 5,000 USD"),
        ("0.90001", "0.90002", Unit.RATIO, "up 0.001 points from 90.001%"),
        ("60", "900", Unit.DURATION, "up 14 min from 1 min"),
        ("3", "3", Unit.COUNT, "unchanged"),
    ],
)
def test_a_move_in_words(before: str, now: str, unit: Unit, said: str) -> None:
    """Which way, how far, and from where, with enough digits to tell."""
    assert moved(Decimal(now), Decimal(before), unit, "USD") == said


def test_a_move_is_told_since_the_last_message() -> None:
    """With the time of that message; one of an older version that kept no time says `before`."""
    before: dict[str, Any] = {"previous_value": Decimal("0.851")}

    assert line("moved") == ""
    assert line("moved", transition(**before)) == "Up 7 points from 85.1%, told before."
    timed = transition(**before, previous_at=NOW - timedelta(minutes=20))
    assert line("moved", timed) == "Up 7 points from 85.1%, told at 13:43:22 UTC."
    assert line("moved", transition(previous_value=Decimal("0.921"))) == "Unchanged since told before."


def test_nothing_moved_while_data_are_unknown() -> None:
    """The last known value cannot be said to have moved, nor to have stayed."""
    assert line("moved", transition(State.UNKNOWN, previous_value=Decimal("0.851"))) == ""
