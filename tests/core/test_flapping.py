"""Alerts that come and go: kept open, told of at a normal pace, and ended once they have been good for long enough."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from marginwatch.core.alert import Alert, Reason, State, Status
from marginwatch.core.machine import Policy, Step, advance, remind_at
from marginwatch.core.result import AlertKey, Known, Result
from marginwatch.core.rule import Flapping, Rule
from support.alerting import Timeline, after, condition, ladder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from marginwatch.core.alert import Transition

MINUTE = timedelta(minutes=1)
OFTEN = Flapping(3, timedelta(minutes=6))
"""Calm is two minutes."""


class Restless(Timeline):
    """A timeline on which each alert knows of the one before it, as it does in the engine."""

    ended: Alert | None = None

    @property
    def policy(self) -> Policy:
        """With what the alert before ended with."""
        before = None if self.ended is None or self.alert is not None else self.ended.flaps
        return replace(super().policy, before=before)

    def keep(self, step: Step) -> list[Transition]:
        """And remember the end."""
        if step.alert is not None and not step.alert.is_open:
            self.ended = step.alert
        return super().keep(step)

    def values(self, since: int, *values: str | int) -> None:
        """A value every ten seconds."""
        for place, value in enumerate(values):
            self.value(since + 10 * place, str(value))

    def reasons(self) -> list[str]:
        """Of everything so far."""
        return [transition.reason.value for transition in self.transitions]


def flapping_ladder(**options: object) -> Rule:
    """A ladder of two levels that flaps at three firings within six minutes."""
    return ladder(**{"flapping": OFTEN, **options})  # type: ignore[arg-type]  # options are the rule's own fields


def restless(rule: Rule | None = None) -> Restless:
    """An alert that flaps: it fired three times, at 0, 20 and 40 s, and is good at 50 s."""
    line = Restless(rule or flapping_ladder())
    line.values(0, 85, 50, 85, 50, 85, 50)
    return line


def test_what_comes_and_goes_is_kept_open_and_told_once() -> None:
    """The third time it would be over, a reminder says that it flaps; what comes and goes then is told to nobody."""
    line = restless()

    assert line.told() == ["firing", "resolved", "firing", "resolved", "firing", "reminder"]
    begun = line.transitions[-1]
    assert (begun.reason, begun.after) == (Reason.FLAPPING, Status.FIRING)
    assert (begun.flapping_since, begun.times_fired, begun.value) == (after(0), 3, Decimal(50))
    line.values(60, 85, 50, 85, 50)
    assert line.reasons()[-2:] == ["fired_again", "fired_again"]
    assert line.told()[6:] == []
    assert (line.open().flapping_since, line.transitions[-1].times_fired) == (after(0), 5)


def test_it_is_over_once_it_was_good_for_the_calm_time() -> None:
    """Two minutes of answers that are all good, and not an instant before, resolve it; once."""
    line = restless()
    line.values(60, *["50"] * 11)
    assert line.told()[6:] == []

    (over,) = line.value(170, "50")
    assert (over.reason, over.state, over.after) == (Reason.CLEARED, State.RESOLVED, Status.RESOLVED)
    assert (over.flapping_since, over.times_fired) == (after(0), 3)
    assert line.alert is None


def test_unknown_and_unseen_time_are_no_calm() -> None:
    """A gap, or an answer that cannot be decided, begins the calm time anew, and is no change either."""
    line = restless()
    line.values(60, *["50"] * 10)
    line.unknown(160)
    line.values(170, *["50"] * 12)
    assert line.alert is not None
    assert line.open().flaps == replace(line.open().flaps, times=3)  # type: ignore[type-var]  # an alert that flaps has flaps

    assert [each.reason for each in line.value(290, "50")] == [Reason.CLEARED]


def test_few_firings_or_ones_far_apart_are_told_each() -> None:
    """Two are too few, and three over more than the time do not flap."""
    line = Restless(flapping_ladder())
    for minute in (0, 3, 7, 10):
        line.values(60 * minute, 85, 50)

    assert line.told() == ["firing", "resolved"] * 4


def test_one_that_has_been_good_for_as_long_already_is_over() -> None:
    """With a `clear_for` of the calm time or more nothing ever flaps."""
    line = Restless(flapping_ladder(clear_for=2 * MINUTE))
    for start in (0, 140, 280):
        line.values(start, 85, *["50"] * 13)

    assert line.told() == ["firing", "resolved"] * 3


def test_a_longer_time_to_clear_counts_while_it_flaps_too() -> None:
    """It takes `clear_for` to seem good, and the calm time to be over."""
    line = Restless(flapping_ladder(flapping=Flapping(2, 8 * MINUTE), clear_for=MINUTE))
    line.values(0, 85, *["50"] * 7, 85, *["50"] * 7)
    assert line.told() == ["firing", "resolved", "firing", "reminder"]
    line.values(160, *["50"] * 16)
    assert line.alert is not None

    assert line.value(330, "50")[0].state is State.RESOLVED


def test_a_worsening_is_told_at_once_while_it_flaps() -> None:
    """A higher level is told, with the acknowledgement void, from the good side as from the bad."""
    line = restless()
    line.acknowledged = True

    (worse,) = line.value(60, "95")
    assert (worse.reason, worse.state, worse.times_fired) == (Reason.HIGHER_LEVEL, State.WORSENED, 4)
    assert line.lapses == 1
    assert line.value(70, "50") == []
    assert [each.reason for each in line.value(80, "95")] == [Reason.FIRED_AGAIN]


def test_worse_by_the_step_means_worse_than_anything_told_while_it_flaps() -> None:
    """To be as bad again as was told is no worsening; to be worse by the step is one."""
    line = restless(flapping_ladder(worsens_by=Decimal(2)))

    assert [each.reason for each in line.value(60, "86")] == [Reason.FIRED_AGAIN]
    (worse,) = line.value(70, "87")
    assert (worse.reason, worse.previous_value) == (Reason.WORSENED_BY, Decimal(50))
    line.value(80, "50")
    assert [each.reason for each in line.value(90, "88")] == [Reason.FIRED_AGAIN]
    assert [each.reason for each in line.value(100, "89")] == [Reason.WORSENED_BY]


def test_a_step_is_measured_from_the_worst_until_something_is_told_of_the_steady_alert() -> None:
    """That it no longer flaps is no worsening against the good value told while it did."""
    line = restless(flapping_ladder(worsens_by=Decimal(2), remind_every=9 * MINUTE))
    line.values(60, *["85"] * 42)
    assert line.open().flapping_since is None
    assert line.reasons()[6:] == ["fired_again"]

    assert line.value(480, "85") == []
    line.wait(600)
    assert line.reasons()[7:] == ["data_lost"]
    assert [each.reason for each in line.value(610, "87")] == [Reason.WORSENED_BY]


def test_easing_takes_the_calm_time_while_it_flaps() -> None:
    """A level that comes and goes is not eased each time; one that was left for the calm time is."""
    line = restless()
    line.values(60, 95, 85, 95, 85)
    assert line.told()[6:] == ["worsened"]

    line.values(100, *["85"] * 12)
    assert line.told()[6:] == ["worsened", "eased"]


def test_nothing_is_eased_while_it_seems_good() -> None:
    """What is all good waits to be over, even where the higher level was left sooner."""
    line = restless()
    line.values(60, 95, 85, *["50"] * 12)
    assert line.told()[6:] == ["worsened"]

    assert line.value(200, "50")[0].state is State.RESOLVED


def test_a_steady_alert_flaps_no_more() -> None:
    """True with fewer firings in the time, it is one like any other, and is over by `clear_for` again."""
    line = restless()
    line.values(60, *["85"] * 39)
    assert line.open().flapping_since is None

    assert line.value(450, "50")[0].state is State.RESOLVED


def test_the_next_alert_knows_of_the_firings_before_it() -> None:
    """After an end it takes but one more firing within the time to flap again."""
    line = restless()
    line.values(60, *["50"] * 12)
    assert line.told()[6:] == ["resolved"]

    line.values(180, 85, 50)
    assert line.told()[7:] == ["firing", "reminder"]


def test_a_pending_alert_that_was_not_told_forgets_nothing() -> None:
    """One that never fired hands on what it knew."""
    line = Restless(flapping_ladder(hold=timedelta(seconds=10)))
    line.values(0, 85, 85, 50, 85, 85, 50, 85, 50, 85, 85, 50)

    assert line.told() == ["firing", "resolved", "firing", "resolved", "firing", "reminder"]


def test_it_must_hold_as_long_as_ever_to_count_as_fired_again() -> None:
    """What holds for less than `for` while it flaps is no firing, but it is not good either."""
    line = restless(flapping_ladder(hold=timedelta(0)))
    line.rule = flapping_ladder(hold=timedelta(seconds=20))
    line.values(60, 85, *["50"] * 12)

    assert line.reasons()[6:] == []
    assert line.value(190, "50")[0].times_fired == 3


def test_a_rule_may_keep_nothing_open() -> None:
    """Without flapping every firing is told, nothing is counted, and an edit that turns it off lets go at once."""
    line = Restless(ladder())
    line.values(0, *["85", "50"] * 8)
    assert line.told() == ["firing", "resolved"] * 8
    assert line.ended is not None
    assert line.ended.flaps is None

    line = restless()
    line.rule = ladder()
    assert [each.reason for each in line.value(60, "50")] == [Reason.CLEARED]


def test_an_edit_that_allows_fewer_firings_looks_at_the_latest() -> None:
    """A rule changed to two firings within a minute decides by the latest two."""
    line = Restless(flapping_ladder())
    line.values(0, 85, 50, 85)
    line.rule = flapping_ladder(flapping=Flapping(2, MINUTE))

    (begun,) = line.value(30, "50")
    assert (begun.reason, begun.flapping_since, begun.times_fired) == (Reason.FLAPPING, after(0), 2)


def test_a_condition_flaps_as_a_number_does() -> None:
    """Without a value there is nothing to worsen, and all else is the same."""
    line = Restless(condition(flapping=OFTEN))
    for second in range(0, 100, 20):
        line.holds(second)
        line.holds(second + 10, holds=False)

    assert line.told() == ["firing", "resolved", "firing", "resolved", "firing", "reminder"]
    assert line.reasons()[6:] == ["fired_again"] * 2


def test_data_that_are_back_are_told_though_it_fired_again() -> None:
    """That data are back is worth a message; the firing is counted all the same."""
    line = restless()
    line.unknown(60)
    line.wait(120)

    (back,) = line.value(130, "85")
    assert (back.reason, back.times_fired) == (Reason.DATA_BACK, 4)


def test_a_position_that_comes_and_goes_flaps() -> None:
    """That its subject is gone is good as well, and it takes the calm time too."""
    line = Restless(flapping_ladder())
    for second in (0, 20, 40):
        line.value(second, "85")
        line.value(second + 10, "50", gone=True)
    for second in range(60, 170, 10):
        line.value(second, "50", gone=True)

    assert line.value(170, "50", gone=True)[0].reason is Reason.SUBJECT_GONE


def test_reminders_keep_their_pace_while_it_flaps() -> None:
    """The next is due `remind_every` after the last message, whatever came and went since."""
    line = restless(flapping_ladder(remind_every=4 * MINUTE))
    line.values(60, *["85", "50"] * 11)

    assert remind_at(line.rule, line.open(), line.policy) == after(50 + 240)
    (reminder,) = line.wait(290)
    assert (reminder.reason, reminder.flapping_since, reminder.times_fired) == (Reason.REMIND, after(0), 14)


LADDER = (MINUTE, 2 * MINUTE, 5 * MINUTE)


def reminded(line: Timeline, until: int) -> list[int]:
    """Seconds at which reminders come, with an answer every ten seconds."""
    found = []
    for second in range(int(line.last) + 10, until, 10):
        found += [second for each in line.wait(second) if each.reason is Reason.REMIND]
        line.value(second, "85")
    return found


def laddered(waits: Sequence[timedelta] = LADDER) -> Timeline:
    """An alert that fired just now, with a ladder of reminders."""
    line = Timeline(ladder(remind_every=waits[0], remind_then=tuple(waits[1:])))
    line.value(0, "85")
    return line


def test_reminders_come_further_apart_and_the_last_wait_repeats() -> None:
    """After one, two and five minutes, and every five from then on."""
    assert reminded(laddered(), 1200) == [60, 180, 480, 780, 1080]


def test_a_worsening_begins_the_ladder_anew() -> None:
    """The next reminder after one comes after the first wait again."""
    line = laddered()
    assert reminded(line, 200) == [60, 180]
    line.value(200, "95")

    assert remind_at(line.rule, line.open(), line.policy) == after(260)


def test_an_acknowledgement_begins_the_ladder_anew() -> None:
    """When it is over, reminders come as they did at first."""
    line = laddered()
    assert reminded(line, 490) == [60, 180, 480]
    line.acknowledged = True
    assert reminded(line, 600) == []
    line.acknowledged = False

    assert reminded(line, 1000) == [600, 720]


def test_a_ladder_that_was_edited_goes_on_where_it_was() -> None:
    """With fewer steps than reminders the last one counts; without any, the one wait there is."""
    line = laddered()
    reminded(line, 490)
    line.rule = ladder(remind_every=MINUTE, remind_then=(2 * MINUTE,))
    assert remind_at(line.rule, line.open(), line.policy) == after(480 + 120)
    line.rule = ladder(remind_every=MINUTE)
    assert remind_at(line.rule, line.open(), line.policy) == after(480 + 60)
    line.rule = ladder()
    assert remind_at(line.rule, line.open(), line.policy) is None


def test_the_same_wait_over_and_over_counts_nothing() -> None:
    """With one wait an alert is stored as it always was."""
    line = laddered((MINUTE,))

    assert reminded(line, 200) == [60, 120, 180]
    assert line.open().reminded == 0


@pytest.mark.parametrize("known", [Known((True,), (True,)), Known((False,), (False,))])
def test_what_is_not_counted_is_not_carried(known: Known) -> None:
    """A rule that keeps nothing open takes nothing over from a time when it did."""
    ended = restless().open().flaps
    rule = condition()
    at = after(100)
    policy = Policy(MINUTE, acknowledged=False, revision="", before=ended)

    made = advance(rule, None, Result(condition_key(), known, at, at), at, policy).alert
    assert made is None or made.flaps is None


def condition_key() -> AlertKey:
    """The key of every alert here."""
    return Timeline(condition()).key
