"""The page over a store that the engine filled, served on loopback, and somebody who opens it."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import httpx
from pydantic import SecretStr

from marginwatch.config.web import WebSettings
from marginwatch.web.health import Health
from marginwatch.web.page import Page
from marginwatch.web.snapshot import taken
from support.stores import owned
from support.storied import FUTURES, Story, at, tell, told, write

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from marginwatch.core.alert import Alert

TOKEN: Final = "the-token-of-the-page"
_MARK: Final = re.compile(r'name="mark" value="([^"]+)"')


@dataclass(slots=True)
class Opened:
    """A served page, and a browser of sorts."""

    page: Page
    story: Story
    client: httpx.AsyncClient

    @property
    def alert(self) -> Alert:
        """The one on margin usage of the account in futures, which is open."""
        (found,) = self.story.store.history.alerts(rule="margin-usage", account=FUTURES)
        return found

    def show(self, seconds: float) -> None:
        """Let the page show the engine's memory as of then."""
        health = self.story.store.outbox.receivers()
        self.page.live.take(taken(self.story.ticker.memory, self.story.ticker.ruling, at(seconds), health))

    async def text(self, path: str) -> str:
        """A page that is there."""
        answer = await self.client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.text

    async def mark(self, path: str) -> str:
        """What the forms of that page carry."""
        found = _MARK.findall(await self.text(path))
        return str(found[-1])

    async def log_in(self, token: str = TOKEN) -> httpx.Response:
        """Give the token."""
        mark = await self.mark("/login")
        return await self.client.post("/login", data={"mark": mark, "token": token, "then": "/"})

    async def send(self, path: str, of: str, fields: Mapping[str, str]) -> httpx.Response:
        """Send a form of the page `of`."""
        return await self.client.post(path, data={"mark": await self.mark(of), **fields})


@cache
def _database() -> bytes:
    """A database in which seven minutes of trouble were told: telling them takes a second."""
    with TemporaryDirectory() as folder:
        with told(Path(folder)) as story:
            tell(story)
        return (Path(folder) / "marginwatch.db").read_bytes()


@asynccontextmanager
async def opened(folder: Path, *, token: str | None = TOKEN, log_in: bool = True, **web: str) -> AsyncIterator[Opened]:
    """Seven minutes of trouble, on a page."""
    given = None if token is None else SecretStr(token)
    settings = WebSettings(listen=web.pop("listen", "127.0.0.1:0"), token=given, **web)
    (folder / "marginwatch.db").write_bytes(_database())
    config = write(folder)
    with owned(folder) as store:
        story = Story(store, config, 420)
        page = Page(
            story.store,
            settings,
            story.store.keys.signing(),
            health=lambda: Health(alive=True, checks=()),
            trouble=lambda: "",
        )
        transport = httpx.AsyncHTTPTransport(uds=settings.socket) if settings.socket else None
        base = "http://localhost" if settings.socket else f"http://{page.address}"
        async with httpx.AsyncClient(base_url=base, transport=transport, trust_env=False) as client:
            found = Opened(page, story, client)
            found.show(420)
            page.start()
            try:
                if log_in and token is not None:
                    await found.log_in()
                yield found
            finally:
                await page.stop()
