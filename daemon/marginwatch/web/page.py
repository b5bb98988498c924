"""The page as the daemon has it: a server, what it shows, and the one task that keeps open pages up to date."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from marginwatch.web.app import page_app, site_for
from marginwatch.web.health import health_routes
from marginwatch.web.server import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.routing import Route

    from marginwatch.config.web import WebSettings
    from marginwatch.store.store import Store
    from marginwatch.web.health import Health


class Page:
    """Served from `start` to `stop`."""

    def __init__(
        self,
        store: Store,
        settings: WebSettings,
        key: bytes,
        *,
        health: Callable[[], Health],
        trouble: Callable[[], str],
        more: Sequence[Route] = (),
    ) -> None:
        """`key` signs sessions and links; `more` are routes beside the page's own, which ask for no login.

        Raises:
            ListenError: The address cannot be listened on.
        """
        site = site_for(store, settings, key, trouble)
        self.live = site.live
        self._threads = site.threads
        self._server = Server(page_app(site, settings, [*health_routes(health), *more]), settings.listen)
        self._live: asyncio.Task[None] | None = None

    @property
    def address(self) -> str:
        """`host:port` as bound, or `unix:/path`."""
        return self._server.address

    def start(self) -> None:
        """Begin to serve, on the running loop."""
        self._server.start()
        self._live = asyncio.create_task(self.live.run(), name="page")

    async def stop(self) -> None:
        """Let every viewer go, and close."""
        if self._live is not None:
            self._live.cancel()
            with suppress(asyncio.CancelledError):
                await self._live
        self.live.close()
        await self._server.stop()
        self._threads.close()
