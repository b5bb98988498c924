"""A reload of the running daemon: what it may change, and what it survives."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from marginwatch.app import reload as module
from marginwatch.app.build import configure
from marginwatch.app.reload import NeedsRestartError, out_of_reach, reread
from marginwatch.app.start import owned_store
from marginwatch.core.seeding import Seeding
from marginwatch.store.errors import DatabaseBusyError
from marginwatch.store.rulebooks import Rulebooks
from support.living import living
from support.scripted_venue import ScriptedVenue
from support.sites import receiver, table, write_config
from support.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from pathlib import Path

    from marginwatch.app.daemon import Daemon

USAGE = '[[rule]]\nid = "usage"\nvalue = "margin_usage"\nlevels = { critical = "> 90%" }\n'
PEAK = '[[rule]]\nid = "peak"\nwhen = "drawdown(equity, \\"1d\\") > 50"\n'


def write(folder: Path) -> Path:
    """A config whose venue is to be played by a scripted one."""
    login = {"api_key": "A" * 24, "api_secret": "B" * 43 + "="}
    venue = table("[venues]", {"name": "futures", "kind": "architect", "every": "1s", "currency": "USD", **login})
    return write_config(folder, venue, receiver("hook", "json://127.0.0.1:9/"), rules=USAGE)


@asynccontextmanager
async def watching(config: Path) -> AsyncIterator[Daemon]:
    """A daemon that runs for the time of the block and has polled once."""
    venue = ScriptedVenue()
    async with living(config, venue) as daemon:
        await venue.polled(1)
        yield daemon


async def reload(daemon: Daemon, logs: Sequence[Mapping[str, object]]) -> list[str]:
    """Ask for one; what the log says of it."""
    first = len(logs)
    daemon.reloading.ask()
    ends = {"reloaded", "the rules of before stay in force"}
    await until(lambda: any(line["event"] in ends for line in logs[first:]))
    return [str(line.get("problem", line["event"])) for line in logs[first:] if line["event"] != "transition"]


async def test_other_rules_are_in_force_and_on_record(tmp_path: Path) -> None:
    """Windows and all; `in_words` says since when."""
    config = write(tmp_path)
    with capture_logs() as logs:
        async with watching(config) as daemon:
            (tmp_path / "rules.toml").write_text(USAGE + PEAK)
            said = await reload(daemon, logs)
            assert daemon.reloading.in_words().endswith("are in force")
    with owned_store(configure(config, {})) as store:
        book = store.rulebooks.in_force()

    assert "reloaded" in said
    assert book is not None
    assert [rule.id for rule in book.rules] == ["usage", "peak"]


async def test_a_config_that_is_gone_is_rejected(tmp_path: Path) -> None:
    """Like any wrong edit: the rules of before stay in force, and that is what is said."""
    config = write(tmp_path)
    with capture_logs() as logs:
        async with watching(config) as daemon:
            elsewhere = config.rename(tmp_path / "elsewhere")
            problem = (await reload(daemon, logs))[0]
            assert "was rejected, as the log says" in daemon.reloading.in_words()
            elsewhere.rename(config)
            assert "reloaded" in await reload(daemon, logs)
            assert "rejected" not in daemon.reloading.in_words()

    assert problem.startswith(str(config))


async def test_a_fault_of_ours_is_a_rejection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What watches must not end by what it cannot load; the fault is named, and not its text, which may be secret."""

    def fail(*_: object) -> None:
        what = "SECRET"
        raise ZeroDivisionError(what)

    monkeypatch.setattr(module, "reread", fail)
    with capture_logs() as logs:
        async with watching(write(tmp_path)) as daemon:
            said = await reload(daemon, logs)

    assert said[1] == "marginwatch cannot load it, by a fault of its own (ZeroDivisionError)"
    assert "SECRET" not in str(logs)


async def test_a_store_that_cannot_be_read_is_a_rejection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows that cannot be filled must not begin empty; the next reload may do better."""

    def fail(*_: object) -> None:
        raise DatabaseBusyError(where="there")

    with capture_logs() as logs:
        async with watching(write(tmp_path)) as daemon:
            monkeypatch.setattr(daemon._running, "_past", fail)
            monkeypatch.setattr(Seeding, "accounts", frozenset({"one"}))
            (tmp_path / "rules.toml").write_text(USAGE + PEAK)
            problem = (await reload(daemon, logs))[0]

    assert problem == "the database there is locked by another program"


async def test_rules_that_are_in_force_stay_so_without_a_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A warning says so, and the daemon goes on."""

    def fail(*_: object) -> None:
        raise DatabaseBusyError(where="there")

    with capture_logs() as logs:
        async with watching(write(tmp_path)) as daemon:
            monkeypatch.setattr(Rulebooks, "record", fail)
            await reload(daemon, logs)
            monkeypatch.undo()
            await reload(daemon, logs)

    warned = [line["event"] for line in logs if line["log_level"] == "warning"]
    assert warned.count("the rules are in force and not on record; the next start notes them") == 1


def test_what_a_reload_can_change(tmp_path: Path) -> None:
    """Whatever decides and tells; what cannot be followed is named, keys of a table that otherwise can be as well."""
    config = write(tmp_path)
    running = configure(config, {})
    before = config.read_text()
    hours = {"zone": "Europe/Berlin", "open": "09:00", "close": "17:30", "days": ["mon", "tue"]}
    more = (
        table("[calendars]", {"name": "desk", **hours}),
        table("[groups]", {"name": "prop", "accounts": ["futures/*"], "currency": "USD"}),
        table("heartbeat", {"url": "https://example.com/ping"}),
        table("log", {"level": "debug"}),
        receiver("mail", "json://127.0.0.1:9/mail"),
    )
    after = before.replace('every = "1s"', 'every = "2s"').replace("[store]", '[store]\nkeep = "30d"') + "".join(more)
    config.write_text(after)
    assert out_of_reach(running.settings, reread(running, {}).settings) == []
    config.write_text(after.replace('listen = ""', 'listen = "127.0.0.1:0"').replace("marginwatch.db", "other.db"))
    with pytest.raises(NeedsRestartError, match=r"a reload cannot change \[web\] listen and \[store\] url; restart"):
        reread(running, {})
