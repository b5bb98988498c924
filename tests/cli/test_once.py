"""`once`: a whole cycle in one command, and a word on what failed."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

from marginwatch.simulator.faults import Fault, FaultKind
from support import ledger
from support.background import background_sites
from support.sinks import HttpSink, Reply
from support.sites import receiver, write_config
from support.stores import owned

if TYPE_CHECKING:
    import pytest
    from syrupy.assertion import SnapshotAssertion

    from support.shell import Said, Shell

RULE = '[[rule]]\nid = "usage"\ntitle = "Margin usage"\nvalue = "margin_usage"\nlevels = { critical = "> 90%" }\n'


def sentences(said: Said) -> list[str]:
    """Standard error without the log, and without what differs from run to run."""
    lines = [line for line in said.err.splitlines() if not line.startswith("{")]
    return [re.sub(r"(?<=trace id )[\w-]+", "ID", line) for line in lines]


def test_all_is_well(shell: Shell) -> None:
    """A breach is told before it ends, and the last line says that nothing failed."""
    with background_sites("helio") as sites, HttpSink() as sink:
        sites.world.change("helio", "acc-1", margin_used=Decimal(95_000))
        write_config(shell.folder, sites.tables(), receiver("desk", sink.url()), rules=RULE)
        said = shell("once", "--log-level", "warning")

    assert (said.code, sentences(said)) == (0, [])
    assert said.out == "every venue answered, and every message was delivered\n"
    assert [post.json["state"] for post in sink.posts] == ["firing"]
    assert shell("plan").out.startswith("nothing would change: the rules on disk are those in force since ")


def test_what_failed_is_named(shell: Shell, snapshot: SnapshotAssertion) -> None:
    """A sentence for each venue and each receiver that failed, and exit code 3."""
    with background_sites("helio", "stonex") as sites, HttpSink() as sink:
        sites.world.change("helio", "acc-1", margin_used=Decimal(95_000))
        sites.faults["stonex"].fail("login", Fault(FaultKind.STATUS, status=401))
        sink.always = Reply(503)
        write_config(shell.folder, sites.tables(), receiver("desk", sink.url()), rules=RULE)
        said = shell("once")

    assert (said.code, said.out) == (3, "")
    assert sentences(said) == snapshot
    assert len(sink.posts) == 1


def test_what_could_not_be_sent_goes_out_next_time(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """A message that is due from an earlier run is tried although the receiver failed then."""
    monkeypatch.setattr("marginwatch.deliver.next_try", lambda _number, created, *_: created)
    with background_sites("helio") as sites, HttpSink() as sink:
        sites.world.change("helio", "acc-1", margin_used=Decimal(95_000))
        sink.script(Reply(503))
        write_config(shell.folder, sites.tables(), receiver("desk", sink.url()), rules=RULE)

        assert shell("once").code == 3
        assert shell("once").code == 0
        assert len(sink.posts) == 2


def test_nobody_at_home(shell: Shell) -> None:
    """Venues that cannot be reached are all named."""
    ledger.write(shell.folder)
    said = shell("once")

    assert said.code == 3
    assert [line.split(":")[0] for line in sentences(said)] == ["venue futures", "venue fx", "venue new"]


def test_beside_a_daemon(shell: Shell) -> None:
    """The store has one owner: while the daemon runs, `once` says so and ends."""
    ledger.write(shell.folder)
    with owned(shell.folder):
        said = shell("once")

    assert said.code == 3
    assert "is in use by another marginwatch" in sentences(said)[0]
