"""Commands as real processes: pipes that close, Ctrl-C, a real terminal, and a plug-in that is broken."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import struct
import subprocess
import sys
import termios
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from marginwatch.simulator.faults import Fault, FaultKind
from support import ledger
from support.process import run, started
from support.rawserver import raw_server
from support.records import commit, transition
from support.sinks import PATIENCE
from support.sites import Sites, receiver, table, write_config
from support.stores import owned
from support.waiting import until

if TYPE_CHECKING:
    import asyncio

RULE = '[[rule]]\nid = "call"\nwhen = "in_margin_call"\nseverity = "critical"\n'
COMMAND = (sys.executable, "-m", "marginwatch")


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """Hardly any environment."""
    return {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LANG": "C.UTF-8"}


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_a_reader_that_has_seen_enough(tmp_path: Path, environ: dict[str, str], more: tuple[str, ...]) -> None:
    """`marginwatch history | head -1` ends well and without a word, however much there was to come."""
    config = ledger.write(tmp_path)
    with owned(tmp_path) as store:
        store.commit(commit(600, transitions=tuple(transition(f"{number:012}") for number in range(2000))))
    words = (*COMMAND, "history", "--limit", "2000", *more, "--config", str(config))
    with subprocess.Popen(words, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        complaint = process.stderr.read()

    assert (process.returncode, complaint) == (0, b"")


@pytest.mark.parametrize("words", [("history",), ("status", "--json"), ("audit", "--csv"), ("check",)], ids=" ".join)
def test_a_full_disk_is_one_sentence(tmp_path: Path, environ: dict[str, str], words: tuple[str, ...]) -> None:
    """Whatever is printed into a file that has no room left: no traceback, and no good end."""
    config = ledger.write(tmp_path)
    ledger.fill(tmp_path)
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        ended = subprocess.run(
            (*COMMAND, *words, "--config", str(config)),
            env=environ,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert (ended.returncode, ended.stderr) == (3, "the output cannot be written: no space left on device\n")


def test_a_backup_that_finds_no_room(tmp_path: Path, environ: dict[str, str]) -> None:
    """It is trouble outside, not wrong input: one sentence, and nothing is left behind."""
    config = ledger.write(tmp_path)
    ledger.fill(tmp_path)
    copy = tmp_path / "copy.db"
    words = ("sh", "-c", 'ulimit -f 100 && exec "$@"', "sh", *COMMAND, "backup", str(copy), "--config", str(config))
    ended = subprocess.run(words, env=environ, capture_output=True, text=True, check=False)

    assert (ended.returncode, ended.stdout) == (3, "")
    assert ended.stderr == f"no backup was written to {copy}: disk I/O error\n"
    assert not copy.exists()


def test_nowhere_to_print_to(tmp_path: Path, environ: dict[str, str]) -> None:
    """As `marginwatch status >&-`, or a supervisor that closes it: nothing is printed, and nothing is wrong."""
    config = ledger.write(tmp_path)
    ledger.fill(tmp_path)
    words = ("sh", "-c", 'exec "$@" >&-', "sh", *COMMAND, "status", "--config", str(config))
    ended = subprocess.run(words, env=environ, stderr=subprocess.PIPE, text=True, check=False)

    assert (ended.returncode, ended.stderr) == (0, "")


async def test_ctrl_c(tmp_path: Path) -> None:
    """A command that waits for a venue ends at once, with the shells' exit code and no traceback."""
    async with Sites("helio") as sites:
        faults = sites.faults["helio"]
        faults.fail("login", Fault(FaultKind.HANG))
        config = write_config(tmp_path, sites.tables(), receiver("desk", "json://127.0.0.1:1/"), rules=RULE)
        async with started("check", "--online", "--config", config) as process:
            await until(lambda: faults.asked("login"))
            process.signal(signal.SIGINT)
            code = await process.ended()

        assert code == 130
        assert "".join(process.errors) == ""
        assert process.output == []


async def test_no_library_speaks_past_the_log(tmp_path: Path) -> None:
    """gRPC writes of a broken handshake to standard error by itself; only our sentence about it is to be there."""

    async def web(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _: int) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    async with raw_server(web) as port:
        login = {"api_key": "A" * 24, "api_secret": "B" * 43 + "="}
        venue = {"name": "futures", "kind": "architect", "endpoint": f"https://127.0.0.1:{port}", **login}
        tables = (table("[venues]", venue), receiver("desk", "json://127.0.0.1:1/"))
        config = write_config(tmp_path, *tables, rules=RULE)
        async with started("check", "--online", "--config", config) as process:
            assert await process.ended() == 3

    assert process.errors == [
        f"venue futures: unreachable: no connection: 127.0.0.1:{port} does not speak TLS",
        "receiver desk: no connection could be made",
    ]


def test_a_real_terminal(tmp_path: Path, environ: dict[str, str]) -> None:
    """On one, `status` has colours and fits the width."""
    config = ledger.fill(tmp_path)
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 70, 0, 0))
    words = (*COMMAND, "status", "--config", str(config))
    process = subprocess.Popen(words, env={**environ, "TERM": "xterm-256color"}, stdin=theirs, stdout=theirs)
    os.close(theirs)
    shown = b""
    while True:
        try:
            shown += os.read(ours, 65_536)
        except OSError:  # what Linux says when the other end is closed
            break
    os.close(ours)

    assert process.wait(PATIENCE) == 0
    assert b"\x1b[1;31m" in shown
    lines = re.sub(r"\x1b\[[0-9;]*m", "", shown.decode()).replace("\r", "").splitlines()
    assert [line for line in lines[1:] if len(line) > 70 and not line.startswith("no room for")] == []


async def test_a_broken_plug_in_is_a_warning_in_words(tmp_path: Path) -> None:
    """It goes to standard error, so that what is piped on stays clean, and stops nothing."""
    config = ledger.write(tmp_path)
    plug_in = tmp_path / "odd-1.0.dist-info"
    plug_in.mkdir()
    (plug_in / "METADATA").write_text("Metadata-Version: 2.1\nName: odd\nVersion: 1.0\n")
    (plug_in / "entry_points.txt").write_text("[marginwatch.venues]\nodd = no_such_module:VENUE\n")
    code, process = await run("check", "--json", "--config", config, environ={"PYTHONPATH": str(tmp_path)})

    assert code == 0
    assert process.output[0] == "{"
    assert process.output[-1] == "}"
    assert len(process.errors) == 1
    assert "venue plug-in unusable" in process.errors[0]
    assert "ModuleNotFoundError" in process.errors[0]
    assert not process.errors[0].startswith("{")


async def test_the_program_by_its_module(tmp_path: Path) -> None:
    """`python -m marginwatch` is the same program, its errors and exit codes included."""
    code, process = await run("status", "--config", tmp_path / "config.toml")

    assert (code, process.output) == (1, [])
    assert process.errors == [f"{tmp_path}/config.toml: there is no such file"]
