"""What a benchmark prints: figures beside what must be reached and beside a baseline measured in the same run."""

from __future__ import annotations

import argparse
import json
import statistics
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SIGNIFICANT = 3


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table."""

    name: str
    measured: float
    unit: str = ""
    most: float | None = None
    """It must not be more."""
    least: float | None = None
    """It must not be less."""
    baseline: float | None = None
    """The same unit, measured in the same run."""
    baseline_name: str = ""

    @property
    def ratio(self) -> float | None:
        """Of what was measured to the baseline."""
        return self.measured / self.baseline if self.baseline else None

    @property
    def verdict(self) -> str:
        """Whether it is what it must be; empty for one that need not be anything."""
        if self.most is None and self.least is None:
            return ""
        high = self.most is not None and self.measured > self.most
        low = self.least is not None and self.measured < self.least
        return "missed" if high or low else "reached"

    def cells(self) -> tuple[str, ...]:
        """The line as the table has it: name, measured, must reach, baseline, ratio, verdict."""
        bounds = [
            f"{sign} {amount(bound, self.unit)}"
            for sign, bound in (("≤", self.most), ("≥", self.least))
            if bound is not None
        ]
        beside = "" if self.baseline is None else f"{amount(self.baseline, self.unit)} {self.baseline_name}"
        ratio = "" if self.ratio is None else f"{amount(self.ratio)}x"
        return self.name, amount(self.measured, self.unit), ", ".join(bounds), beside, ratio, self.verdict


HEADS = ("Figure", "Measured", "Must reach", "Beside it, same run", "Ratio", "Verdict")


def amount(number: float, unit: str = "") -> str:
    """A number to three digits, large ones in thousands and millions."""
    for size, sign in ((1e6, " M"), (1e3, " k")):
        if abs(number) >= size and unit.startswith("/"):
            return f"{_short(number / size)}{sign}{unit}"
    return f"{_short(number)} {unit}".strip()


def _short(number: float) -> str:
    whole = len(str(int(abs(number))))
    return f"{number:,.{max(0, SIGNIFICANT - whole)}f}"


def table(figures: Sequence[Figure]) -> list[str]:
    """The figures as the lines of a Markdown table, which is readable as it is."""
    rows = [HEADS, *(figure.cells() for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADS))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    return [lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]]


def publish(measure: Callable[[bool], list[Figure]], purpose: str | None) -> None:
    """Run one benchmark as a program of its own: `--quick` for a look, `--json` for another program."""
    parser = argparse.ArgumentParser(description=purpose)
    parser.add_argument("--quick", action="store_true", help="little and fast: to see that it runs")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    options = parser.parse_args()
    figures = measure(options.quick)
    for line in map(json.dumps, map(asdict, figures)) if options.json else table(figures):
        print(line)


def median(values: Sequence[float]) -> float:
    """The middle one."""
    return statistics.median(values)


def percentile(values: Sequence[float], part: float) -> float:
    """The smallest value that at least this part of all is not above."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]
