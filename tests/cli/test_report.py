"""`marginwatch report`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

    from support.shell import Shell


def test_it_says_how_things_stand(desk: Shell, snapshot: SnapshotAssertion) -> None:
    """`report` prints how things stand; `--send` leaves it to the daemon; a receiver that is none is refused."""
    printed = desk("report")
    assert printed.code == 0
    assert printed.out == snapshot
    assert json.loads(desk("report", "--json").out)["queued_for"] is None

    queued = desk("report", "--send", "spare")
    assert (queued.code, queued.out) == (0, "It is in the outbox for spare; the running daemon sends it.\n")
    assert "marginwatch is alive" in desk("outbox", "--receiver", "spare").out

    refused = desk("report", "--send", "spar")
    assert refused.code == 2
    assert "there is no receiver spar; did you mean spare?" in refused.err
