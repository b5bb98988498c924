"""Runs the demo: simulators, a config for them, the daemon, and the scenario."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import shutil
import signal
import sys
import tempfile
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from marginwatch.app.build import assemble, configure
from marginwatch.app.daemon import Daemon
from marginwatch.app.demo.console import Board
from marginwatch.app.demo.rules import write_rules
from marginwatch.app.start import owned_store
from marginwatch.ops.logs import configure_logging
from marginwatch.ops.sd_notify import Systemd
from marginwatch.simulator import architect, helio, stonex
from marginwatch.simulator.architect import ArchitectSimulator
from marginwatch.simulator.demo import DEMO, LOWLAND, MERIDIAN
from marginwatch.simulator.faults import Faults
from marginwatch.simulator.helio import HelioSimulator
from marginwatch.simulator.scenario import play
from marginwatch.simulator.stonex import StonexSimulator
from marginwatch.simulator.world import World
from marginwatch.web.server import ListenError, Server

if TYPE_CHECKING:
    from marginwatch.app.build import Configured
    from marginwatch.store.store import Store

FAST = 7.0
"""How much faster `--fast` plays."""
VENUES = ("futures", "clearing", "fx")
_QUIET_AFTER = 15.0
"""Seconds the last messages may take after the scenario's end."""

_CONFIG = """\
# Written by `marginwatch demo`; the venues are simulated on this machine.
[store]
url = "sqlite:///{folder}/marginwatch.db"
[web]
listen = "{listen}"
public_url = "http://{listen}"
token = "{token}"
[rules]
files = [{rules}]
[[venues]]
name = "futures"
kind = "architect"
endpoint = "{architect}"
api_key = "{key}"
api_secret = "{secret}"
currency = "USD"
every = "1s"
stale_after = "{stale}s"
[[venues]]
name = "clearing"
kind = "stonex"
base_url = "{stonex}"
client_id = "{client}"
client_secret = "{client_secret}"
accounts = ["{lowland}", "{meridian}"]
currency = "USD"
every = "1s"
stale_after = "{stale}s"
[[venues]]
name = "fx"
kind = "helio"
base_url = "{helio}"
email = "{email}"
password = "{password}"
every = "1s"
stale_after = "{stale}s"
[[receivers]]
name = "console"
url = "json://{sink}/"
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """How the demo is to run."""

    once: bool
    """Play the scenario once and exit."""
    fast: bool
    port: int | None
    """Of the web server; None means 8470, or any free one when that is taken."""


def run_demo(wanted: Wanted) -> list[str]:
    """Play until it is over or interrupted; gives what went otherwise than the scenario should, as sentences."""
    configure_logging("error")
    logging.getLogger("marginwatch.transition").setLevel(logging.CRITICAL)  # the board shows them
    with tempfile.TemporaryDirectory(prefix="marginwatch-demo-") as folder:
        return asyncio.run(_demo(wanted, Path(folder)))


async def _demo(wanted: Wanted, folder: Path) -> list[str]:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):  # first of all: from here on everything is stopped in order
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    board = Board()
    world = World()
    faults = {architect.VENUE: Faults(), stonex.VENUE: Faults(), helio.VENUE: Faults()}
    async with AsyncExitStack() as stack:
        futures = await stack.enter_async_context(ArchitectSimulator(world, faults[architect.VENUE]))
        clearing = await stack.enter_async_context(StonexSimulator(world, faults[stonex.VENUE]))
        fx = await stack.enter_async_context(HelioSimulator(world, faults[helio.VENUE]))
        sink = Server(board.app(), "127.0.0.1:0")
        sink.start()
        stack.push_async_callback(sink.stop)
        speed = FAST if wanted.fast else 1.0
        listen, token = _listen(wanted.port), secrets.token_urlsafe(18)
        (folder / "config.toml").write_text(
            _CONFIG.format(
                folder=folder,
                listen=listen,
                token=token,
                rules=", ".join(f'"{file}"' for file in write_rules(folder, speed)),
                stale=10 if speed == 1.0 else 3,
                architect=futures.endpoint,
                key=architect.API_KEY,
                secret=architect.API_SECRET,
                stonex=clearing.base_url,
                client=stonex.CLIENT_ID,
                client_secret=stonex.CLIENT_SECRET,
                lowland=LOWLAND,
                meridian=MERIDIAN,
                helio=fx.base_url,
                email=helio.EMAIL,
                password=helio.PASSWORD,
                sink=sink.address,
            )
        )
        world.add(*DEMO.accounts)
        configured = configure(folder / "config.toml", os.environ)
        with owned_store(configured) as store:
            return await _watch(wanted, configured, store, _Stage(world, faults, board, speed), stop)


@dataclass(frozen=True, slots=True)
class _Stage:
    """Where the scenario is played."""

    world: World
    faults: dict[str, Faults]
    board: Board
    speed: float

    async def play(self, *, once: bool) -> None:
        """From start to end, again and again unless once."""
        while True:
            await play(DEMO, self.world, self.faults, speed=self.speed, tell=self.board.say)
            if once:
                return
            self.board.say("everything is well again; the story begins anew")


async def _watch(wanted: Wanted, configured: Configured, store: Store, stage: _Stage, stop: asyncio.Event) -> list[str]:
    daemon = Daemon(configured, assemble(configured), store, Systemd({}))
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, daemon.reloading.ask)
    watching = asyncio.create_task(daemon.run(stop))
    story = asyncio.create_task(_story(wanted, configured, daemon, stage))
    await asyncio.wait([watching, story, asyncio.create_task(stop.wait())], return_when=asyncio.FIRST_COMPLETED)
    interrupted = stop.is_set()
    if story.done() and not interrupted:
        await story
        await _quiet(store)
    story.cancel()
    wrong = [] if interrupted or watching.done() else _verify(store, stage.board)
    stop.set()
    await watching
    if interrupted:
        stage.board.say("stopped")
    with suppress(asyncio.CancelledError):
        await story
    return wrong


async def _story(wanted: Wanted, configured: Configured, daemon: Daemon, stage: _Stage) -> None:
    await asyncio.sleep(1.5)  # the first cycles see every account healthy
    names = ", ".join(VENUES)
    stage.board.say(f"watching seven simulated accounts at three venues: {names}")
    token = configured.settings.web.token
    assert token is not None  # the demo's own config has one
    stage.board.say(f"the page: http://{daemon.address}/login#{token.get_secret_value()}")
    stage.board.say(f"look closer from another terminal: {_program()} status --config {configured.file}")
    stage.board.say(f"edit the rules beside it, and have them reloaded: kill -HUP {os.getpid()}")
    stage.board.say("what the shipped rules count in minutes is counted in seconds here")
    if not wanted.once:
        stage.board.say("stop with Ctrl-C")
    await stage.play(once=wanted.once)


def _program() -> str:
    """What to type to run marginwatch, from any folder."""
    installed = Path(sys.executable).with_name("marginwatch")
    return "marginwatch" if shutil.which("marginwatch") or not installed.exists() else str(installed)


async def _quiet(store: Store) -> None:
    """Wait until nothing is open and nothing waits to be sent, though not for ever."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_QUIET_AFTER):
            while _unfinished(store):  # noqa: ASYNC110  (what is awaited happens in a database)
                await asyncio.sleep(0.2)


def _unfinished(store: Store) -> bool:
    waiting = any(health.waiting for health in store.outbox.receivers().values())
    return waiting or bool(store.history.alerts(open_only=True))


def _verify(store: Store, board: Board) -> list[str]:
    """What the story should have led to and did not."""
    wrong = [f"{alert.key} is still {alert.status.value}" for alert in store.history.alerts(open_only=True)]
    for venue in VENUES:
        said = {state for told, _, state in board.told if told == venue}
        wrong += [f"nothing {state} was told of {venue}" for state in ("firing", "resolved") if state not in said]
    board.say(f"{len(board.told)} messages were delivered")
    return wrong


def _listen(port: int | None) -> str:
    """Where the page is to be: its address must be known before, for the links in messages."""
    if port:
        return f"127.0.0.1:{port}"
    if port is None and (default := _free("127.0.0.1:8470")):
        return default
    return _free("127.0.0.1:0")


def _free(listen: str) -> str:
    """The address with its real port; empty when it is taken."""
    try:
        trial = Server(Board().app(), listen)
    except ListenError:
        return ""
    address = trial.address
    trial.release()
    return address
