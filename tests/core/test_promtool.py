"""Where Prometheus can say the same it says the same, at every step: its own `promtool test rules` is the judge."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marginwatch.app.replay import Replay
from marginwatch.core.model import Severity
from marginwatch.core.rule import Level
from support.desk import ONE, after, answer, cycle_end, fields, ruling, seen, usage_rule

PROMTOOL = shutil.which("promtool")
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Series:
    """A rule that both can express, and what its field is at each minute, in percent."""

    operator: str
    limit: int
    hold: int
    """`for`, in minutes."""
    clear: int
    """`clear_for` here, `keep_firing_for` there."""
    values: tuple[int, ...]


SERIES = st.builds(
    Series,
    operator=st.sampled_from([">", ">=", "<", "<="]),
    limit=st.integers(78, 82),
    hold=st.sampled_from([0, 0, 1, 2, 3, 5]),
    clear=st.sampled_from([0, 0, 1, 2, 3, 5]),
    values=st.lists(st.sampled_from([70, 78, 79, 80, 81, 82, 90]), min_size=25, max_size=25).map(tuple),
)


def states(series: Series) -> list[str | None]:
    """What the alert is after each answer: `pending`, `firing`, or nothing."""
    level = Level(Severity.WARNING, series.operator, Decimal(series.limit) / 100, Decimal(series.limit) / 100)
    rule = usage_rule(levels=(level,), hold=series.hold * MINUTE, clear_for=series.clear * MINUTE)
    replay = Replay(ruling(rule))
    replay.start(after(0))
    found: list[str | None] = []
    for minute, value in enumerate(series.values):
        at = 60 * minute
        for _ in replay.elapse(after(at)):
            pass
        news = (answer(seen(at, fields(str(Decimal(value) / 100))), listing=[ONE]), cycle_end(at))
        replay.feed(news, after(at))
        open_alerts = [alert.status.value for alert in replay.memory.alerts() if alert.key.rule == "usage"]
        found.append(open_alerts[0] if open_alerts else None)
    return found


def rules_of(many: list[Series]) -> dict[str, object]:
    """The same rules in Prometheus' words."""
    rules = [
        {
            "alert": f"r{number}",
            "expr": f"usage_{number} {series.operator} {series.limit}",
            "for": f"{series.hold}m",
            "keep_firing_for": f"{series.clear}m",
        }
        for number, series in enumerate(many)
    ]
    return {"groups": [{"name": "all", "interval": "1m", "rules": rules}]}


def checks_of(many: list[Series]) -> dict[str, object]:
    """A test that passes when Prometheus' alerts are what ours are, minute by minute."""
    ours = [states(series) for series in many]
    looks = [
        {
            "expr": "ALERTS",
            "eval_time": f"{minute}m",
            "exp_samples": [
                {"labels": f'ALERTS{{alertname="r{number}", alertstate="{found[minute]}"}}', "value": 1}
                for number, found in enumerate(ours)
                if found[minute]
            ],
        }
        for minute in range(len(ours[0]))
    ]
    values = [
        {"series": f"usage_{number}", "values": " ".join(map(str, series.values))} for number, series in enumerate(many)
    ]
    test = {"interval": "1m", "input_series": values, "promql_expr_test": looks}
    return {"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": [test]}


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (Debian: apt install prometheus)")
@settings(max_examples=15)  # each starts a process, which checks up to thirty series
@given(many=st.lists(SERIES, min_size=1, max_size=30))
def test_states_are_those_of_prometheus(many: list[Series]) -> None:
    """Any series, with any `for` and any time to clear: the same alert pends, fires and ends at the same minutes."""
    assert PROMTOOL is not None
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "rules.yml").write_text(json.dumps(rules_of(many)))
        (Path(folder) / "tests.yml").write_text(json.dumps(checks_of(many)))
        done = subprocess.run(
            [PROMTOOL, "test", "rules", "tests.yml"], cwd=folder, capture_output=True, text=True, check=False
        )
    assert done.returncode == 0, done.stdout + done.stderr
