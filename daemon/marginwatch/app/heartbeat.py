"""Tells a dead man's switch outside that all is well, and keeps quiet when it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import structlog

from marginwatch import clock

if TYPE_CHECKING:
    from marginwatch.app.vitals import Vitals

log = structlog.get_logger(__name__)

EVERY = 60.0
"""Seconds between two beats."""
AGAIN = 10.0
"""Seconds until a beat that did not get through is tried again."""
LONGEST = 10.0
"""Seconds the switch may take to answer."""


class Heartbeat:
    """Beats once a minute while the vitals allow it; says in the log when that begins and ends."""

    def __init__(self, url: str, vitals: Vitals) -> None:
        self._url = url
        self._vitals = vitals
        self._due = clock.monotonic()
        self._well = True

    async def step(self) -> None:
        """Beat if it is time and all is well. To be called every few seconds."""
        why = self._vitals.worry(clock.now())
        if bool(why) is self._well:
            log.warning("no heartbeat", why=why) if why else log.info("the heartbeat goes on")
        self._well = not why
        if self._well and clock.monotonic() >= self._due:
            self._due = clock.monotonic() + (EVERY if await self._beat() else AGAIN)

    async def _beat(self) -> bool:
        try:
            async with httpx.AsyncClient(timeout=LONGEST, trust_env=False) as client:
                answer = await client.get(self._url)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            log.warning("the heartbeat did not get through", error=type(error).__name__)
            return False
        if not answer.is_success:  # a redirect is not followed: what it leads to heard nothing
            log.warning("the heartbeat was refused", status=answer.status_code)
        return answer.is_success
