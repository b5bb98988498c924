"""What a link in a message leads to: a page that says what it can do, and does it when it is told to.

Following a link does nothing, so whatever previews it does no harm. The link itself is the right to act, so there is
no login; a link does each of its two actions once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from marginwatch import clock
from marginwatch.ops.links import Claim
from marginwatch.store.deeds import Deed, Via
from marginwatch.web.actions import Act, acknowledge, silence_alert
from marginwatch.web.forms import SPANS, form_of
from marginwatch.web.refusals import BadFormError, BadLinkError
from marginwatch.web.site import site_of
from marginwatch.web.views.alert import find, read_alert

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response


async def link(request: Request) -> Response:
    """Say what it would do."""
    return await _show(request, _claim(request), "")


async def follow(request: Request) -> Response:
    """Do it."""
    site, claim, now = site_of(request), _claim(request), clock.now()
    form = await form_of(request, claim.serial)
    store, act = site.store, Act(form, now, Via.LINK, claim.serial)
    if form.get("do") == "acknowledge":
        await site.read(lambda: acknowledge(store, claim.alert_id, act))
        return await _show(request, claim, "It is acknowledged: no reminders until then, or until it gets worse.")
    if form.get("do") != "silence":
        what = "Choose what to do. Nothing was done."
        raise BadFormError(what)
    await site.read(lambda: silence_alert(store, find(store, claim.alert_id), act))
    return await _show(request, claim, "It is silenced: what is still true at the end of that time is told then.")


def _claim(request: Request) -> Claim:
    claim = site_of(request).links.read(request.path_params["token"], clock.now())
    if not isinstance(claim, Claim):
        raise BadLinkError(claim)
    return claim


async def _show(request: Request, claim: Claim, done: str) -> Response:
    site = site_of(request)
    page = await read_alert(request, claim.alert_id)
    used = await site.read(lambda: site.store.keys.uses(claim.serial))
    session = site.session(request)
    return await site.page(
        request,
        "link.html",
        session,
        page=page,
        claim=claim,
        done=done,
        acknowledged=used.get(Deed.ACKNOWLEDGED),
        silenced=used.get(Deed.SILENCED),
        link_mark=site.sessions.mark(claim.serial),
        spans=SPANS,
        token=request.path_params["token"],
    )
