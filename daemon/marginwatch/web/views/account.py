"""One account: what its venue says of it, its positions, and the course of its numbers with the levels that apply."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from marginwatch.core.model import AccountKey
from marginwatch.notify.words import clean
from marginwatch.web.portrait import Drawing, Fact, Portrait, Positions
from marginwatch.web.refusals import NotFoundError
from marginwatch.web.shown import AlertLine, mark_of, path_of
from marginwatch.web.site import site_of, to_login

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from starlette.requests import Request
    from starlette.responses import Response

    from marginwatch.store.store import Store
    from marginwatch.web.snapshot import Snapshot

RANGES: Final[Mapping[str, timedelta]] = {
    "1h": timedelta(hours=1),
    "6h": timedelta(hours=6),
    "1d": timedelta(days=1),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}


@dataclass(frozen=True, slots=True)
class Choice:
    """A link that shows the chart otherwise."""

    label: str
    path: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class AccountPage:
    """What the template is given."""

    name: str
    id: str
    venue: str
    seen_at: datetime | None
    fetched_at: datetime | None
    unknown: str
    drawing: Drawing
    fields: tuple[Choice, ...]
    ranges: tuple[Choice, ...]
    alerts: tuple[AlertLine, ...]
    past: tuple[AlertLine, ...]
    facts: tuple[Fact, ...]
    positions: Positions | None
    marks: str
    """What must change for this page to change."""


async def account(request: Request) -> Response:
    """Show it."""
    site = site_of(request)
    session = site.session(request)
    if not site.may_read(session):
        return to_login(request)
    now = site.live.snapshot
    key = AccountKey(request.path_params["venue"], request.path_params["account"])
    if now is None or key not in now.accounts:
        what = "There is no such account: it was not seen yet, or was forgotten."
        raise NotFoundError(what)
    query = request.query_params
    reach = query.get("range", "6h")
    reach = reach if reach in RANGES else "6h"
    page = await site.read(lambda: _page(site.store, now, key, query.get("field", ""), reach))
    return await site.page(request, "account.html", session, here="", page=page)


def _page(store: Store, now: Snapshot, key: AccountKey, field: str, reach: str) -> AccountPage:
    portrait = Portrait(store, now, key, RANGES[reach])
    state, drawing = portrait.state, portrait.drawing(field)

    def path(**changed: str) -> str:
        return f"{path_of(key)}?{urlencode({'field': drawing.field, 'range': reach, **changed})}"

    return AccountPage(
        name=clean(state.account.name),
        id=clean(key.id),
        venue=clean(key.venue),
        seen_at=state.observed_at,
        fetched_at=state.fetched_at,
        unknown=portrait.unknown(),
        drawing=drawing,
        fields=_choices((name, path(field=name), name == drawing.field) for name in portrait.charted()),
        ranges=_choices((name, path(range=name), name == reach) for name in RANGES),
        alerts=tuple(portrait.open_alerts()),
        past=tuple(portrait.past_alerts()),
        facts=tuple(portrait.facts()),
        positions=portrait.positions(),
        marks=f"{mark_of('a', str(key))} alerts",
    )


def _choices(offered: Iterable[tuple[str, str, bool]]) -> tuple[Choice, ...]:
    return tuple(Choice(name.replace("_", " "), path, chosen) for name, path, chosen in offered)
