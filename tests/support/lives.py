"""Any life an alert may lead: generated rules and turns, and the machine run over them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from marginwatch.core.machine import Policy, Step, advance, elapse
from marginwatch.core.model import Severity
from marginwatch.core.result import Known, Result, Unknown
from marginwatch.core.rule import Flapping, Level
from support.alerting import KEY, STALE_AFTER, after, compare, ladder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from marginwatch.core.alert import Alert
    from marginwatch.core.rule import Rule

SECONDS = st.sampled_from([0, 1, 10, 29, 30, 31, 59, 60, 61, 300])
WAITS = st.sampled_from([0, 30, 60, 120]).map(lambda seconds: timedelta(seconds=seconds))

FLAPPING = (None, Flapping(2, timedelta(minutes=4)), Flapping(3, timedelta(minutes=9)))


@dataclass(frozen=True)
class Turn:
    """One thing that happens: a value, an unknown, or nothing but time."""

    gap: int
    what: int | str
    lag: int
    """How much older than its arrival the answer says it is."""
    acknowledged: bool


@dataclass(frozen=True)
class Lived:
    """One turn and what the machine made of it."""

    now: datetime
    result: Result | None
    before: Alert | None
    step: Step
    acknowledged: bool


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    """Ladders of one to three levels, upwards or downwards, with any timing."""
    severities = sorted(draw(st.sets(st.sampled_from(Severity), min_size=1)))
    sign, operator = draw(st.sampled_from([(1, ">"), (-1, "<")]))
    clear_by = draw(st.sampled_from([0, 3]))
    levels = tuple(
        Level(severity, operator, Decimal(sign * limit), Decimal(sign * (limit - clear_by)))
        for severity, limit in zip(severities, (70, 80, 90), strict=False)
    )
    return ladder(
        levels=levels,
        hold=draw(WAITS),
        clear_for=draw(WAITS),
        count=draw(st.integers(1, 3)),
        worsens_by=draw(st.sampled_from([None, Decimal(4)])),
        remind_every=draw(st.sampled_from([None, timedelta(seconds=90)])),
        remind_then=draw(st.sampled_from([(), (timedelta(seconds=200),)])),
        flapping=draw(st.sampled_from(FLAPPING)),
    )


TURNS = st.lists(
    st.builds(
        Turn,
        gap=SECONDS,
        what=st.one_of(st.integers(60, 100), st.integers(60, 100), st.sampled_from(["unknown", "time"])),
        lag=st.sampled_from([0, 0, 0, 20]),
        acknowledged=st.booleans(),
    ),
    max_size=30,
)


def live(rule: Rule, turns: Sequence[Turn], restart: Callable[[Alert], Alert] = lambda alert: alert) -> list[Lived]:
    """Run the machine as a caller does, handing each alert through `restart` before its next turn."""
    lived: list[Lived] = []
    alert: Alert | None = None
    ended: Alert | None = None
    seconds = 0
    observed_at = after(0)
    for number, turn in enumerate(turns):
        seconds += turn.gap
        now = after(seconds) + timedelta(microseconds=number)  # two answers never come in at the very same time
        policy = Policy(STALE_AFTER, turn.acknowledged, "rules-1")
        alert = None if alert is None else restart(alert)
        if alert is None and ended is not None:
            ended = restart(ended)
            policy = replace(policy, before=ended.flaps)
        result = None
        if turn.what == "time":
            step = Step(None) if alert is None else elapse(rule, alert, now, policy)
        else:
            observed_at = max(observed_at, after(seconds - turn.lag))
            result = Result(KEY, outcome_of(rule, turn.what), observed_at, now)
            step = advance(rule, alert, result, now, policy)
        lived.append(Lived(now, result, alert, step, turn.acknowledged))
        if step.alert is not None and not step.alert.is_open:
            ended = step.alert
        alert = step.alert if step.alert is not None and step.alert.is_open else None
    return lived


def outcome_of(rule: Rule, what: int | str) -> Known | Unknown:
    """What evaluating the turn's value gives."""
    if isinstance(what, str):
        return Unknown("no good answer came: timed out")
    return compare(rule, Decimal(what if rule.levels[0].operator == ">" else -what))
