"""One alert: its whole story, and what can be done about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.responses import RedirectResponse

from marginwatch import clock
from marginwatch.core.fields import Unit
from marginwatch.notify.words import amount, clean
from marginwatch.store.deeds import Via
from marginwatch.web.actions import Act, acknowledge, silence_alert
from marginwatch.web.forms import SPANS, action
from marginwatch.web.refusals import NotFoundError
from marginwatch.web.shown import AlertLine, alert_line, currency_of, mark_of
from marginwatch.web.site import site_of, to_login
from marginwatch.web.story import Entry, story

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from marginwatch.core.alert import Alert
    from marginwatch.core.rule import Rule
    from marginwatch.store.store import Store
    from marginwatch.web.snapshot import Snapshot

_MOST_MESSAGES = 200


@dataclass(frozen=True, slots=True)
class AlertPage:
    """What the template is given."""

    line: AlertLine
    open: bool
    ended: str
    """How it ended; empty while it is open."""
    rule: str
    decides: str
    """What the rule looks at; empty where it is gone."""
    levels: tuple[str, ...]
    runbook: str
    story: tuple[Entry, ...]
    marks: str
    """What must change for this page to change."""


async def alert(request: Request) -> Response:
    """Show it."""
    site = site_of(request)
    session = site.session(request)
    if not site.may_read(session):
        return to_login(request)
    shown = await read_alert(request, request.path_params["alert_id"])
    return await site.page(request, "alert.html", session, here="", page=shown, spans=SPANS)


async def read_alert(request: Request, alert_id: str) -> AlertPage:
    """All of it. Raises `NotFoundError`."""
    site = site_of(request)
    now = site.decided
    return await site.read(lambda: _page(site.store, find(site.store, alert_id), now))


async def acknowledge_alert(request: Request) -> Response:
    """Somebody is on it."""
    act = Act(await action(request), clock.now(), Via.PAGE)
    alert_id = request.path_params["alert_id"]
    site = site_of(request)
    await site.read(lambda: acknowledge(site.store, find(site.store, alert_id).alert_id, act))
    return RedirectResponse(f"/alerts/{alert_id}", 303)


async def silence(request: Request) -> Response:
    """Hold back what its rule says of its account."""
    act = Act(await action(request), clock.now(), Via.PAGE)
    site = site_of(request)
    alert_id = request.path_params["alert_id"]
    await site.read(lambda: silence_alert(site.store, find(site.store, alert_id), act))
    return RedirectResponse("/silences", 303)


def find(store: Store, alert_id: str) -> Alert:
    """The alert of exactly that id. Raises `NotFoundError`."""
    found = store.history.alert(alert_id)
    if found is None:
        what = "There is no such alert: its id may be mistyped, or it is older than [store] keep."
        raise NotFoundError(what)
    return found


def _page(store: Store, alert: Alert, now: Snapshot) -> AlertPage:
    rows = store.outbox.rows(alert_id=alert.alert_id, limit=_MOST_MESSAGES)
    given = store.history.all_acknowledgements(alert.alert_id)
    rule = now.ruling.rules.get(alert.key.rule)
    unit = Unit.QUANTITY if rule is None else rule.unit
    currency = currency_of(now.accounts.get(alert.key.account))
    held = store.history.acknowledgements().get(alert.alert_id)
    marks = f"alert-{alert.alert_id} alerts {mark_of('a', str(alert.key.account))}"
    return AlertPage(
        line=alert_line(alert, held, now.ruling, now.accounts, now.at),
        open=alert.is_open,
        ended="" if alert.ended_at is None else f"{alert.status.value} at {alert.ended_at:%Y-%m-%d %H:%M:%S} UTC",
        rule=clean(alert.key.rule),
        decides="" if rule is None else clean(rule.expression),
        levels=() if rule is None else tuple(_levels(rule, currency)),
        runbook="" if rule is None else clean(rule.runbook),
        story=story(
            store.history.transitions(alert_id=alert.alert_id),
            {row.id: (row, store.outbox.attempts(row.id)) for row in rows},
            given,
            unit,
            currency,
        ),
        marks=marks,
    )


def _levels(rule: Rule, currency: str) -> list[str]:
    return [
        f"{level.severity.label} {level.operator} {amount(level.limit, rule.unit, currency)}"
        for level in rule.levels
        if level.limit is not None
    ]
