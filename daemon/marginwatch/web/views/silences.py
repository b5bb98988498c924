"""Silences: what is held back, adding one, and ending one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import RedirectResponse

from marginwatch import clock
from marginwatch.store.deeds import Via
from marginwatch.web.actions import Act, add_silence
from marginwatch.web.forms import SPANS, action
from marginwatch.web.refusals import NotFoundError
from marginwatch.web.sections import SilenceLine, silence_line
from marginwatch.web.site import site_of, to_login

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from starlette.requests import Request
    from starlette.responses import Response

    from marginwatch.core.ruling import Ruling
    from marginwatch.store.store import Store

_LONGEST_NUMBER = 12


async def silences(request: Request) -> Response:
    """Show them, with the forms."""
    site = site_of(request)
    session = site.session(request)
    if not site.may_read(session):
        return to_login(request)
    now = clock.now()
    lines = await site.read(lambda: _lines(site.store, now))
    snapshot = site.live.snapshot
    known = {} if snapshot is None else _known(snapshot.ruling)
    return await site.page(
        request, "silences_page.html", session, here="silences", lines=lines, spans=SPANS, known=known
    )


async def add(request: Request) -> Response:
    """Begin one."""
    act = Act(await action(request), clock.now(), Via.PAGE)
    site = site_of(request)
    ruling = site.decided.ruling
    await site.read(lambda: add_silence(site.store, act, ruling))
    return RedirectResponse("/silences", 303)


async def end(request: Request) -> Response:
    """End one now."""
    form = await action(request)
    site = site_of(request)
    number = request.path_params["number"]
    if not (number.isascii() and number.isdecimal()) or len(number) > _LONGEST_NUMBER:
        raise NotFoundError
    by = form.needed("by", "who you are")
    await site.read(lambda: site.store.operators.end_silence(int(number), clock.now(), by=by, via=Via.PAGE))
    return RedirectResponse("/silences", 303)


def _known(ruling: Ruling) -> dict[str, Sequence[str]]:
    """The names that each field may be filled with."""
    labels, groups = ruling.labels.written, sorted(ruling.groups.named)
    return {"rule": sorted(ruling.rules), "venue": sorted(ruling.venues), "group": groups, "label": labels}


def _lines(store: Store, now: datetime) -> list[SilenceLine]:
    found = (silence_line(silence, now) for silence in store.operators.silences())
    return [line for line in found if now < line.ends_at]
