"""Charts for messages, of what is really stored: what they show, and that no message ever waits for one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from marginwatch import clock
from marginwatch.app import charting
from marginwatch.app.charting import Charts, gaps_of
from marginwatch.core.alert import State
from marginwatch.notify import chart
from marginwatch.store.errors import DatabaseBusyError
from support.records import after
from support.storied import FX, HEDGE, POSITIONS, Story, numbers, told

if TYPE_CHECKING:
    from collections.abc import Iterator

    from marginwatch.core.state import Message
    from marginwatch.notify.chart import Curve

RATIO = """
[[rule]]
id = "ratio"
title = "Margin by equity"
value = "(equity - margin_excess) / equity"
levels = { warning = "> 80%" }

[[rule]]
id = "slide"
title = "Slide"
value = 'delta(equity, "2m")'
levels = { warning = "< -1_000" }

[[rule]]
id = "loser"
title = "Losing position"
value = "position.unrealized_pnl"
levels = { warning = "< -500" }
each = "position"

[[rule]]
id = "stuck"
title = "Call"
when = "fed_call >= 0 or equity > 0"
severity = "critical"

[[rule]]
id = "elsewhere"
title = "Elsewhere"
value = "equity"
levels = { warning = "< 0" }
venues = ["fx"]

[[rule]]
id = "broken"
title = "Divided by nothing"
value = "equity / (equity - equity)"
levels = { warning = "> 100%" }
"""


@pytest.fixture(scope="module")
def told_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """Ten minutes of an account, with two without an answer, and two answers of another."""
    with told(tmp_path_factory.mktemp("story"), RATIO) as made:
        for second in range(0, 200, 10):
            made.see(second, numbers("0.85", str(100_000 - 20 * second)))
        made.see(301, HEDGE, account=FX, positions=POSITIONS)
        for second in range(320, 600, 10):
            made.see(second, numbers("0.85", str(100_000 - 20 * second)))
        made.see(600, numbers("0.85", "80000"))
        made.see(601, HEDGE, account=FX, positions=POSITIONS)
        made.see(611, HEDGE, account=FX, positions=POSITIONS)
        yield made


@pytest.fixture
def story(told_once: Story, monkeypatch: pytest.MonkeyPatch) -> Story:
    """The same a moment later; nothing here writes."""
    monkeypatch.setattr(clock, "now", lambda: after(615))
    return told_once


@pytest.fixture
def curves(monkeypatch: pytest.MonkeyPatch) -> list[Curve]:
    """What was drawn."""
    found: list[Curve] = []

    def draw(curve: Curve) -> bytes:
        found.append(curve)
        return b"png"

    monkeypatch.setattr(chart, "draw", draw)
    return found


def written(story: Story, rule: str) -> Message:
    """The first message about the rule."""
    rows = story.store.outbox.rows(receiver="desk")
    return next(row.message for row in reversed(rows) if row.message.payload["rule"] == rule)


def charts(story: Story) -> Charts:
    """As the daemon has them."""
    return Charts(story.store.history, story.ticker)


def test_the_rules_own_number_is_drawn_with_its_levels_and_gaps(story: Story, curves: list[Curve]) -> None:
    """Also where the rule reckons it; it begins where the account was first seen, and shows when it was not."""
    assert charts(story).draw(written(story, "ratio")) == b"png"

    [curve] = curves
    assert curve.title == "Margin by equity: STONEX:000000/JDoe (futures)"
    assert len(curve.points) == 49
    assert curve.points[0] == (after(0), Decimal("0.85"))
    assert [(mark.severity.label, mark.operator, mark.limit) for mark in curve.marks] == [
        ("warning", ">", Decimal("0.8"))
    ]
    assert curve.until == after(615)
    assert curve.since == after(0)
    assert list(curve.gaps) == [(after(190), after(320))]


def test_a_window_is_drawn_where_it_was_seen_in_full(story: Story, curves: list[Curve]) -> None:
    """Before that its number is not what the rule would say."""
    assert charts(story).draw(written(story, "slide")) == b"png"

    assert curves[0].points[0][0] == after(120)
    assert {value for at, value in curves[0].points if at < after(200)} == {Decimal(-2400)}


def test_no_more_is_read_than_the_last_hours(
    story: Story, curves: list[Curve], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of an account that was seen long ago; the time of no answer since then is unknown."""
    sent = written(story, "ratio")
    monkeypatch.setattr(clock, "now", lambda: after(600 + 6 * 3600 - 60))

    assert charts(story).draw(sent) == b"png"

    [curve] = curves
    assert curve.until - curve.since == timedelta(hours=6)
    assert curve.points[0][0] == after(540)
    assert curve.gaps[-1] == (after(600), curve.until)


def test_a_position_is_drawn_by_itself(story: Story, curves: list[Curve]) -> None:
    """Only the one the message is about."""
    sent = written(story, "loser")
    assert charts(story).draw(sent) == b"png"

    wanted = next(each for each in POSITIONS if str(each.get("id", each.get("symbol"))) == sent.payload["subject"])
    assert {value for _, value in curves[0].points} == {wanted["unrealized_pnl"]}
    assert sent.payload["subject"] in curves[0].title


def test_every_receiver_of_an_alert_gets_the_same_chart(story: Story, curves: list[Curve]) -> None:
    """Drawn once; those of long ago are dropped."""
    made, sent = charts(story), written(story, "ratio")

    assert made.draw(sent) == made.draw(replace(sent, receiver="phone")) == b"png"
    for number in range(40):
        made.draw(replace(sent, topic=str(number)))

    assert len(curves) == 41
    assert len(made._drawn) <= charting._KEPT


@pytest.mark.parametrize(
    "change",
    [
        {"rule": "stuck"},
        {"rule": "gone"},
        {"venue": "gone"},
        {"account": "gone"},
        {"rule": "loser", "venue": "clearing"},
        {"rule": "elsewhere"},
        {"rule": "broken"},
        {"rule": "venue-unreachable"},
        {"rule": "loser", "subject": "gone"},
    ],
)
def test_nothing_to_draw_is_no_chart(story: Story, curves: list[Curve], change: dict[str, str]) -> None:
    """A rule that is no ladder or is gone, an account that is gone, a position that was never seen."""
    sent = written(story, "ratio")

    assert charts(story).draw(replace(sent, payload={**sent.payload, **change})) is None
    assert curves == []


@pytest.mark.parametrize("state", [State.EVENT, State.CLOSED])
def test_what_is_no_number_any_more_has_none(story: Story, curves: list[Curve], state: State) -> None:
    """An event, and what is not watched any longer."""
    assert charts(story).draw(replace(written(story, "ratio"), state=state)) is None
    assert curves == []


def test_reading_that_takes_too_long_is_given_up(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message goes out without."""
    monkeypatch.setattr(charting, "DRAWS_FOR", -1.0)

    assert charts(story).draw(written(story, "ratio")) is None


def test_a_chart_under_way_is_not_waited_for_long(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message goes out without."""
    monkeypatch.setattr(charting, "WAITS_FOR", 0.0)
    made = charts(story)
    with made._turn:
        assert made.draw(written(story, "ratio")) is None


def test_a_store_that_refuses_costs_only_the_chart(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message goes out without, and the next is tried again."""
    made, sent, where = charts(story), written(story, "ratio"), "sqlite"

    def refuse(*_: object) -> None:
        raise DatabaseBusyError(where)

    monkeypatch.setattr(story.store.history, "observations", refuse)
    assert made.draw(sent) is None
    monkeypatch.undo()
    monkeypatch.setattr(clock, "now", lambda: after(615))
    assert (made.draw(sent) or b"").startswith(b"\x89PNG")


@pytest.mark.parametrize("fault", [ArithmeticError, KeyError, OSError, TypeError, ValueError, MemoryError])
def test_a_fault_in_drawing_costs_only_the_chart(
    story: Story, monkeypatch: pytest.MonkeyPatch, fault: type[Exception]
) -> None:
    """The message goes out without, at the first attempt, and the log names the fault but none of its words."""

    def fail(_: object) -> bytes:
        raise fault("words that may be secret")  # noqa: EM101, TRY003  (a stranger's)

    monkeypatch.setattr(chart, "draw", fail)
    made = charts(story)
    with capture_logs() as logs:
        assert made.draw(written(story, "ratio")) is None
    assert [(line["log_level"], line["error"]) for line in logs] == [("warning", fault.__name__)]
    assert "secret" not in str(logs)
    assert not made._turn.locked()


def test_gaps_are_where_nothing_was_known() -> None:
    """Between two known values, at both ends, and where an answer lacked the number."""
    minute = timedelta(minutes=1)
    seen = [(after(0), Decimal(1)), (after(30), None), (after(40), Decimal(2)), (after(50), Decimal(2))]

    assert list(gaps_of(seen, after(-30), after(60), minute)) == [(after(0), after(40))]
    assert list(gaps_of(seen, after(-90), after(120), minute)) == [
        (after(-90), after(0)),
        (after(0), after(40)),
        (after(50), after(120)),
    ]
    assert list(gaps_of([*seen, (after(55), None)], after(0), after(60), minute)) == [
        (after(0), after(40)),
        (after(50), after(60)),
    ]
    assert list(gaps_of([], after(0), after(10), minute)) == []
