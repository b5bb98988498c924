"""What the windows of one account keep, and when time goes wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from marginwatch.core.windows import AccountWindows, Answers, Pending, Plan, sampled
from support.expressions import right
from support.zones import CALENDARS, sessions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from marginwatch.core.model import Value
    from marginwatch.core.windows import Sample

NOON = datetime(2026, 3, 9, 17, tzinfo=UTC)
STALE_AFTER = timedelta(minutes=1)
PEAK = 'max(equity, "1d")'
FELL = 'drawdown(equity, "1d")'


def plan_of(*texts: str) -> Plan:
    return Plan([right(text) for text in texts], sessions())


def kept(plan: Plan, *seen: tuple[datetime, str | None]) -> AccountWindows:
    """What is kept after these equities."""
    windows = AccountWindows(STALE_AFTER)
    for at, equity in seen:
        windows.keep(plan, sample(plan, windows, at, equity))
    return windows


def sample(plan: Plan, windows: AccountWindows, at: datetime, equity: str | None) -> Sample:
    return sampled(plan, {"equity": None if equity is None else Decimal(equity)}, at, windows.latest)


def asked(plan: Plan, windows: AccountWindows, at: datetime, *equities: str | None) -> dict[str, Value]:
    """The windows' values when these equities, not kept yet, are seen at that time."""
    return Answers(plan, windows, [sample(plan, windows, at, equity) for equity in equities]).values()


def minutes(*numbers: float) -> Iterable[datetime]:
    return (NOON + timedelta(minutes=number) for number in numbers)


def test_nothing_asked_is_nothing_kept() -> None:
    """An account whose rules have no window costs nothing."""
    assert not plan_of("in_margin_call")
    assert plan_of(f"{FELL} > 5")


def test_rules_share_what_they_look_at() -> None:
    """Two windows of the same length over the same are asked once, and all over the same are kept once."""
    texts = ('mean(equity, "2h") > 5', 'min(equity, "3h") < max(cash, "1h")', 'last(cash, "session") > 5')
    plan = plan_of(f"{FELL} > 5", f"{FELL} > 9", *texts)
    assert [question.text for question in plan.questions] == [
        FELL,
        'mean(equity, "2h")',
        'min(equity, "3h")',
        'max(cash, "1h")',
        'last(cash, "session of us-futures")',
    ]
    assert {text: track.reach for text, track in plan.tracks.items()} == {
        "equity": timedelta(days=1),
        "cash": timedelta(hours=1),
    }
    assert plan.tracks["cash"].calendars == (CALENDARS["us-futures"],)
    keeps = plan.tracks["equity"].keeps
    assert (keeps.peaks, keeps.troughs, keeps.steps, keeps.sums) == (True, True, True, True)
    assert not plan.tracks["cash"].keeps.steps


def test_asking_leaves_no_trace() -> None:
    """A decision that is dropped changes nothing: the same question has the same answer, whatever was pending."""
    plan = plan_of(PEAK)
    windows = kept(plan, (NOON, "100"))
    later = NOON + timedelta(seconds=10)
    assert asked(plan, windows, later, "500", "90") == {PEAK: Decimal(500)}
    assert asked(plan, windows, later, "90") == {PEAK: Decimal(100)}


def test_a_clock_set_back_a_little_leaves_windows_as_they_are() -> None:
    """Time stands still until the clock has caught up: no peak is lost, and none stays longer than its window."""
    plan = plan_of(PEAK)
    start, back, again = minutes(0, -60, 23 * 60)
    windows = kept(plan, (start, "100"), (back, "90"))
    assert windows.latest == sample(plan, windows, start, "1").at
    assert asked(plan, windows, again, "80") == {PEAK: Decimal(100)}
    assert asked(plan, windows, start + timedelta(days=1, minutes=1), "80") == {PEAK: Decimal(80)}


def test_a_clock_set_back_by_days_begins_anew() -> None:
    """What was seen at times that have not come is forgotten, at once and for good."""
    plan = plan_of(PEAK)
    start, back, behind = minutes(0, -3 * 1440, -3 * 1440 + 1)
    windows = kept(plan, (start, "100"))
    pending = [sample(plan, windows, back, "90")]
    pending.append(sampled(plan, {"equity": Decimal(80)}, behind, pending[-1].at))
    assert Answers(plan, windows, pending).values() == {PEAK: Decimal(90)}
    for each in pending:
        windows.keep(plan, each)
    assert asked(plan, windows, behind, "70") == {PEAK: Decimal(90)}


def test_rules_that_change_keep_what_they_share() -> None:
    """A series whose windows are the same goes on; another begins, and one nobody asks for is dropped."""
    before, after = plan_of(PEAK, 'min(cash, "1h")'), plan_of(PEAK, 'mean(equity - cash, "1h")')
    windows = kept(before, (NOON, "100"))
    later = NOON + timedelta(seconds=10)
    fields: dict[str, Value] = {"equity": Decimal(90), "cash": Decimal(20)}
    present = sampled(after, fields, later, windows.latest)
    answers = {PEAK: Decimal(100), 'mean(equity - cash, "1h")': Decimal(70)}
    assert Answers(after, windows, [present]).values() == answers
    windows.keep(after, present)
    assert windows.tracks == after.tracks
    assert Answers(after, windows, [present]).values() == answers


def test_more_kinds_of_windows_over_the_same_begin_together() -> None:
    """What was not kept for the new window is not made up from what was kept for the old one."""
    before, after = plan_of(PEAK), plan_of(PEAK, 'min(equity, "1d")')
    windows = kept(before, (NOON, "50"))
    (later,) = minutes(0.1)
    assert asked(after, windows, later, "60") == {PEAK: Decimal(60), 'min(equity, "1d")': Decimal(60)}


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=30), st.integers(2, 40))
def test_what_no_window_sees_any_more_is_forgotten(equities: list[int], rounds: int) -> None:
    """However long it goes on, no more is kept than twice what a window holds, and a little."""
    plan = plan_of('mean(equity, "10m")', 'max(equity, "5m")', 'min(equity, "5m")')
    windows = AccountWindows(STALE_AFTER)
    for number in range(rounds * len(equities)):
        at = NOON + timedelta(seconds=20 * number)
        windows.keep(plan, sample(plan, windows, at, str(equities[number % len(equities)] + number % 2)))
        assert len(windows._series["equity"]) <= 31 + 16 + max(64, 31 + 16)


def test_how_much_was_seen() -> None:
    """A window says since when and how long it could see, and when that is as good as all of it."""
    plan = plan_of(PEAK, 'delta(equity, "session")')
    start, gap, end = minutes(0, 30, 31)
    windows = kept(plan, (start, "100"), (gap, "90"))
    answers = Answers(plan, windows, [sample(plan, windows, end, "95")])
    peak, session = answers.coverage([PEAK, 'delta(equity, "session of us-futures")'])
    assert (peak.window, peak.length, peak.known, peak.since) == (
        "1d",
        timedelta(days=1),
        timedelta(minutes=2),
        start,
    )
    assert (session.window, session.length, session.known) == ("session", timedelta(hours=19, minutes=31), peak.known)
    assert not peak.whole
    assert Answers(plan, windows, [sample(plan, windows, end, None)]).coverage([PEAK]) == ()
    short = plan_of('max(equity, "1m")')
    full = Answers(short, kept(short, (gap, "9")), [sample(short, windows, end, "9")]).coverage(['max(equity, "1m")'])
    assert full[0].whole


def test_at_the_moment_a_session_opens_the_present_value_is_all_there_is() -> None:
    """A window that has just begun holds the value that is seen then, and no earlier one."""
    functions = ("max", "min", "mean", "first", "last", "delta", "drawdown")
    plan = plan_of(*(f'{function}(equity, "session")' for function in functions))
    opens = NOON.replace(hour=22)
    windows = kept(plan, (opens - timedelta(seconds=30), "120"))

    found = asked(plan, windows, opens, "100")

    assert list(found.values()) == [*([Decimal(100)] * 5), Decimal(0), Decimal(0)]


def test_a_difference_beyond_all_numbers_is_unknown() -> None:
    """Two amounts so far apart that no number says by how much make the window unknown, and nothing breaks."""
    plan, (first, present) = plan_of(FELL, PEAK), minutes(0, 0.5)
    windows = kept(plan, (first, "9E+6144"))
    assert asked(plan, windows, present, "-9E+6144") == {FELL: None, PEAK: Decimal("9E+6144")}


def test_a_batch_across_a_clock_set_back_begins_anew() -> None:
    """Of answers of one batch those from before the clock was set back by days do not count."""
    plan, batch = plan_of(PEAK), Pending(AccountWindows(STALE_AFTER))
    told = [
        batch.see(plan, {"equity": Decimal(equity)}, NOON - timedelta(days=days)).values()[PEAK]
        for equity, days in ((100, 0), (90, 9), (80, 9))
    ]
    assert told == [Decimal(100), Decimal(90), Decimal(90)]
