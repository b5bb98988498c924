"""The engine in virtual time decides what the daemon decides."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from marginwatch.app.replay import Replay
from marginwatch.core.alert import Silence
from marginwatch.core.engine import Wishes
from support.desk import VENUE, Desk, after, answer, cycle_end, failed, fields, ruling, seen, steps, usage_rule

if TYPE_CHECKING:
    from marginwatch.app.replay import Moment
    from marginwatch.core.ruling import Ruling

RULES = ruling(usage_rule(hold=timedelta(seconds=15), remind_every=timedelta(seconds=45)))


def started(rules: Ruling = RULES) -> Replay:
    replay = Replay(rules)
    replay.start(after(0))
    return replay


def look(replay: Replay, seconds: float, usage: str | None) -> list[Moment]:
    """The timers up to that second and one answer then."""
    passed = list(replay.elapse(after(seconds)))
    return [*passed, replay.feed((answer(seen(seconds, fields(usage))), cycle_end(seconds)), after(seconds))]


def test_what_is_decided_and_said_is_what_the_daemon_decides_and_says() -> None:
    """The same answers at the same times give the same transitions and the same messages, word for word."""
    usages = ["0.5", "0.82", "0.84", "0.95", None, "0.5", "0.5"]
    desk, replay = Desk(RULES), started()
    moments = [moment for turn, usage in enumerate(usages) for moment in look(replay, 10 * turn, usage)]
    for turn, usage in enumerate(usages):
        desk.tick(10 * turn, answer(seen(10 * turn, fields(usage))), cycle_end(10 * turn))

    assert desk.transitions
    assert [each for moment in moments for each in moment.transitions] == desk.transitions
    assert [message for moment in moments for message in moment.messages()] == desk.messages


def test_time_alone_tells_of_reminders_and_lost_data_when_they_are_due() -> None:
    """Between two answers every timer runs out at its own instant, and none of a later time."""
    replay = started()
    for seconds in (0, 10, 20):
        look(replay, seconds, "0.85")
    replay.feed((failed(30),), after(30))
    passed = list(replay.elapse(after(200)))

    assert [(moment.at, *steps(moment.transitions)) for moment in passed if moment.transitions] == [
        (after(65), "usage:firing>firing:remind"),
        (after(80), "data-stale:inactive>firing:held", "usage:firing>firing:data_lost"),
        (after(125), "usage:firing>firing:remind"),
        (after(170), "usage:firing>firing:remind"),
    ]
    assert list(replay.elapse(after(215))) == []


def test_the_end_of_a_silence_is_a_moment_of_its_own() -> None:
    """What a silence held back goes out when it ends, although nothing arrives then."""
    replay = started(ruling(usage_rule()))
    silence = Silence(1, "ann", "", after(0), after(33), venue=VENUE)
    replay.feed((), after(0), Wishes(silences=(silence,)))
    look(replay, 10, "0.85")
    (moment,) = replay.elapse(after(60))

    assert moment.at == after(33)
    assert [message.title for message in moment.messages()] == ["WARNING: one (desk): Margin usage, since 14:00 UTC"]
    assert list(replay.elapse(after(60))) == []
