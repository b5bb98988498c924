"""Our alert machine against Prometheus' own, as `promtool test rules` runs it.

Where every step has its number the two must agree step by step: which alerts are inactive, pending or firing, and at
which level. What the one says with `for`, `clear_for`, `clear_by` and the levels of a ladder, the other says with
`for`, `keep_firing_for`, a condition that asks whether it is firing already, and one rule for each level.

Where nothing can be seen they differ on purpose. Prometheus takes a series that is gone for one that is fine: it
drops what is pending and resolves what is firing. Or it does not know yet that the series is gone and goes by the
latest sample for five minutes, in which `for` runs on. Here both are unknown: an alert keeps its state, and
neither `for` nor `clear_for` counts time of which nothing was seen. Each such difference has a test of its own.
"""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.promtool import PENDING, Case, Terms, Trial, differences, needs_promtool, ours, theirs

pytestmark = [pytest.mark.acceptance, needs_promtool]

RULES: Final = 20
ACCOUNTS: Final = 5
"""Of each rule."""
STEPS: Final = 20
LIMITS: Final = (70, 80, 90)
AROUND: Final = [limit + off for limit in LIMITS for off in (-7, -3, -2, 0, 1, 3)]
"""On the limits, on both sides of them, and on and around where they are left."""

FIRES: Final = Terms(">", (80,))
HOLDS: Final = Terms(">", (80,), hold=120)
KEEPS: Final = Terms(">", (80,), clear_for=120)


@st.composite
def terms(draw: st.DrawFn, every: int) -> Terms:
    """A rule of one to three levels, upwards or downwards, with waits of whole steps and of others."""
    waits = st.sampled_from([0, 0, 1, every - 1, every, every + 1, 2 * every, 3 * every + 1])
    levels = draw(st.integers(1, 3))
    operator = draw(st.sampled_from([">", ">=", "<", "<="]))
    limits = LIMITS[-levels:] if operator.startswith(">") else LIMITS[:levels][::-1]
    return Terms(operator, limits, draw(waits), draw(waits), clear_by=draw(st.sampled_from([0, 0, 3, 12])))


RUNS = st.lists(st.tuples(st.sampled_from(AROUND), st.integers(1, 5)), min_size=1, max_size=STEPS)


def spread(runs: list[tuple[int, int]]) -> tuple[int, ...]:
    """The number at each step; the last one goes on to the end."""
    values = [value for value, length in runs for _ in range(length)]
    return tuple((values + [values[-1]] * STEPS)[:STEPS])


@st.composite
def trials(draw: st.DrawFn) -> Trial:
    """Twenty rules, and five accounts of each that go up and down around its limits."""
    every = draw(st.sampled_from([15, 60, 120]))
    accounts = st.tuples(*[RUNS.map(spread)] * ACCOUNTS)
    cases = st.tuples(*[st.builds(Case, terms(every), accounts)] * RULES)
    return Trial(draw(cases), every)


@settings(max_examples=25)  # a run of promtool holds a hundred alerts, and takes longer to shrink than to find
@given(trials())
def test_every_step_is_as_prometheus_has_it(trial: Trial) -> None:
    """Inactive, pending or firing, and how many levels: the same at each step, whatever the rules and the numbers."""
    assert differences(trial) == []


def both(terms: Terms, *shown: int | None, stale: bool = True, stale_after: int = 60) -> tuple[list[int], list[int]]:
    """Prometheus' states and ours of one account that is looked at once a minute."""
    trial = Trial((Case(terms, (shown,)),), stale=stale)
    (prometheus,) = theirs(trial).values()
    (marginwatch,) = ours(trial, stale_after).values()
    return prometheus, marginwatch


def test_the_states_are_those_that_were_meant() -> None:
    """Pending while `for` runs, firing from then on and through `keep_firing_for`: read from promtool, not assumed."""
    terms = Terms(">", (80, 90), hold=120, clear_for=60)
    shown = (85, 85, 95, 95, 95, 50, 50, 50, 85, 50)
    expected = [PENDING, PENDING, 1, 1, 2, 2, 0, 0, PENDING, 0]
    assert both(terms, *shown) == (expected, expected)


def test_a_lost_series_resolves_there_and_not_here() -> None:
    """A failed scrape ends Prometheus' alert at once; here it fires on until a passing number was seen."""
    prometheus, marginwatch = both(FIRES, 95, None, None, None, 50)
    assert prometheus == [1, 0, 0, 0, 0]
    assert marginwatch == [1, 1, 1, 1, 0]


def test_a_lost_series_ends_what_is_pending_there_and_not_here() -> None:
    """`for` begins anew in Prometheus; here it stands still while nothing is seen and goes on where it stood."""
    prometheus, marginwatch = both(HOLDS, 95, 95, None, 95, 95, 95)
    assert prometheus == [PENDING, PENDING, 0, PENDING, PENDING, 1]
    assert marginwatch == [PENDING, PENDING, PENDING, PENDING, 1, 1]


def test_silence_fires_there_and_not_here() -> None:
    """One sample and then none fires Prometheus' alert when `for` is over: nobody saw the condition hold so long."""
    prometheus, marginwatch = both(HOLDS, 95, None, None, None, stale=False)
    assert prometheus == [PENDING, PENDING, 1, 1]
    assert marginwatch == [PENDING] * 4


def test_a_series_that_stays_away_resolves_there_and_not_here() -> None:
    """Without a marker Prometheus goes by the last sample for five minutes, and then resolves on nothing at all."""
    prometheus, marginwatch = both(FIRES, 95, *[None] * 7, stale=False)
    assert prometheus == [1, 1, 1, 1, 1, 1, 0, 0]
    assert marginwatch == [1] * 8


def test_an_outage_counts_as_clear_there_and_not_here() -> None:
    """`keep_firing_for` runs out in an outage; `clear_for` begins anew with the first passing number after it."""
    prometheus, marginwatch = both(KEEPS, 95, 50, None, None, 50, 50, 50)
    assert prometheus == [1, 1, 1, 0, 0, 0, 0]
    assert marginwatch == [1, 1, 1, 1, 1, 1, 0]


def test_answers_too_far_apart_count_there_and_not_here() -> None:
    """Two samples further apart than `stale_after` show nothing of the time between; Prometheus counts it."""
    prometheus, marginwatch = both(HOLDS, 95, 95, 95, stale_after=59)
    assert prometheus == [PENDING, PENDING, 1]
    assert marginwatch == [PENDING] * 3
