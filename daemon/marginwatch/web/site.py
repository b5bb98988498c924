"""What every view needs: the store, the live overview, who is asking, and the templates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from starlette.responses import HTMLResponse, RedirectResponse

from marginwatch import clock
from marginwatch.web.refusals import NotFoundError
from marginwatch.web.sessions import COOKIE, LASTS, Session

if TYPE_CHECKING:
    from collections.abc import Callable

    from jinja2 import Environment
    from starlette.requests import Request
    from starlette.responses import Response

    from marginwatch.ops.links import Links
    from marginwatch.store.store import Store
    from marginwatch.web.live import Live
    from marginwatch.web.sessions import Sessions
    from marginwatch.web.snapshot import Snapshot
    from marginwatch.web.threads import Threads

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Site:
    """One for all requests."""

    store: Store
    live: Live
    sessions: Sessions
    links: Links
    templates: Environment
    threads: Threads
    trusted: bool
    """Whoever can open the page may act on it: it listens on a socket whose file rights say who that is."""
    secure: str
    """The host at which people reach the page by https; empty when there is none."""

    async def read(self, work: Callable[[], T]) -> T:
        """Run what reads or writes the store, or draws, on the page's own threads."""
        return await self.threads.call(work)

    @property
    def decided(self) -> Snapshot:
        """How things are as of the latest tick. Raises `NotFoundError` before the first."""
        now = self.live.snapshot
        if now is None:
            what = "Nothing was decided yet; try again in a moment."
            raise NotFoundError(what)
        return now

    def session(self, request: Request) -> Session:
        """Who is asking: the browser's session, or a new one that nobody knows."""
        now = clock.now()
        return self.sessions.read(request.cookies, now) or self.sessions.begin(now, known=False)

    def may_read(self, session: Session) -> bool:
        """Whether accounts and alerts may be shown."""
        return session.known or not self.sessions.asks

    def may_act(self, session: Session) -> bool:
        """Whether alerts may be acknowledged and silenced."""
        return session.known or (self.trusted and not self.sessions.asks)

    async def page(self, request: Request, template: str, session: Session, **given: object) -> HTMLResponse:
        """A page for somebody who may read, its forms marked as his."""
        mark = self.sessions.mark(session.name)
        context = {"at": clock.now(), "session": session, "mark": mark, "may_act": self.may_act(session), **given}
        html = await self.read(lambda: self.templates.get_template(template).render(context))
        response = HTMLResponse(html)
        if self.sessions.read(request.cookies, clock.now()) is None:
            self.keep(request, response, session)
        return response

    def keep(self, request: Request, response: Response, session: Session) -> None:
        """Let the browser stay in the session."""
        response.set_cookie(
            COOKIE,
            self.sessions.cookie(session),
            max_age=int(LASTS.total_seconds()),
            httponly=True,
            samesite="strict",
            secure=request.url.hostname == self.secure,
        )


def site_of(request: Request) -> Site:
    """The one that the application was made with."""
    site: Site = request.app.state.site
    return site


def to_login(request: Request) -> RedirectResponse:
    """Ask for the token first, and come back."""
    path = request.url.path
    return RedirectResponse("/login" if path == "/" else f"/login?then={path}", 303)


def inside(path: str) -> str:
    """The path where it is one of this page, else the overview: a login must lead nowhere else."""
    parts = urlsplit(path)
    there = path.startswith("/") and not path.startswith(("//", "/\\")) and not parts.netloc and not parts.scheme
    return path if there and path.isprintable() and "\\" not in path else "/"
