"""Running the daemon as a process: logging, ownership of the store, signals."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import structlog

from marginwatch import clock
from marginwatch.app.build import assemble
from marginwatch.app.daemon import Daemon
from marginwatch.app.once import one_cycle
from marginwatch.config.location import state_folder
from marginwatch.config.rulebook import rulebook
from marginwatch.ops.logs import configure_logging, set_level, uncaught_logged
from marginwatch.ops.sd_notify import Systemd
from marginwatch.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from marginwatch.app.build import Configured

log = structlog.get_logger(__name__)


def prepare_logging(configured: Configured, level: str | None) -> None:
    """Log as the config says, or as the command line does; then say what is worth a word."""
    level = level or configured.settings.log.level
    configure_logging(level)
    for note in configured.notes if level == "debug" else configured.brief:
        log.info("note", about=str(note))


def run_daemon(configured: Configured, level: str | None = None) -> None:
    """Watch until SIGTERM or SIGINT. `level`, if it is given, is how much is logged whatever a reload says.

    Raises:
        MarginwatchError: It cannot start, or it lost the database to another process.
    """
    systemd = Systemd()
    with uncaught_logged(), owned_store(configured) as store:
        follow = set_level if level is None else None
        daemon = Daemon(configured, assemble(configured), store, systemd, follow)
        _keep_for_good()
        asyncio.run(_until_signal(daemon))


def _keep_for_good() -> None:
    """Let the search for garbage pass over what is made so far, for it would hold up ticks."""
    gc.collect()
    gc.freeze()


def run_once(configured: Configured) -> list[str]:
    """One full cycle of every venue, and delivery of what follows; a sentence for each that failed."""
    with owned_store(configured) as store:
        store.rulebooks.record(rulebook(configured.rules, configured.settings), clock.now())
        return asyncio.run(one_cycle(assemble(configured), store))


@contextmanager
def owned_store(configured: Configured) -> Iterator[Store]:
    """The configured store, made if needed, owned by this process."""
    url = configured.settings.store.url.get_secret_value()
    _make_state_folder(url)
    store = Store.open(url)
    try:
        store.own()
        yield store
    finally:
        store.close()


def _make_state_folder(url: str) -> None:
    """Make the folder that the config's default names. One that the user names must exist: it may be misspelt."""
    folder = state_folder(os.environ).absolute()
    if url == f"sqlite:///{folder}/marginwatch.db":
        with suppress(OSError):  # opening the store says what is wrong
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)


async def _until_signal(daemon: Daemon) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, daemon.reloading.ask)
    await daemon.run(stop)
