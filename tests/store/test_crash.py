"""Whatever a commit acknowledged survives kill -9 at any instant."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

from marginwatch.store.store import Store
from support.crashing import OBSERVATIONS, RECEIVERS
from support.records import after

KILLS = 20


def test_every_acknowledged_commit_survives_being_killed(tmp_path: Path) -> None:
    """Killed at random instants: all that was acknowledged is there, every commit is whole, and the file is sound."""
    path = tmp_path / "store.db"
    command = [sys.executable, "-m", "support.crashing", f"sqlite:///{path}", str(KILLS)]
    tests = str(Path(__file__).parents[1])
    done = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": tests}, text=True
    )
    acknowledged = set(done.stdout.split())
    with contextlib.closing(sqlite3.connect(path)) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    store = Store.open(f"sqlite:///{path}")
    stored = {step.alert_id for step in store.history.transitions(limit=10**6)}
    queued = [row.message.alert_id for row in store.outbox.rows(limit=10**6)]
    ticks = list(store.history.ticks(after(0), after(10**6)))
    store.close()

    assert len(acknowledged) >= KILLS // 2
    assert acknowledged <= stored
    assert sorted(queued) == sorted([*stored] * len(RECEIVERS))
    assert {len(tick.observations) for tick in ticks} == {OBSERVATIONS}
