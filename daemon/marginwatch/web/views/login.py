"""Logging in and out."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.responses import RedirectResponse

from marginwatch import clock
from marginwatch.web.forms import form_of
from marginwatch.web.sessions import COOKIE
from marginwatch.web.site import inside, site_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

WRONG_PAUSE = 0.5
"""Seconds the answer to a wrong token takes."""


async def login(request: Request) -> Response:
    """Ask for the token."""
    site = site_of(request)
    session = site.session(request)
    then = inside(request.query_params.get("then", "/"))
    if site.may_read(session):
        return RedirectResponse(then, 303)
    return await site.page(request, "login.html", session, then=then, wrong=False)


async def log_in(request: Request) -> Response:
    """Take the token."""
    site = site_of(request)
    session = site.session(request)
    form = await form_of(request, session.name)
    then = inside(form.get("then") or "/")
    if not site.sessions.right(form.get("token")):
        await asyncio.sleep(WRONG_PAUSE)
        response: Response = await site.page(request, "login.html", session, then=then, wrong=True)
        response.status_code = 403
        return response
    response = RedirectResponse(then, 303)
    site.keep(request, response, site.sessions.begin(clock.now(), known=True))
    return response


async def log_out(request: Request) -> Response:
    """End the session in this browser."""
    site = site_of(request)
    await form_of(request, site.session(request).name)
    response = RedirectResponse("/login", 303)
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return response
