"""A reload: the config and the rules read anew while the daemon runs, in force as a whole or not at all.

SIGHUP -> read and check everything as at a start -> refuse what only a restart can change -> let rules, venues and
receivers take the place of those that run (`succession`). What is rejected leaves everything of before in force, and
says so in the log, to systemd, to the probes, and to the receivers by the alert `reload-rejected`.
"""

from __future__ import annotations

import asyncio
import os
from types import MappingProxyType
from typing import TYPE_CHECKING

import structlog

from marginwatch import clock
from marginwatch.app.build import configure
from marginwatch.core.health import ReloadState
from marginwatch.errors import InvalidInputError, MarginwatchError
from marginwatch.ops.logs import log_surprise
from marginwatch.ops.redact import REDACTOR
from marginwatch.store.errors import EpochLostError, StoreError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from datetime import datetime

    from marginwatch.app.build import Configured
    from marginwatch.app.pump import Pump
    from marginwatch.config.settings import Settings
    from marginwatch.ops.sd_notify import Systemd

log = structlog.get_logger(__name__)

RELOADABLE = frozenset(
    {
        "rules",
        "groups",
        "calendars",
        "accounts",
        "routes",
        "maintenance",
        "venues",
        "receivers",
        "heartbeat",
        "log",
        "messages",
        "reports",
        "store",
    }
)
"""Tables of the config that a reload may change."""
FIXED: Mapping[str, tuple[str, ...]] = MappingProxyType({"store": ("url",)})
"""Keys of these that only a restart can change."""


CREDENTIALS = "as systemd handed them over at the start: a changed one needs a restart"
"""Files of `${file:…}` are read anew, those of `${credential:…}` are systemd's copies."""


class NeedsRestartError(MarginwatchError):
    """The config was edited where a running daemon cannot follow."""

    def __init__(self, file: str, places: Sequence[str]) -> None:
        named = " and ".join(places)
        super().__init__(f"{file}: a reload cannot change {named}; restart marginwatch to apply that, or take it back")


def reread(running: Configured, environ: Mapping[str, str]) -> Configured:
    """The config and the rules as they are on disk now.

    Raises:
        InvalidInputError: With every problem of every file.
        NeedsRestartError: Something was changed that a running daemon cannot follow.
        NoConfigError: The config file is gone.
    """
    found = configure(running.file, environ)
    changed = out_of_reach(running.settings, found.settings)
    if changed:
        raise NeedsRestartError(str(found.file), changed)
    return found


def out_of_reach(old: Settings, new: Settings) -> list[str]:
    """Keys of the config that differ and that only a restart can apply, each as `[table] key`."""
    tables = (name for name in type(old).model_fields if name not in RELOADABLE)
    whole = {name: tuple(type(getattr(old, name)).model_fields) for name in tables}
    return [
        f"[{table}] {key}"
        for table, keys in {**whole, **FIXED}.items()
        for key in keys
        if getattr(getattr(old, table), key) != getattr(getattr(new, table), key)
    ]


class Reloading:
    """Reloads whenever it is asked to, one at a time; what is asked for meanwhile is one more."""

    def __init__(
        self,
        configured: Configured,
        pump: Pump,
        systemd: Systemd,
        follow: Callable[[Configured], Awaitable[None]],
        in_force: Callable[[Configured], Awaitable[None]],
    ) -> None:
        """`follow` puts the parts of another config in the place of those that run; `in_force` is told when it did."""
        self.since = clock.now()
        """When what is in force was loaded."""
        self.rejected_at: datetime | None = None
        """When the latest reload was rejected; None when it was not."""
        self._running = configured
        self._pump = pump
        self._systemd = systemd
        self._follow = follow
        self._in_force = in_force
        self._asked = asyncio.Event()

    def ask(self) -> None:
        """Reload as soon as may be. Call it on the loop."""
        self._asked.set()

    def in_words(self) -> str:
        """Which rules are in force."""
        told = f"those of {self.since:%Y-%m-%d %H:%M:%S} UTC are in force"
        if self.rejected_at is None:
            return told
        return f"{told}; the reload of {self.rejected_at:%Y-%m-%d %H:%M:%S} UTC was rejected, as the log says"

    async def run(self) -> None:
        """Wait to be asked, for ever."""
        self._pump.put(ReloadState())  # the last process may have left an alert open
        while True:
            await self._asked.wait()
            self._asked.clear()
            self._systemd.reloading()
            self._systemd.ready(await self._reload())

    async def _reload(self) -> str:
        """What `systemctl status` is to show after it."""
        try:
            found = await asyncio.to_thread(reread, self._running, os.environ)
            await self._follow(found)
        except InvalidInputError as error:
            return self._reject([str(problem) for problem in error.problems])
        except MarginwatchError as error:
            return self._reject([str(error)])
        except Exception as error:  # noqa: BLE001  (the loop edge: what watches must not end by what it is to do next)
            log_surprise(log, "a reload failed unexpectedly", error)
            return self._reject([f"marginwatch cannot load it, by a fault of its own ({type(error).__name__})"])
        await self._accept(found)
        return f"watching; reloaded, rules: {len(found.rules.rules)}"

    async def _accept(self, found: Configured) -> None:
        self._running, self.since, self.rejected_at = found, clock.now(), None
        try:
            await self._in_force(found)
        except EpochLostError:
            raise
        except StoreError as error:
            log.warning("the rules are in force and not on record; the next start notes them", why=str(error))
        self._pump.put(ReloadState())
        for note in found.brief:
            log.info("note", about=str(note))
        settings = found.settings
        log.info(
            "reloaded",
            rules=len(found.rules.rules),
            venues=len(settings.venues),
            receivers=len(settings.receivers),
            revision=found.rules.revision,
            **({"credentials": CREDENTIALS} if "CREDENTIALS_DIRECTORY" in os.environ else {}),
        )

    def _reject(self, problems: Sequence[str]) -> str:
        self.rejected_at = clock.now()
        told = tuple(REDACTOR.known(problem) for problem in problems)
        for problem in told:
            log.error("reload rejected", problem=problem)
        log.error("the rules of before stay in force", problems=len(told))
        self._pump.put(ReloadState(told))
        return f"watching by the rules of before; reload rejected: {told[0]}"
