"""Editing receivers and venues under a running daemon: nothing on its way is lost, and nothing alerts by it."""

from __future__ import annotations

import json
import signal
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from marginwatch.simulator import helio
from marginwatch.simulator.helio import HelioApi, HelioSimulator
from support.process import Process, run, started
from support.sinks import HttpSink, Reply
from support.sites import Sites, receiver, table, write_config

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.acceptance

USAGE = """\
[[rule]]
id = "margin-usage"
title = "Margin usage"
value = "margin_usage"
levels = { warning = "> 80%", critical = "> 90%" }
"""


@pytest.fixture
def sink() -> Iterator[HttpSink]:
    """A receiver that takes everything."""
    with HttpSink() as running:
        yield running


@pytest.fixture
def broken() -> Iterator[HttpSink]:
    """A receiver that takes nothing."""
    with HttpSink() as running:
        running.always = Reply(503)
        yield running


def use(sites: Sites, kind: str, account: str, margin: int) -> None:
    """The account uses so much of its 100,000."""
    sites.world.change(kind, account, margin_used=Decimal(margin))


async def reload(process: Process, folder: Path, *tables: str, times: int = 1) -> None:
    """Write the config, have it loaded, and wait until it is in force."""
    write_config(folder, *tables, rules=USAGE)
    process.signal(signal.SIGHUP)
    await process.logged("reloaded", times)


async def stop(process: Process) -> None:
    """The end of the service, in good order."""
    process.signal(signal.SIGTERM)
    assert await process.ended() == 0


def in_short(sink: HttpSink, path: str) -> list[str]:
    """What was told there."""
    found = [post.json for post in sink.posts if post.path == path]
    return [f"{each['rule']}{each['subject'] and '/' + each['subject']} {each['state']}" for each in found]


async def test_receivers_come_change_and_go(tmp_path: Path, sink: HttpSink, broken: HttpSink) -> None:
    """What waited goes out by the new way, what nobody takes any more is told of, and a new one hears what is next."""
    async with Sites("helio") as sites:
        venue, hook = sites.tables(), receiver("hook", sink.url("/hook"))
        desk, gone = receiver("desk", broken.url("/desk")), receiver("gone", broken.url("/gone"))
        config = write_config(tmp_path, venue, hook, desk, gone, rules=USAGE)
        async with started("run", "--config", config) as process:
            use(sites, "helio", "acc-1", 95_000)
            await sink.arrived(1)
            await broken.arrived(2)

            desk, new = receiver("desk", sink.url("/desk")), receiver("new", sink.url("/new"))
            await reload(process, tmp_path, venue, hook, desk, new)
            await sink.arrived(5)  # what the desk waited for, and that one was given up, to three
            use(sites, "helio", "acc-2", 95_000)
            await sink.arrived(8)
            code, listed = await run("outbox", "--json", "--config", config)
            await stop(process)

    assert code == 0
    fires, lost = "margin-usage firing", "receiver-failing/gone firing"
    assert sorted(in_short(sink, "/desk")) == sorted(in_short(sink, "/hook")) == [fires, fires, lost]
    assert sorted(in_short(sink, "/new")) == [fires, lost]
    rows = json.loads("\n".join(listed.output))
    assert {(row["receiver"], row["status"]) for row in rows} == {
        *((name, "delivered") for name in ("hook", "desk", "new")),
        ("gone", "dead"),
    }


PATIENT = """
remind_every = "1h"
[[rule]]
id = "patient"
title = "For long"
value = "margin_usage"
levels = { info = "> 50%" }
for = "1h"
"""


def route(*receivers: str) -> str:
    """One for everything, with a ladder that nobody is called by for now."""
    return table("[routes]", {"name": "all", "receivers": receivers}) + (
        'escalate = [{ after = "1h", receivers = ["boss"] }]\n'
    )


async def clocks(config: Path) -> object:
    """Everything that times what is open: when it began and fired, when it reminds, when its ladder calls."""
    _, alerts = await run("alerts", "--json", "--config", config)
    _, explained = await run("explain", "margin-usage", "fx/acc-1", "--json", "--config", config)
    keys = ("rule", "alert_id", "state", "active_at", "fired_at")
    rows = [[row[key] for key in keys] for row in json.loads("\n".join(alerts.output))]
    told = json.loads("\n".join(explained.output))
    return sorted(rows), told["reminder_at"], [call["at"] for call in told["ladder"]]


async def test_routes_are_edited_while_an_alert_is_open(tmp_path: Path, sink: HttpSink) -> None:
    """The next notices go to whom the new routes name, the end to everybody who was told, and every clock goes on."""
    rules = USAGE + PATIENT
    async with Sites("helio") as sites:
        people = "".join(receiver(name, sink.url(f"/{name}")) for name in ("desk", "night", "boss"))
        config = write_config(tmp_path, sites.tables(), people, route("desk"), rules=rules)
        async with started("run", "--config", config) as process:
            use(sites, "helio", "acc-1", 85_000)
            await sink.arrived(1)
            before = await clocks(config)
            write_config(tmp_path, sites.tables(), people, route("night"), rules=rules)
            _, planned = await run("plan", "--config", config)
            process.signal(signal.SIGHUP)
            await process.logged("reloaded")
            after = await clocks(config)

            use(sites, "helio", "acc-1", 95_000)
            await sink.arrived(3)
            use(sites, "helio", "acc-2", 85_000)
            await sink.arrived(4)
            use(sites, "helio", "acc-1", 10_000)
            await sink.arrived(6)
            await stop(process)

    assert any(
        "margin-usage on fx/acc-1" in line and ": desk, boss after 1 h -> desk, night" in line
        for line in planned.output
    )
    assert after == before
    assert in_short(sink, "/desk") == [f"margin-usage {state}" for state in ("firing", "worsened", "resolved")]
    assert in_short(sink, "/night") == [f"margin-usage {state}" for state in ("worsened", "firing", "resolved")]
    assert in_short(sink, "/boss") == []


async def test_venues_come_change_and_go(tmp_path: Path, sink: HttpSink) -> None:
    """An edited one is connected anew with the secret as it is now, without an alert; a removed one closes its own."""
    secret = tmp_path / "password"
    secret.write_text(helio.PASSWORD)
    async with Sites("helio", "architect") as sites:
        hook = receiver("hook", sink.url("/hook"))
        fx = sites.table("helio", password=f"${{file:{secret}}}")
        config = write_config(tmp_path, fx, hook, rules=USAGE)
        async with started("run", "--config", config) as process:
            use(sites, "helio", "acc-1", 95_000)
            await sink.arrived(1)

            simulator = sites.simulators["helio"]
            assert isinstance(simulator, HelioSimulator)
            simulator._api = HelioApi(sites.world, secret="another-password")  # which knows no token of before
            secret.write_text("another-password")
            futures = sites.table("architect")
            edited = sites.table("helio", password=f"${{file:{secret}}}", every="2s", accounts=["acc-*"])
            await reload(process, tmp_path, edited, futures, hook)
            use(sites, "architect", "acc-1", 95_000)
            await sink.arrived(2)
            use(sites, "helio", "acc-2", 95_000)
            await sink.arrived(3)

            await reload(process, tmp_path, futures, hook, times=2)
            await sink.arrived(5)
            use(sites, "helio", "acc-1", 10_000)
            use(sites, "architect", "acc-1", 10_000)
            await sink.arrived(6)
            await stop(process)

    told = [f"{post.json['venue']} {post.json['rule']} {post.json['state']}" for post in sink.posts]
    assert told[:3] == ["fx margin-usage firing", "futures margin-usage firing", "fx margin-usage firing"]
    assert told[3:] == [*["fx margin-usage closed"] * 2, "futures margin-usage resolved"]
    assert {post.json["reason"] for post in sink.posts[3:5]} == {"account_removed"}
    loud = [line for line in process.log if line["level"] in {"warning", "error"} and line["event"] != "transition"]
    assert loud == []
    assert "another-password" not in "".join(process.errors)


async def test_secrets_alone_are_read_anew(tmp_path: Path, sink: HttpSink) -> None:
    """The config says what it said: a venue's password and a receiver's token are those of their files now."""
    password, token = tmp_path / "password", tmp_path / "token"
    password.write_text(helio.PASSWORD)
    token.write_text("the-token-of-before\n")
    async with Sites("helio", "architect") as sites:
        fx = sites.table("helio", password=f"${{file:{password}}}")
        tables = (fx, sites.table("architect"), receiver("desk", sink.url(f"/${{file:{token}}}")))
        config = write_config(tmp_path, *tables, rules=USAGE)
        async with started("run", "--config", config) as process:
            use(sites, "helio", "acc-1", 95_000)
            await sink.arrived(1)

            simulator = sites.simulators["helio"]
            assert isinstance(simulator, HelioSimulator)
            simulator._api = HelioApi(sites.world, secret="another-password")  # which knows no token of before
            password.write_text("another-password")
            token.write_text("the-token-of-now\n")
            await reload(process, tmp_path, *tables)
            use(sites, "helio", "acc-2", 95_000)
            await sink.arrived(2)
            await stop(process)
        assert len(sites.faults["architect"].asked("Auth/CreateJwt")) <= 1

    assert [post.path for post in sink.posts] == ["/the-token-of-before", "/the-token-of-now"]
    said = "\n".join([*process.errors, *process.output])
    assert not [secret for secret in ("another-password", "the-token-of") if secret in said]


async def test_an_edit_that_is_wrong_anywhere_changes_no_part(tmp_path: Path, sink: HttpSink) -> None:
    """A good receiver, a new venue and a wrong rule: the receiver and the venue wait for the rule to be mended."""
    async with Sites("helio", "architect") as sites:
        fx, hook = sites.table("helio"), receiver("hook", sink.url("/hook"))
        config = write_config(tmp_path, fx, hook, rules=USAGE)
        async with started("run", "--config", config) as process:
            await process.logged("ready")
            more = (fx, sites.table("architect"), hook, receiver("new", sink.url("/new")))
            write_config(tmp_path, *more, rules=USAGE.replace("80%", "80 USD"))
            process.signal(signal.SIGHUP)
            await sink.arrived(1)
            write_config(tmp_path, fx, rules=USAGE)
            process.signal(signal.SIGHUP)
            await sink.arrived(2)
            await reload(process, tmp_path, *more)
            await sink.arrived(3)
            use(sites, "architect", "acc-1", 95_000)
            await sink.arrived(5)
            await stop(process)

    assert in_short(sink, "/hook") == [
        "reload-rejected firing",
        "reload-rejected reminder",
        "reload-rejected resolved",
        "margin-usage firing",
    ]
    assert "there is nobody to tell" in sink.posts[1].json["message"]
    assert in_short(sink, "/new") == ["margin-usage firing"]
