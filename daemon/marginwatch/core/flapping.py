"""Alerts that come and go: when one is kept open for it, and what it then takes to end it. Pure.

An alert flaps when it would be over and its rule fired `times` on its subject `within` the time before. From then on it
is left, as its levels are, only after having been good for `calm`. It is an alert like any other again as soon as it
is true with fewer firings in that time.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from marginwatch.core import levels
from marginwatch.core.alert import Flaps, Status

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal

    from marginwatch.core.alert import Alert
    from marginwatch.core.rule import Flapping, Level, Rule

LONGEST: Final = timedelta(days=1)
"""The most that `within` may be."""
REMEMBERED: Final = 2 * LONGEST
"""How long an alert that ended is remembered for its firings: longer than asked for, as answers may come late."""
_OVER: Final = frozenset({Status.RESOLVED, Status.INACTIVE})


def counts(alert: Alert) -> bool:
    """Whether an alert that ended says of firings that count for the next one of its key."""
    return alert.flaps is not None and alert.status in _OVER


def carried(rule: Rule, before: Flaps | None) -> Flaps | None:
    """What a new alert knows of the firings before it; `before` is what the one before it ended with."""
    return None if rule.flapping is None or before is None else Flaps(before.fired)


def fired(rule: Rule, alert: Alert) -> Flaps | None:
    """With one firing more, now."""
    return None if rule.flapping is None else Flaps(_with(rule.flapping, alert))


def follow(rule: Rule, alert: Alert) -> Alert:
    """An alert after a known result: whether it still flaps, and if so whether it is good or true now."""
    flaps = alert.flaps
    if flaps is None or flaps.since is None:
        return alert
    if rule.flapping is None:
        return replace(alert, flaps=None)
    if flaps.good:
        if levels.highest_held(alert.timers, rule.hold) is None:
            return alert
        flaps = replace(flaps, fired=_with(rule.flapping, alert), times=flaps.times + 1, good=False)
    elif levels.highest_kept(alert.timers, alert.level, rule.clear_for) is None:
        flaps = replace(flaps, good=True)
    elif not _restless(rule.flapping, flaps, alert.observed_at):
        flaps = Flaps(flaps.fired, worst=flaps.worst)
    return replace(alert, flaps=flaps)


def begun(rule: Rule, alert: Alert) -> Flaps | None:
    """With its firings made known as flapping, of an alert that would be over; None when it may be over."""
    flaps, flapping = alert.flaps, rule.flapping
    if flaps is None or flaps.since is not None or flapping is None:
        return None
    calm = levels.highest_kept(alert.timers, alert.level, flapping.calm) is None
    if calm or not _restless(flapping, flaps, alert.observed_at):
        return None
    latest = flaps.fired[-flapping.times :]
    return Flaps(latest, since=latest[0], times=len(latest), good=True, worst=alert.told_value)


def clear_for(rule: Rule, alert: Alert) -> timedelta:
    """How long a level must be clear before it is left."""
    if rule.flapping is None or alert.flapping_since is None:
        return rule.clear_for
    return max(rule.clear_for, rule.flapping.calm)


def seems_good(alert: Alert) -> bool:
    """True while it is kept open for flapping alone."""
    return alert.flaps is not None and alert.flaps.good


def fired_again(before: Alert, after: Alert) -> bool:
    """True when a known result made it true once more while it flaps."""
    return after.flaps is not None and before.flaps is not None and after.flaps.times > before.flaps.times > 0


def told(alert: Alert, level: Level) -> Flaps | None:
    """With the value that is told now: the worst so far while it flaps, and nothing to remember once it does not."""
    flaps, value = alert.flaps, alert.value
    if flaps is None or (flaps.since is None and flaps.worst is None):
        return flaps
    if flaps.since is None:
        return Flaps(flaps.fired)
    worse = levels.worse_by(level, value, flaps.worst)
    return replace(flaps, worst=value) if flaps.worst is None or (worse is not None and worse > 0) else flaps


def to_worsen(alert: Alert) -> Decimal | None:
    """What a worse value is compared with: the one last told, and of an alert that flaps the worst one told."""
    return alert.told_value if alert.flaps is None or alert.flaps.worst is None else alert.flaps.worst


def _with(flapping: Flapping, alert: Alert) -> tuple[datetime, ...]:
    before = () if alert.flaps is None else alert.flaps.fired
    return (*before, alert.observed_at)[-flapping.times :]


def _restless(flapping: Flapping, flaps: Flaps, at: datetime) -> bool:
    latest = flaps.fired[-flapping.times :]
    return len(latest) == flapping.times and at - latest[0] <= flapping.within
