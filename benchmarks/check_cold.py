"""How long `marginwatch check` takes from nothing: the four built-in rule packs, three venues, two receivers.

A fresh process each time, its files in the system's cache and its modules compiled. Beside it, in turn with it, Python
itself, and Python that imports pydantic-settings and nothing else.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from figures import Figure, median, publish
from fleet import KINDS, STONEX, Login, write_config

if TYPE_CHECKING:
    from collections.abc import Sequence

PACKS = ("margin", "pnl", "permissions", "calls")
RECEIVERS = ("slack://TOKENAAAA/BBBBBBBBB/cccccccccccccccccccccccc/#risk", "mailto://risk:word@example.com")
WANTED = 700.0


@dataclass(frozen=True, slots=True)
class Spent:
    """Milliseconds."""

    wall: float
    cpu: float


def measure(quick: bool) -> list[Figure]:  # noqa: FBT001  (the one option there is)
    """Elapsed and processor time."""
    with tempfile.TemporaryDirectory() as folder:
        logins = [Login(kind, ["12345678"] if kind == STONEX else []) for kind in KINDS]
        config = write_config(Path(folder), logins, rules=0, receivers=RECEIVERS, packs=PACKS)
        programs = {
            "check": ["-m", "marginwatch", "check", "--config", str(config)],
            "python": ["-c", "pass"],
            "settings": ["-c", "import pydantic_settings"],
        }
        rounds = [{name: _spent(words) for name, words in programs.items()} for _ in range(3 if quick else 15)]
    name = f"marginwatch check, cold, {len(PACKS)} rule packs, {len(KINDS)} venues"
    return [
        Figure(
            f"{name}: {what}",
            median([getattr(one["check"], key) for one in rounds]),
            "ms",
            most=WANTED,
            baseline=median([getattr(one[beside], key) for one in rounds]),
            baseline_name=said,
        )
        for what, key in (("elapsed", "wall"), ("processor", "cpu"))
        for beside, said in (("python", "python -c pass"), ("settings", "import pydantic_settings"))
    ]


def _spent(words: Sequence[str]) -> Spent:
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, list(words))
    return Spent(1000 * wall, 1000 * (used.ru_utime + used.ru_stime))


if __name__ == "__main__":
    publish(measure, __doc__)
