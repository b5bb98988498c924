"""Charts, decoded again: the line, the levels and the gaps are where they belong."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageColor

from marginwatch.core.fields import WORST_RATIO, Unit
from marginwatch.core.model import Severity
from marginwatch.notify import chart
from marginwatch.notify.chart import COLOURS, HEIGHT, LINE, PAPER, SHADE, WIDTH, Curve, Mark, draw

if TYPE_CHECKING:
    from collections.abc import Sequence

UNTIL = datetime(2026, 8, 3, 14, 3, 22, tzinfo=UTC)
SINCE = UNTIL - timedelta(hours=6)
WARNING, CRITICAL = Mark(Severity.WARNING, Decimal("0.8"), ">"), Mark(Severity.CRITICAL, Decimal("0.9"), ">")
GAP = (SINCE + timedelta(hours=3), SINCE + timedelta(hours=4))


def at(hours: float) -> datetime:
    """So long after the chart's left edge."""
    return SINCE + timedelta(hours=hours)


def curve(
    values: Sequence[tuple[float, str]], gaps: Sequence[tuple[datetime, datetime]] = (), **changes: object
) -> Curve:
    """A margin usage: pairs of hours and value."""
    given_ = {"marks": (WARNING, CRITICAL), "unit": Unit.RATIO, **changes}
    points = [(at(hours), Decimal(value)) for hours, value in values]
    return Curve("Margin usage: JDoe (futures)", points, gaps, since=SINCE, until=UNTIL, **given_)  # type: ignore[arg-type]  # a test's own figures


def seen(made: bytes) -> Image.Image:
    """The picture."""
    image = Image.open(io.BytesIO(made))
    assert image.format == "PNG"
    assert image.size == (WIDTH, HEIGHT)
    return image.convert("RGB")


def near(image: Image.Image, place: tuple[float, float], colour: str, *, within: int = 3) -> bool:
    """Whether a pixel at the place, or beside it, has about that colour."""
    x, y = map(round, place)
    wanted = ImageColor.getrgb(colour)
    spots = ((x + right, y + down) for right in range(-within, within + 1) for down in range(-within, within + 1))
    inside = (spot for spot in spots if 0 <= spot[0] < WIDTH and 0 <= spot[1] < HEIGHT)
    return any(_alike(image.getpixel(spot), wanted) for spot in inside)


def _alike(found: object, wanted: tuple[int, ...]) -> bool:
    assert isinstance(found, tuple)
    return all(abs(one - other) < 40 for one, other in zip(found, wanted, strict=False))


def test_the_line_goes_through_its_values() -> None:
    """At each of them and halfway between two, and nowhere else."""
    drawn = curve([(0, "0.72"), (2, "0.76"), (4, "0.74"), (6, "0.95")])
    image = seen(draw(drawn))

    for hours, value in ((0.1, "0.722"), (1, "0.74"), (2, "0.76"), (3, "0.75"), (5, "0.845"), (6, "0.95")):
        assert near(image, drawn.place(at(hours), Decimal(value)), LINE)
    for hours, value in ((1, "0.85"), (3, "0.93"), (5.5, "0.75")):
        assert not near(image, drawn.place(at(hours), Decimal(value)), LINE)


@pytest.mark.parametrize("mark", [WARNING, CRITICAL])
def test_each_level_is_a_broken_line_of_its_colour(mark: Mark) -> None:
    """All the way across, named at its end."""
    drawn = curve([(0, "0.5"), (6, "0.6")])
    image = seen(draw(drawn))

    for hours in (0.5, 2, 3.5, 5.5):
        assert near(image, drawn.place(at(hours), mark.limit), COLOURS[mark.severity], within=8)
    right, y = drawn.place(UNTIL, mark.limit)
    assert any(near(image, (right + x, y), COLOURS[mark.severity]) for x in range(8, 110, 4))
    other = CRITICAL if mark is WARNING else WARNING
    assert not near(image, drawn.place(at(2), mark.limit), COLOURS[other.severity], within=8)


def test_what_is_unknown_is_shaded_and_has_no_line() -> None:
    """The line stops at a gap and goes on behind it: nothing is made up between."""
    drawn = curve([(0, "0.7"), (3, "0.7"), (4, "0.7"), (6, "0.7")], [GAP])
    image = seen(draw(drawn))

    assert near(image, drawn.place(at(3.5), Decimal("0.85")), SHADE, within=0)
    assert not near(image, drawn.place(at(3.5), Decimal("0.7")), LINE)
    assert near(image, drawn.place(at(2.9), Decimal("0.7")), LINE)
    assert near(image, drawn.place(at(4.1), Decimal("0.7")), LINE)
    assert near(image, drawn.place(at(2.5), Decimal("0.85")), PAPER, within=0)


def test_a_lonely_value_between_two_gaps_shows() -> None:
    """As a dot."""
    drawn = curve([(1, "0.7"), (3, "0.75"), (5, "0.7")], [(at(1), at(3)), (at(3), at(5))])
    image = seen(draw(drawn))

    assert near(image, drawn.place(at(3), Decimal("0.75")), LINE)
    assert not near(image, drawn.place(at(2), Decimal("0.725")), LINE)


def test_a_spike_within_one_pixel_is_not_lost() -> None:
    """Thousands of values are drawn by the lowest and highest of each column."""
    values = [(hours / 1000, "0.7") for hours in range(6000)]
    values[3000] = (3.0, "0.95")
    drawn = curve(values)

    assert near(seen(draw(drawn)), drawn.place(at(3), Decimal("0.93")), LINE)


def test_a_hopeless_value_does_not_flatten_the_others() -> None:
    """Margin in use with no equity left is the worst ratio there is: it is drawn at the edge."""
    drawn = curve([(0, "0.7"), (5, "0.85"), (6, str(WORST_RATIO))])

    low, high = drawn.place(at(0), Decimal("0.7")), drawn.place(at(5), Decimal("0.85"))
    assert low[1] - high[1] > 10
    assert drawn.place(UNTIL, WORST_RATIO)[1] == chart._TOP


def test_it_says_what_it_is_and_when() -> None:
    """Ink in every corner that has words: the title, the latest value, values beside and times below."""
    image = seen(draw(curve([(0, "0.7"), (6, "0.8")])))

    for box in ((10, 12, 320, 36), (680, 12, 790, 36), (40, 60, 90, 300), (92, 306, 668, 330), (600, 334, 790, 356)):
        assert image.crop(box).getextrema() != image.crop((0, 0, 8, 8)).getextrema()


def test_times_are_round_ones_of_the_readers_day() -> None:
    """In the reader's zone, and few enough to be read."""
    berlin = curve([(0, "0.7"), (6, "0.8")], tz=ZoneInfo("Europe/Berlin"))

    times = list(chart._round_times(berlin))

    assert [time.strftime("%H:%M %Z") for time in times][:2] == ["11:00 CEST", "12:00 CEST"]
    assert len(times) <= 7


@pytest.mark.parametrize(
    ("length", "said"),
    [
        (timedelta(seconds=70), ["14:02:20", "14:02:30"]),
        (timedelta(hours=1), ["13:10", "13:20"]),
        (timedelta(days=2), ["08-02", "12:00"]),
    ],
)
def test_times_are_as_fine_as_the_chart_is_long(length: timedelta, said: list[str]) -> None:
    """Seconds where it is a minute long, days where it is days."""
    drawn = replace(curve([(0, "0.7")]), since=UNTIL - length)

    assert [chart._time(at) for at in chart._round_times(drawn)][:2] == said


def test_levels_close_together_can_both_be_read() -> None:
    """Their names are moved apart."""
    taken: list[float] = []

    places = [chart._apart(100, taken), chart._apart(104, taken)]

    assert abs(places[0] - places[1]) >= 16


@given(
    values=st.lists(
        st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15),
        min_size=1,
        max_size=8,
    ),
    limits=st.lists(
        st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15), max_size=3
    ),
    unit=st.sampled_from([Unit.RATIO, Unit.MONEY, Unit.QUANTITY, Unit.DURATION]),
)
def test_any_numbers_can_be_drawn(values: list[Decimal], limits: list[Decimal], unit: Unit) -> None:
    """Whatever a rule reckons, there is a picture of it."""
    points = [(at(number), value) for number, value in enumerate(values)]
    marks = [Mark(Severity.WARNING, limit, "<") for limit in limits]

    seen(draw(Curve("\u00e9\u4e2d <b>", points, [(SINCE, at(0.001))], marks, SINCE, UNTIL, unit)))
