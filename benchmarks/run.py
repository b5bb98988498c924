"""All benchmarks, each in a process of its own, as one table under a description of the machine: `make bench`."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sqlite3
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

from figures import Figure, table

HERE = Path(__file__).parent
PROGRAMS = (
    "evaluations",
    "storm",
    "cycle",
    "latency",
    "deliver_storm",
    "memory",
    "steady",
    "backtest",
    "check_cold",
    "windows",
    "page",
)
"""In this order."""


def main() -> int:
    """Run those that are named, or all; 1 when one of them could not be run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("programs", nargs="*", metavar="PROGRAM", help="which; all when none is named")
    parser.add_argument("--quick", action="store_true", help="little and fast: to see that they run")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    options = parser.parse_args()
    figures: list[Figure] = []
    failed = []
    for program in options.programs or PROGRAMS:
        print(f"measuring: {program}", file=sys.stderr)
        command = [sys.executable, str(HERE / f"{program}.py"), "--json", *(["--quick"] if options.quick else [])]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            failed.append(program)
        figures += [Figure(**json.loads(line)) for line in done.stdout.splitlines()]
    for line in [json.dumps(machine())] if options.json else [", ".join(machine().values()), ""]:
        print(line)
    for line in done_lines(figures, as_json=options.json):
        print(line)
    for program in failed:
        print(f"{program} could not be run; its own words are above", file=sys.stderr)
    return 1 if failed else 0


def done_lines(figures: list[Figure], *, as_json: bool) -> list[str]:
    """The figures as they are printed."""
    if as_json:
        return [json.dumps({**asdict(figure), "verdict": figure.verdict}) for figure in figures]
    return table(figures)


def machine() -> dict[str, str]:
    """What the figures were measured on, and how busy it was."""
    load = os.getloadavg()[0]
    return {
        "processor": _processor(),
        "cores": f"{os.cpu_count()} cores",
        "python": f"Python {platform.python_version()}",
        "sqlite": f"SQLite {sqlite3.sqlite_version}",
        "system": f"{platform.system()} {platform.release()}",
        "load": f"load {load:.1f} when measured",
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


if __name__ == "__main__":
    sys.exit(main())
