"""Parts that follow others while the daemon runs, and those of before when they cannot."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from marginwatch import clock
from marginwatch.app import build, succession
from marginwatch.app.build import assemble, configure
from marginwatch.app.daemon import Daemon
from marginwatch.app.reload import CREDENTIALS
from marginwatch.app.start import owned_store
from marginwatch.ops.logs import set_level
from marginwatch.ops.sd_notify import Systemd
from marginwatch.tick import Ticker
from support.living import running
from support.scripted_venue import ScriptedVenue
from support.sinks import HttpSink
from support.sites import receiver, table, write_config
from support.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from marginwatch.config.settings import VenueSettings

RULES = '[[rule]]\nid = "usage"\nvalue = "margin_usage"\nlevels = { critical = "> 90%" }\n'
HOOK = receiver("hook", "json://127.0.0.1:9/")


def venue(name: str = "futures", every: str = "1s") -> str:
    """A `[[venues]]` to be played by a scripted one."""
    login = {"api_key": "A" * 24, "api_secret": "B" * 43 + "="}
    return table("[venues]", {"name": name, "kind": "architect", "every": every, "currency": "USD", **login})


@pytest.fixture(autouse=True)
def venues(monkeypatch: pytest.MonkeyPatch) -> list[ScriptedVenue]:
    """Every connection that was made, in order."""
    made: list[ScriptedVenue] = []

    def connect(settings: VenueSettings, _kind: object) -> ScriptedVenue:
        made.append(ScriptedVenue(settings.name))
        return made[-1]

    monkeypatch.setattr(build, "connect", connect)
    return made


@pytest.fixture(autouse=True)
def _level_as_before() -> Iterator[None]:
    before = logging.getLogger().level
    yield
    logging.getLogger().setLevel(before)


@asynccontextmanager
async def living(
    config: Path, set_to: Callable[[str], None] | None = set_level
) -> AsyncIterator[tuple[Daemon, list[dict[str, object]]]]:
    """A daemon that runs for the time of the block, and what it logs."""
    configured = configure(config, {})
    with capture_logs() as logs, owned_store(configured) as store:
        daemon = Daemon(configured, assemble(configured), store, Systemd({}), set_to)
        async with running(daemon):
            await daemon.pollings[0].venue.polled(1)  # type: ignore[attr-defined]  # they are scripted
            yield daemon, logs  # type: ignore[misc]  # structlog's own type for a line says the same


async def reload(daemon: Daemon, logs: Sequence[Mapping[str, object]], folder: Path, *tables: str) -> list[object]:
    """Write the config and have it loaded; what the log says of it."""
    first = len(logs)
    write_config(folder, *tables, rules=RULES)
    daemon.reloading.ask()
    await until(lambda: {line["event"] for line in logs[first:]} & {"reloaded", "the rules of before stay in force"})
    return [line["event"] for line in logs[first:]]


async def test_what_the_edit_left_alone_is_the_very_same(tmp_path: Path, venues: list[ScriptedVenue]) -> None:
    """One venue is edited, one is new: the third knows nothing of it, and what was replaced is closed."""
    config = write_config(tmp_path, venue(), venue("spare"), HOOK, rules=RULES)
    async with living(config) as (daemon, logs):
        before = {polling.venue.name: polling for polling in daemon.pollings}
        await venues[1].polled(1)
        await reload(daemon, logs, tmp_path, venue(), venue("spare", every="2s"), venue("third"), HOOK)
        after = {polling.venue.name: polling for polling in daemon.pollings}
        _, old, new, third = venues
        await new.polled(1)
        await third.polled(1)
        begun = old.begun
        await venues[0].polled(venues[0].begun + 1)

        assert after["futures"] is before["futures"]
        assert after["spare"] is not before["spare"]
        assert (old.closed, new.closed, old.begun) == (True, False, begun)
        assert daemon._vitals.pollings == daemon.pollings
        assert all(check.good for check in daemon._vitals.health(clock.now()).checks if check.name != "receiver hook")


async def test_a_reload_that_cannot_be_taken_lets_all_go_on(
    tmp_path: Path, venues: list[ScriptedVenue], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A venue that was at rest for it is polled again, by the connection of before."""
    config = write_config(tmp_path, venue(), HOOK, rules=RULES)
    async with living(config) as (daemon, logs):

        def fail(*_: object) -> None:
            raise ZeroDivisionError

        with monkeypatch.context() as patch:
            patch.setattr(Ticker, "reload", fail)
            said = await reload(daemon, logs, tmp_path, venue(every="2s"), HOOK)
        begun = venues[0].begun
        await venues[0].polled(begun + 1)

        assert "the rules of before stay in force" in said
        assert not venues[0].closed
        assert daemon.pollings[0].venue is venues[0]


async def test_a_cycle_that_does_not_end_is_given_up(
    tmp_path: Path, venues: list[ScriptedVenue], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reload waits for it, and not for ever; a connection that cannot be closed is no reason to wait either."""
    monkeypatch.setattr(succession, "CYCLES_WITHIN", 0.1)
    config = write_config(tmp_path, venue(), HOOK, rules=RULES)

    async def fail() -> None:
        raise ConnectionError

    async with living(config) as (daemon, logs):
        venues[0].held = asyncio.Event()
        await venues[0].polled(venues[0].begun + 1)
        monkeypatch.setattr(venues[0], "aclose", fail)
        said = await reload(daemon, logs, tmp_path, venue(every="2s"), HOOK)
        await venues[1].polled(1)

    assert "reloaded" in said
    assert "a connection that is not used any more cannot be closed" in said


async def test_a_stop_in_the_middle_of_a_reload(tmp_path: Path, venues: list[ScriptedVenue]) -> None:
    """A cycle that the reload waits for is ended by the stop as any other."""
    config = write_config(tmp_path, venue(), HOOK, rules=RULES)
    async with living(config) as (daemon, logs):
        venues[0].held = asyncio.Event()
        await venues[0].polled(venues[0].begun + 1)
        write_config(tmp_path, venue(every="2s"), HOOK, rules=RULES)
        daemon.reloading.ask()
        await until(lambda: daemon._schedule._dropped)

    assert venues[0].closed
    assert logs[-1]["event"] == "stopped"


async def test_heartbeat_and_log_follow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one beats elsewhere from then on, or no more; the other says as much as the config wants."""
    monkeypatch.setattr("marginwatch.app.daemon.LOOK_EVERY", 0.02)
    monkeypatch.setattr("marginwatch.app.vitals.Vitals.worry", lambda *_: "")
    with HttpSink() as sink:
        beats = [table("heartbeat", {"url": f"http://{sink.address}/{path}"}) for path in ("one", "two")]
        config = write_config(tmp_path, venue(), HOOK, beats[0], rules=RULES)
        async with living(config) as (daemon, logs):
            await sink.arrived(1)
            await reload(daemon, logs, tmp_path, venue(), HOOK, beats[1], table("log", {"level": "error"}))
            await sink.arrived(2)
            assert logging.getLogger().level == logging.ERROR
            await reload(daemon, logs, tmp_path, venue(), HOOK)
            assert daemon._heartbeat is None

    assert [post.path for post in sink.posts] == ["/one", "/two"]


async def test_what_the_command_line_says_of_the_log_stays(tmp_path: Path) -> None:
    """It wins over the config at the start, and so it does later."""
    config = write_config(tmp_path, venue(), HOOK, rules=RULES)
    before = logging.getLogger().level
    async with living(config, None) as (daemon, logs):
        await reload(daemon, logs, tmp_path, venue(), HOOK, table("log", {"level": "error"}))
        assert logging.getLogger().level == before


async def test_credentials_are_said_to_be_those_of_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where systemd handed any over: it does not renew them at a reload."""
    config = write_config(tmp_path, venue(), HOOK, rules=RULES)
    async with living(config) as (daemon, logs):
        await reload(daemon, logs, tmp_path, venue(), HOOK)
        monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
        await reload(daemon, logs, tmp_path, venue(), HOOK)

    assert [line.get("credentials") for line in logs if line["event"] == "reloaded"] == [None, CREDENTIALS]
