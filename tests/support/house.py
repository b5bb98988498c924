"""The whole program in one process: simulated venues, a database, a receiver, and a daemon that goes step by step.

Nothing is faked but the time: every answer and every message takes the same way as in the service.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Self

import pytest

from marginwatch.app.build import assemble, configure
from marginwatch.app.daemon import Daemon
from marginwatch.app.start import owned_store
from marginwatch.ops.sd_notify import Systemd
from marginwatch.store.types import OutboxStatus
from support.sinks import PATIENCE, HttpSink
from support.sites import Sites, receiver, write_config
from support.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path
    from types import TracebackType

    from marginwatch.store.store import Store
    from support.manual_clock import ManualClock

RULES: Final = """
[[rule]]
id = "margin-usage"
title = "Margin usage"
value = "margin_usage"
levels = { warning = "> 80%", critical = "> 90%" }

[[rule]]
id = "changes"
title = "Something changed"
on = "changed(permissions) or changed(trading_status) or increased(call_amount)"
severity = "warning"
"""
"""A ladder without delays, and an event."""

_PATIENT_CYCLES: Final = 20


class House:
    """One house; `async with` lives in it."""

    def __init__(
        self,
        config: Path,
        clock: ManualClock,
        sites: Sites,
        sink: HttpSink,
        environ: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.config = config
        self.environ = environ
        self.clock = clock
        self.sites = sites
        self.sink = sink
        self.store: Store
        self.daemon: Daemon
        self._living = AsyncExitStack()
        self._heard = 0

    async def __aenter__(self) -> Self:
        await self._start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._living.aclose()

    async def restart(self) -> None:
        """Another daemon goes on with the same database, as a new process would."""
        await self._living.aclose()
        await self._start()

    async def _start(self) -> None:
        configured = configure(self.config, self.environ)
        self.store = self._living.enter_context(owned_store(configured))
        self.daemon = daemon = Daemon(configured, assemble(configured), self.store, Systemd({}))
        self._living.callback(daemon._writer.close)
        self._living.push_async_callback(daemon._close_venues)
        await daemon._writer.call(lambda: daemon._ticker.start(self.clock.now()))
        delivering = asyncio.create_task(daemon.delivery.run())
        self._living.push_async_callback(lambda: delivering)
        self._living.push_async_callback(daemon.delivery.stop, PATIENCE)

    def change(self, kind: str, account: str = "acc-1", /, **changes: object) -> None:
        """Something happens at a venue."""
        self.sites.world.change(kind, account, **changes)

    async def cycle(self, seconds: float = 10, times: int = 1) -> None:
        """Let time pass, poll every venue once, look after the receivers, and deliver what follows; so many times."""
        for _ in range(times):
            self.clock.push(seconds)
            await asyncio.gather(*(polling.cycle() for polling in self.daemon.pollings))
            await self.daemon.receivers.look()
            await self.settle()

    async def good_cycle(self, seconds: float = 10) -> None:
        """Cycle until all that was asked was answered: a login may have to wait, and a busy machine be late."""
        for _ in range(_PATIENT_CYCLES):
            await self.cycle(seconds)
            if not self.store.history.failures(self.clock.now()):
                return
        pytest.fail(f"no good cycle: {self.store.history.failures(self.clock.now())}")

    async def wait(self, seconds: float) -> None:
        """Let time pass without an answer."""
        self.clock.push(seconds)
        await self.settle()

    async def settle(self) -> None:
        """Decide what there is to decide, and wait until receivers have what is due, but for those that fail."""
        await self.daemon.pump.drain()
        self.daemon.delivery.wake()
        await until(lambda: not self._on_its_way(), 0.002)

    def _on_its_way(self) -> bool:
        failing = {each.receiver for each in self.store.outbox.receivers().values() if each.failing_since}
        rows = self.store.outbox.rows(statuses=(OutboxStatus.PENDING, OutboxStatus.SENDING))
        awaited = [row for row in rows if row.message.receiver not in failing]
        if any(row.status is OutboxStatus.SENDING or row.due_at <= self.clock.now() for row in awaited):
            return True
        return not failing.issuperset(self.daemon.delivery._whose.values())  # on record, and still to be logged

    def heard(self) -> list[dict[str, Any]]:
        """What the sink was told since it was asked last, as it came in."""
        posts = self.sink.posts[self._heard :]
        self._heard += len(posts)
        return [post.json for post in posts]

    def news(self) -> list[str]:
        """The same in short, in alphabetical order: messages of several alerts have no order among them."""
        return sorted(in_short(message) for message in self.heard())


def in_short(message: Mapping[str, str]) -> str:
    """`venue/account rule state severity`."""
    where = "/".join(filter(None, (message["venue"], message["account"])))
    return f"{where} {message['rule']} {message['state']} {message['severity']}".lstrip()


@asynccontextmanager
async def opened(
    folder: Path, clock: ManualClock, *kinds: str, rules: str = RULES, receivers: str = "", **venue: object
) -> AsyncIterator[House]:
    """A house with venues of those kinds, all three by default; `venue` are config keys of each.

    `receivers` are `[[receivers]]` beside the sink.
    """
    async with Sites(*kinds) as sites:
        with HttpSink() as sink:
            tables = (sites.tables(**venue), receiver("hook", sink.url()), receivers)
            config = write_config(folder, *tables, rules=rules)
            async with House(config, clock, sites, sink) as house:
                yield house
