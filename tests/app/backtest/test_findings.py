"""What is counted: pages, episodes, flaps, lead times, parts of the week, gaps and how close observations are."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from marginwatch.app.backtest.calls import Call, CallWatch, lead
from marginwatch.app.backtest.episodes import Episode, Ledger, spans
from marginwatch.app.backtest.play import Play
from marginwatch.app.backtest.report import middle, part_of_week
from marginwatch.app.backtest.request import BadTimeError, read_moment
from marginwatch.app.backtest.sight import Sight
from marginwatch.app.backtest.turn import Turn
from marginwatch.core.model import Severity
from marginwatch.core.result import AlertKey
from marginwatch.core.rule import Flapping, Rule
from support.desk import ONE, TWO, after, answer, fields, permissions_rule, ruling, seen, usage_rule

if TYPE_CHECKING:
    from marginwatch.core.model import Value

KEY = AlertKey("usage", ONE)
WARNING, CRITICAL = Severity.WARNING, Severity.CRITICAL


def kept(usages: list[str], since: float = 0, every: float = 30, rule: Rule | None = None, **others: object) -> Ledger:
    """The books after these usages of one account."""
    play = Play(ruling(rule or usage_rule(), permissions_rule()), None)
    ledger = Ledger(after(since))
    turns = [
        Turn(after(place * every), [answer(seen(place * every, fields(usage, **others)))])  # type: ignore[arg-type]  # others are the fields' values
        for place, usage in enumerate(usages)
    ]
    for moment in play.take(turns):
        ledger.take(moment)
    ledger.finish()
    return ledger


def test_firings_and_rises_are_pages() -> None:
    """A firing, a worsening to a higher level, and no easing; all within one episode."""
    told = kept(["0.5", "0.85", "0.95", "0.85", "0.5", "0.5"]).of("usage")

    assert [severity for _, _, severity in told.pages] == [WARNING, CRITICAL]
    (episode,) = told.episodes
    assert [severity for _, severity in episode.severities] == [WARNING, CRITICAL, WARNING]
    assert (episode.fired_at, episode.ended_at) == (after(30), after(120))
    assert told.messages == 7


def test_an_alert_that_fires_soon_after_it_resolved_flapped() -> None:
    """Within a quarter of an hour; later it is another matter."""
    soon, late = kept(["0.85", "0.5", "0.85"]), kept(["0.85", "0.5", *["0.5"] * 31, "0.85"])
    assert (soon.of("usage").flapped, late.of("usage").flapped) == (1, 0)


def test_what_flaps_is_counted_the_same_where_it_is_kept_open() -> None:
    """By its own notion the machine keeps one alert open and pages less; how often it came and went is as before."""
    swings = ["0.85", "0.5"] * 7
    plain, kept_open = kept(swings), kept(swings, rule=usage_rule(flapping=Flapping()))

    assert kept_open.of("usage").flapped == plain.of("usage").flapped == 6
    assert (len(plain.of("usage").pages), len(kept_open.of("usage").pages)) == (7, 4)


def test_what_fired_before_the_span_is_open_in_it_and_no_page() -> None:
    """And what ended before it is not in it at all."""
    told = kept(["0.85", "0.5", "0.85", "0.85"], since=75).of("usage")
    assert (len(told.pages), len(told.episodes), told.open_before, told.flapped) == (0, 1, 1, 0)
    assert spans(told.episodes, after(90)) == [timedelta(seconds=30)]


def test_an_event_is_a_page_of_no_length() -> None:
    """It ends when it happens."""
    play, ledger = Play(ruling(permissions_rule()), None), Ledger(after(0))
    for second, granted in ((0, {"view"}), (30, {"view", "trade"})):
        turn = Turn(after(second), [answer(seen(second, fields(permissions=frozenset(granted))))])
        for moment in play.take([turn]):
            ledger.take(moment)
    told = ledger.of("permissions")

    assert (len(told.pages), spans(told.episodes, after(60))) == (1, [])
    assert [each.open_at(after(second)) for each in told.episodes for second in (0, 30, 60)] == [False, True, False]


def test_an_episode_knows_the_worst_it_was() -> None:
    """In any stretch of time."""
    episode = Episode(KEY, after(10), [(after(10), WARNING), (after(20), CRITICAL), (after(30), WARNING)], after(40))
    worst = [episode.severity_in(after(a), after(b)) for a, b in ((0, 5), (0, 15), (15, 25), (32, 35), (45, 50))]
    assert worst == [None, WARNING, CRITICAL, WARNING, None]
    assert replace(episode, ended_at=None).severity_in(after(99), after(100)) is WARNING


@pytest.mark.parametrize(("call_at", "expected"), [(5, None), (10, 0), (25, 15), (40, None)])
def test_the_lead_is_from_firing_to_call(call_at: int, expected: int | None) -> None:
    """Zero when both come with one answer; none before the firing, from the end on, or of another account."""
    episode = Episode(KEY, after(10), [(after(10), WARNING)], after(40))
    found = lead(Call(ONE, after(call_at), "in_margin_call"), [episode])
    assert found == (None if expected is None else timedelta(seconds=expected))
    assert lead(Call(TWO, after(20), "in_margin_call"), [episode]) is None


def test_a_call_begins_when_the_data_say_so() -> None:
    """By any of the fields that do; one that was on from the start began nobody knows when."""
    watch = CallWatch()
    for second, account, said in (
        (0, ONE, {"in_margin_call": True}),
        (0, TWO, {}),
        (10, ONE, {"in_margin_call": False}),
        (10, TWO, {"call_amount": None}),
        (20, TWO, {"call_amount": 0}),
        (30, TWO, {"call_amount": 5}),
        (40, TWO, {"call_amount": 7}),
        (50, ONE, {"in_margin_call": True}),
    ):
        watch.see(seen(second, {name: _number(value) for name, value in said.items()}, account))

    assert watch.calls == [Call(TWO, after(30), "call_amount"), Call(ONE, after(50), "in_margin_call")]
    assert (watch.from_the_start, watch.known) == ({ONE}, {ONE, TWO})


def _number(value: bool | int | None) -> Value:
    return Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else value


def test_gaps_and_the_distance_of_observations_are_known() -> None:
    """The median distance, to the second where that is enough; gaps beyond what counts as seen."""
    sight = Sight({ONE.venue: timedelta(seconds=30)})
    for second in (0, 10.04, 20, 100, 110.2):
        sight.see(seen(second, fields()))
    assert sight.resolution(ONE.venue) == timedelta(seconds=10)
    assert sight.resolution("elsewhere") is None
    assert [(gap.since, gap.length) for gap in sight.gaps] == [(after(20), timedelta(seconds=80))]


def test_a_sub_second_pace_keeps_its_tenths() -> None:
    """It is not taken for none."""
    sight = Sight({})
    for place in range(5):
        sight.see(seen(place / 2, fields()))
    assert sight.resolution(ONE.venue) == timedelta(seconds=0.5)


def test_more_gaps_than_anybody_reads_are_counted() -> None:
    """The memory of them has an end."""
    sight = Sight({ONE.venue: timedelta(seconds=1)})
    for second in range(0, 20_010, 2):
        sight.see(seen(second, {}))
    assert (len(sight.gaps), sight.gaps_left_out) == (10_000, 4)


@pytest.mark.parametrize(
    ("at", "part"),
    [
        ("2026-11-06T12:00:00", "day"),
        ("2026-11-06T11:59:59", "night"),
        ("2026-11-07T03:00:00", "night"),
        ("2026-11-07T04:59:59", "night"),
        ("2026-11-07T05:00:00", "weekend"),
        ("2026-11-09T04:59:59", "weekend"),
        ("2026-11-09T05:00:00", "night"),
    ],
)
def test_day_and_night_are_by_the_clock_on_the_wall(at: str, part: str) -> None:
    """In New York, five hours behind."""
    assert part_of_week(datetime.fromisoformat(at).replace(tzinfo=UTC), ZoneInfo("America/New_York")) == part


def test_the_median_of_an_even_number_is_between() -> None:
    """And of none there is none."""
    assert middle([timedelta(1), timedelta(2), timedelta(4), timedelta(5)]) == timedelta(3)
    assert middle([]) is None


def test_times_are_days_moments_or_how_long_ago() -> None:
    """UTC unless a zone is named."""
    now = datetime(2026, 11, 20, tzinfo=UTC)
    assert read_moment("30d", now) == datetime(2026, 10, 21, tzinfo=UTC)
    assert read_moment("2026-11-01", now) == datetime(2026, 11, 1, tzinfo=UTC)
    assert read_moment("2026-11-01T14:00", now) == datetime(2026, 11, 1, 14, tzinfo=UTC)
    assert read_moment("2026-11-01T14:00+01:00", now) == datetime(2026, 11, 1, 13, tzinfo=UTC)
    with pytest.raises(BadTimeError):
        read_moment("0001-01-01T00:00+23:00", now)
