"""How fast the past is played: a year of one account, an observation a minute, through 25 rules.

The year is made in the same run, as the CSV file that `marginwatch backtest --file` reads: a quiet account with a spell
of trouble each month. Played through rules of the present alone, timed as what deciding takes; and, with reading the
file and reporting, through rules some of which look back over windows of time. Beside the first, the least that Python
can do for the same observations: for every rule one comparison of two Decimals. On one thread, in seconds of processor
time; the memory is that of the whole process at its largest.
"""

from __future__ import annotations

import gc
import math
import resource
import tempfile
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from figures import Figure, publish
from fleet import ARCHITECT, LADDERS, Login, write_config
from marginwatch.app.backtest.filed import Filed
from marginwatch.app.backtest.play import Play
from marginwatch.app.backtest.request import Request
from marginwatch.app.backtest.run import backtest
from marginwatch.app.backtest.setting import Data, read_setting

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from marginwatch.core.model import Value

RULES = 25
WINDOWS = (
    ('drawdown(equity, "1d")', "> 50_000"),
    ('drawdown(equity, "session")', "> 50_000"),
    ('delta(equity, "1h")', "< -50_000"),
    ('max(margin_usage, "4h") - margin_usage', "> 70%"),
)
CONDITIONS = (
    "in_margin_call",
    "not trading_enabled",
    'currency != "USD"',
    "equity < 95_000 and margin_usage > 50% and unrealized_pnl < 0",
)
COLUMNS = (
    *("equity", "margin_used", "margin_usage", "margin_excess", "unrealized_pnl", "realized_pnl", "call_amount"),
    *("in_margin_call", "trading_enabled", "currency", "cash"),
)
YEAR = 525_600
START = datetime(2026, 1, 1, tzinfo=UTC)
WANTED = 1_000_000
MOST_SECONDS, MOST_MEBIBYTES = 30.0, 300.0


def measure(quick: bool) -> list[Figure]:  # noqa: FBT001  (the one option there is)
    """Rules by themselves, then the whole command."""
    number = YEAR // 100 if quick else YEAR
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = _data(folder / "year.csv", number)
        decided, bare = _decided(_config(folder / "simple", ()), data)
        spent = _whole(_config(folder / "windows", WINDOWS), data)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    scaled = spent * YEAR / number
    return [
        Figure("backtest: rule x observation", decided, "/s", least=WANTED, baseline=bare, baseline_name="comparisons"),
        Figure(f"backtest: account-year x {RULES} rules, {len(WINDOWS)} with windows", scaled, "s", most=MOST_SECONDS),
        Figure("backtest: memory at its largest", peak, "MiB", most=MOST_MEBIBYTES),
    ]


def _config(folder: Path, windows: Sequence[tuple[str, str]]) -> Path:
    """A config with 25 rules, these windows among them."""
    folder.mkdir()
    config = write_config(folder, [Login(ARCHITECT, [])], rules=0, receivers=["json://127.0.0.1:9"])
    conditions = [f"when = '{text}'\nseverity = 'critical'" for text in CONDITIONS]
    ladders = [f"value = '{value}'\nlevels = {{ warning = '{level}' }}" for value, level in windows]
    for place in range(RULES - len(conditions) - len(ladders)):
        value, operator, warning, critical, sign = LADDERS[place % len(LADDERS)]
        levels = f"{{ warning = '{operator} {warning}{sign}', critical = '{operator} {critical}{sign}' }}"
        ladders.append(f"value = '{value}'\nlevels = {levels}\nfor = '{place}m'")
    rules = (f"[[rule]]\nid = 'rule-{place}'\n{text}\n" for place, text in enumerate([*conditions, *ladders]))
    (folder / "rules.toml").write_text("\n".join(rules))
    return config


def _data(file: Path, number: int) -> Path:
    """So many minutes of an account; on the first day of each month its margin usage is high for two hours."""
    with file.open("w") as out:
        print("time", "account", *COLUMNS, sep=",", file=out)
        for minute in range(number):
            at = START + timedelta(minutes=minute)
            equity = 100_000 + 400 * math.sin(minute / 500) + minute % 97
            used = 62_500 if at.day == 1 and at.hour in {14, 15} else 31_250
            row = (
                *(f"{equity:.2f}", used, f"{used / equity:.6f}", f"{equity - used:.2f}", minute % 211, 0, 0),
                *("false", "true", "USD", 50_000),
            )
            print(at.isoformat(), "A-1", *row, sep=",", file=out)
    return file


def _decided(config: Path, data: Path) -> tuple[float, float]:
    """Rules by observations a second, those of the engine and bare comparisons."""
    request = Request(files=(data,))
    setting = read_setting(request, config, {})
    filed = Filed(request.files, setting.catalogues)
    play = Play(setting.ruling(setting.rules.rules, request, Data({}, filed.columns)), None)
    applied = len(next(iter(play.ruling.venues.values())).rules.applied)
    limits = [Decimal(number) for number in range(applied)]
    turns = iter(filed)
    spent = bare = 0.0
    number = 0
    while some := list(islice(turns, 512)):
        began = time.process_time()
        for _ in play.take(some):
            pass
        decided = time.process_time()
        for turn in some:
            for observation in turn.observations():
                _compare(observation.fields, limits)
        spent, bare, number = spent + decided - began, bare + time.process_time() - decided, number + len(some)
    return number * applied / spent, number * applied / bare


def _compare(fields: Mapping[str, Value], limits: Sequence[Decimal]) -> None:
    for limit in limits:
        assert fields["equity"] > limit  # type: ignore[operator]  # equity is money


def _whole(config: Path, data: Path) -> float:
    """Seconds of the whole command."""
    gc.collect()
    began = time.process_time()
    report = backtest(Request(files=(data,)), config, {})
    assert report.sight.observations
    return time.process_time() - began


if __name__ == "__main__":
    publish(measure, __doc__)
