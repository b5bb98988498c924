"""What keeps a daemon from starting, or a single cycle from being good: one clear sentence and the right exit code."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import tempfile
from contextlib import closing, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
import sqlalchemy as sa

from marginwatch.simulator.faults import Fault, FaultKind
from marginwatch.store.store import Store
from support.house import RULES
from support.logging_state import logging_restored
from support.shell import Said, Shell
from support.sinks import HttpSink, Reply, refusing_port
from support.sites import Sites, receiver, table, write_config

if TYPE_CHECKING:
    from collections.abc import Iterator

DO_NOT_RESTART: Final = 78
OUTSIDE: Final = 3
NOBODY: Final = 65534
NOWHERE: Final = table(
    "[venues]",
    {
        "name": "fx",
        "kind": "helio",
        "base_url": "http://127.0.0.1:9/api/v1",
        "email": "risk@example.com",
        "password": "not-asked-for",
    },
)
HOOK: Final = receiver("hook", "json://127.0.0.1:9/hook")


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    with logging_restored():
        yield


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Commands typed in an empty folder."""
    return Shell(tmp_path, monkeypatch)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A good config, whose venue nobody needs to reach."""
    return write_config(tmp_path, NOWHERE, HOOK, rules=RULES)


def sentences(said: Said) -> list[str]:
    """What was said to a person, without the lines quoted from a file; never a traceback."""
    assert "Traceback" not in said.err
    return [line for line in said.err.splitlines() if not line.startswith(("{", "  "))]


def refused(said: Said, code: int) -> str:
    """The one sentence with which it ended."""
    (sentence,) = sentences(said)
    assert (said.code, said.out) == (code, "")
    return sentence


def test_a_config_that_is_not_there(shell: Shell) -> None:
    """The file that was named, or where one was looked for."""
    assert "/no/such.toml" in refused(shell("run", "--config", "/no/such.toml"), DO_NOT_RESTART)
    assert "config.toml" in refused(shell("run"), DO_NOT_RESTART)
    assert "/no/such.toml" in refused(shell("once", "--config", "/no/such.toml"), 1)


def test_a_rule_that_is_wrong(shell: Shell, config: Path) -> None:
    """Every mistake at once, each with its place and what was probably meant."""
    rules = config.with_name("rules.toml")
    rules.write_text(
        '[[rule]]\nid = "a"\nvalue = "margin_usge"\nlevels = { warning = "> 80%" }\n\n'
        '[[rule]]\nid = "b"\nwhen = "margin_usage > 80"\n\n'
        '[[rule]]\nid = "a"\nwhen = "in_margin_call"\n'
    )

    said = shell("run", "--config", config)
    found = sentences(said)

    assert said.code == DO_NOT_RESTART
    assert [line.removeprefix(f"{rules}:").split(":")[0] for line in found] == ["3", "8", "11"]
    assert "did you mean margin_usage?" in found[0]
    assert found[0].startswith(f"{rules}:3:10: ")
    assert shell("once", "--config", config).code == 1


def test_a_config_that_is_wrong(shell: Shell, config: Path) -> None:
    """Broken TOML and unknown keys are told with their place."""
    good = config.read_text()
    config.write_text(good + "[weeb]\n")
    assert refused(shell("run", "--config", config), DO_NOT_RESTART).startswith(f"{config}:")
    config.write_text(good + "[web\n")
    assert refused(shell("run", "--config", config), DO_NOT_RESTART).startswith(f"{config}:")


def test_a_port_that_is_taken(shell: Shell, tmp_path: Path) -> None:
    """It says which one and what to do, may be started again, and leaves the database to the next."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        config = write_config(tmp_path, NOWHERE, HOOK, rules=RULES, listen=address)
        sentence = refused(shell("run", "--config", config), 3)

    assert sentence.startswith(f"cannot listen on {address}: Address already in use; ")
    with opened(config) as store:
        store.own()


def test_a_database_of_a_newer_version(shell: Shell, config: Path) -> None:
    """It is left alone, by `run` for good."""
    with opened(config):
        pass
    engine = sa.create_engine(f"sqlite:///{config.parent}/marginwatch.db")
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = 'r9999'"))
    engine.dispose()

    assert "newer version of marginwatch" in refused(shell("run", "--config", config), DO_NOT_RESTART)


def test_a_file_that_is_no_database(shell: Shell, config: Path) -> None:
    """It is not overwritten."""
    file = config.with_name("marginwatch.db")
    file.write_bytes(b"to whom it may concern, this is a letter\n" * 50)

    assert refused(shell("run", "--config", config), DO_NOT_RESTART) == f"{file} is not a database"
    assert file.read_bytes().startswith(b"to whom it may concern")


def test_a_database_that_another_process_has(shell: Shell, config: Path) -> None:
    """Trouble that may pass: systemd tries again; a single cycle does not push in either."""
    with opened(config) as store:
        store.own()
        for command in ("run", "once"):
            assert "is in use by another marginwatch" in refused(shell(command, "--config", config), OUTSIDE)


def test_a_database_that_may_not_be_written(shell: Shell) -> None:
    """A read-only file or folder is told as such."""
    folder = Path(tempfile.mkdtemp(prefix="mw-ro-"))
    try:
        config = write_config(folder, NOWHERE, HOOK, rules=RULES)
        with opened(config):
            pass
        for file in folder.iterdir():
            file.chmod(0o444)
        folder.chmod(0o555)
        with unprivileged():
            said = shell("run", "--config", config)
        assert "marginwatch.db" in refused(said, DO_NOT_RESTART)
    finally:
        folder.chmod(0o755)
        shutil.rmtree(folder)


async def test_one_good_cycle(shell: Shell, tmp_path: Path) -> None:
    """`once` polls every venue, tells what follows, waits until it is delivered, and ends well."""
    async with Sites() as sites:
        for kind in sites.simulators:
            sites.world.change(kind, "acc-1", margin_used=Decimal(95_000))
        with HttpSink() as sink:
            config = write_config(tmp_path, sites.tables(), receiver("hook", sink.url()), rules=RULES)
            said = await asyncio.to_thread(shell, "once", "--config", config)

            assert (said.code, sentences(said)) == (0, [])
            assert sorted(post.json["venue"] for post in sink.posts) == ["clearing", "futures", "fx"]
            again = await asyncio.to_thread(shell, "once", "--config", config)
            assert (again.code, len(sink.posts)) == (0, 3)


async def test_a_cycle_with_a_venue_that_fails(shell: Shell, tmp_path: Path) -> None:
    """`once` says which one, ends with 3, and tells what the others said all the same."""
    async with Sites() as sites:
        sites.world.change("helio", "acc-1", margin_used=Decimal(95_000))
        sites.faults["stonex"].fail("login", Fault(FaultKind.STATUS, status=401))
        sites.faults["architect"].fail("*", Fault(FaultKind.GARBAGE))
        with HttpSink() as sink:
            config = write_config(tmp_path, sites.tables(), receiver("hook", sink.url()), rules=RULES)
            said = await asyncio.to_thread(shell, "once", "--config", config)

            assert said.code == OUTSIDE
            told = "\n".join(sentences(said))
            assert "clearing" in told
            assert "futures" in told
            assert [post.json["venue"] for post in sink.posts] == ["fx"]


@pytest.mark.parametrize("status", [None, 500, 400])
async def test_a_cycle_with_a_receiver_that_fails(shell: Shell, tmp_path: Path, status: int | None) -> None:
    """`once` does not wait for a receiver that is down or refuses: it says which one and ends with 3."""
    async with Sites("helio") as sites:
        sites.world.change("helio", "acc-1", margin_used=Decimal(95_000))
        with HttpSink() as sink, refusing_port() as port:
            sink.always = Reply(status or 200)
            url = sink.url() if status else f"json://127.0.0.1:{port}/hook"
            config = write_config(tmp_path, sites.tables(), receiver("desk", url), rules=RULES)
            said = await asyncio.to_thread(shell, "once", "--config", config)

            assert said.code == OUTSIDE
            assert "desk" in "\n".join(sentences(said))


@contextmanager
def opened(config: Path) -> Iterator[Store]:
    """The config's database."""
    with closing(Store.open(f"sqlite:///{config.parent}/marginwatch.db")) as store:
        yield store


@contextmanager
def unprivileged() -> Iterator[None]:
    """Act as a user whom file permissions stop; root they do not."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
