"""Who hears of the alerts that are live, by the routes in force and by those to be: where it differs. Nothing is kept.

Silences, maintenance and quiet hours are not looked at: they hold back for a time, whoever it is that hears.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from marginwatch.app.explain.ways import calls, verdicts
from marginwatch.app.grouping import groups_of
from marginwatch.app.routing import hearer_of, labels_of, routes_of
from marginwatch.config.calendars import calendars_of
from marginwatch.config.hearers import hearers_read
from marginwatch.core.alert import State
from marginwatch.core.audience import Audience
from marginwatch.core.model import Account

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime, timedelta

    from marginwatch.app.build import Configured
    from marginwatch.core.alert import Alert
    from marginwatch.core.route import Why
    from marginwatch.core.ruling import Ruling
    from marginwatch.core.state import Prior


@dataclass(frozen=True, slots=True)
class Heard:
    """One receiver that hears."""

    receiver: str
    why: Why
    until: datetime | None
    """When it hears, where hours hold that back; None: at once."""


@dataclass(frozen=True, slots=True)
class Hearers:
    """Who hears of one alert if it is told at the moment, or how it goes on, and who is called later."""

    heard: tuple[Heard, ...] = ()
    calls: tuple[tuple[timedelta, tuple[str, ...]], ...] = ()
    """Steps of its ladders that are not taken yet: after how long without an acknowledgement, and whom."""


@dataclass(frozen=True, slots=True)
class Hearing:
    """One open alert of which others would hear."""

    alert: Alert
    now: Hearers
    then: Hearers


def by_the_routes_of(text: str, ruling: Ruling, configured: Configured) -> Ruling | None:
    """The ruling with routes and receivers as they are on record; None where the record cannot be read."""
    settings = hearers_read(text, configured.settings)
    if settings is None:
        return None
    labels, groups = labels_of(settings), groups_of(settings, (), configured.kinds)
    routes = routes_of(settings, calendars_of(settings.calendars), labels, groups)
    return replace(ruling, receivers=tuple(map(hearer_of, settings.receivers)), routes=routes)


def hearings(now: Ruling, then: Ruling, prior: Prior, at: datetime) -> Iterator[Hearing]:
    """Each open alert, of a rule there still is, of which not the same would hear in the same way."""
    for alert in sorted(prior.alerts, key=lambda each: str(each.key)):
        state = prior.accounts.get(alert.key.account)
        account = Account(alert.key.account, alert.key.account.id) if state is None else state.account
        before, after = (_hearers(ruling, account, alert, at) for ruling in (now, then))
        if alert.key.rule in then.rules and before != after:
            yield Hearing(alert, before, after)


def _hearers(ruling: Ruling, account: Account, alert: Alert, at: datetime) -> Hearers:
    audience = Audience(ruling.receivers, at, ruling.routes, {account.key: account})
    goes_on = State.REMINDER if alert.told else State.FIRING
    found = verdicts(audience, alert, goes_on).items()
    heard = (Heard(name, each.why, each.until) for name, each in found if each.why.tells)
    steps = (each for each in calls(ruling, account, alert, acknowledged=False) if not each.taken)
    return Hearers(
        tuple(sorted(heard, key=lambda each: each.receiver)),
        tuple((each.after, each.receivers) for each in steps),
    )
