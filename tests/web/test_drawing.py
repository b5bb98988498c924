"""Small lines, charts and levels: where things stand."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marginwatch.core.fields import Unit
from marginwatch.core.model import Severity
from marginwatch.web.chart import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Spell, Subject, draw
from marginwatch.web.levels import Limit
from marginwatch.web.spark import LONGEST, MOST, Spark
from support.records import after

if TYPE_CHECKING:
    from collections.abc import Sequence

DAY = 86_400
amounts = st.decimals(-(10**9), 10**9, places=2)


def spark(values: Sequence[tuple[float, Decimal]]) -> Spark:
    made = Spark()
    for second, value in values:
        made.add(after(second), value)
    return made


@given(st.lists(st.tuples(st.floats(0.1, 600), amounts), max_size=400))
def test_a_small_line_stays_small(steps: list[tuple[float, Decimal]]) -> None:
    """However long and however often: a few dozen points of at most six hours, inside its box, the newest last."""
    at, values = 0.0, []
    for step, value in steps:
        at += step
        values.append((at, value))
    made = spark(values)

    points = [tuple(map(float, point.split(","))) for point in made.line().split()]
    assert len(points) <= MOST
    assert all(0 <= x <= 96 and 0 <= y <= 24 for x, y in points)
    assert points == sorted(points, key=lambda point: point[0])
    if made.since is not None:
        assert after(at) - made.since <= LONGEST + timedelta(seconds=600)


def test_a_small_line_thins_out_as_it_grows() -> None:
    """It begins with seconds and ends with minutes, and always reaches back to its beginning within six hours."""
    made = spark([(second, Decimal(second)) for second in range(3600)])
    assert made.since is not None
    assert made.since - after(0) < timedelta(minutes=3)
    assert len(made.line().split()) > MOST // 3


def test_a_small_line_goes_on_from_its_past() -> None:
    """At the distances of what it begins with, so that this does not soon go."""
    past = [(after(600 * place), Decimal(place)) for place in range(24)]
    made = Spark(past)
    for second in range(1800):
        made.add(after(600 * 23 + second), Decimal(9))
    assert made.since == after(0)
    assert len(made.line().split()) == 24 + 3
    assert Spark(past[:1]).line() == ""


def test_a_number_that_does_not_move_is_a_level_line() -> None:
    """Not a wild one."""
    line = spark([(second, Decimal("0.5")) for second in range(10)]).line()
    assert len({point.partition(",")[2] for point in line.split()}) == 1


def subject(points: Sequence[tuple[float, str | None]], **given: object) -> Subject:
    told = tuple((after(second), None if value is None else Decimal(value)) for second, value in points)
    limits = (
        Limit("usage", Severity.WARNING, ">", Decimal("0.8")),
        Limit("usage", Severity.CRITICAL, ">", Decimal("0.9")),
    )
    return Subject(told, after(0), after(3600), Unit.RATIO, "", limits, **given)  # type: ignore[arg-type]  # as the test names them


def test_a_chart_has_its_levels_and_says_what_it_shows() -> None:
    """Levels near the values, with their numbers; what a reader of the drawing learns, in words."""
    chart = draw(subject([(60, "0.75"), (1800, "0.85"), (3000, "0.92")]))

    assert [(mark.kind, mark.label) for mark in chart.limits] == [
        ("warning", "warning > 80%"),
        ("critical", "critical > 90%"),
    ]
    assert chart.limits[0].at > chart.limits[1].at
    assert chart.summary == "lowest 75%, highest 92%, at the end 92%"
    assert [mark.label for mark in chart.times] == ["12:00", "12:15", "12:30", "12:45", "13:00"]
    assert not chart.empty


def test_a_level_far_away_takes_no_room() -> None:
    """The course of the values is what a chart is for."""
    chart = draw(subject([(60, "0.10"), (1800, "0.11")]))
    assert chart.limits == ()


def test_a_gap_is_no_line() -> None:
    """Where a venue left the number out, nothing is drawn; what held before the span begins it."""
    chart = draw(subject([(-60, "0.5"), (900, None), (1800, "0.6")]))

    assert len(chart.course) == 2
    assert chart.course[0].startswith(f"{LEFT + 2}")
    first, second = (line.split() for line in chart.course)
    assert float(first[-1].partition(",")[0]) < float(second[0].partition(",")[0])


def test_of_many_values_in_one_place_the_extremes_show() -> None:
    """A peak between two points is not lost."""
    points: list[tuple[float, str | None]] = [(second, "0.5") for second in range(0, 3600, 2)]
    points[900] = (1800.5, "0.95")
    chart = draw(subject(points))

    assert len(chart.bands) == 1
    assert chart.summary.startswith("lowest 50%, highest 95%")


def test_nothing_stored_is_said() -> None:
    """An empty chart is no chart."""
    assert draw(subject([])).empty
    assert draw(subject([(10, None)])).empty


@given(
    st.lists(st.tuples(st.floats(-100, 4000), st.none() | amounts.map(str)), max_size=60),
    st.sampled_from(list(Unit)[:5]),
)
def test_everything_stays_in_the_box(points: list[tuple[float, str | None]], unit: Unit) -> None:
    """Whatever the values are."""
    spells = [Spell(after(-500), after(100), "warning", "x"), Spell(after(3000), after(9000), "gap", "y")]
    made = subject(sorted(points, key=lambda point: point[0]), spells=spells)
    chart = draw(Subject(made.points, made.since, made.until, unit, "USD", made.limits, spells))
    places = [tuple(map(float, each.split(","))) for line in (*chart.course, *chart.bands) for each in line.split()]

    assert all(LEFT <= x <= WIDTH - RIGHT and TOP <= y <= HEIGHT - BOTTOM for x, y in places)
    assert all(mark.at >= LEFT and mark.at + mark.size <= WIDTH - RIGHT + 1.5 for mark in chart.spells)
    assert len(chart.values) <= 9
    assert len(chart.times) <= 9


@pytest.mark.parametrize(
    ("operator", "value", "crossed"),
    [(">", "0.8", False), (">=", "0.8", True), (">", "0.81", True), ("<", "0.79", True), ("<=", "0.8", True)],
)
def test_a_level_is_crossed_as_a_rule_says(operator: str, value: str, *, crossed: bool) -> None:
    """Upwards or downwards, with or without the limit itself."""
    assert Limit("r", Severity.WARNING, operator, Decimal("0.8")).crossed(Decimal(value)) is crossed
