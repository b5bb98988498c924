"""Prometheus' alert states, as `promtool test rules` works them out, and ours, for the same rules and numbers."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

import pytest

from marginwatch.app.replay import Replay
from marginwatch.config.rulecheck import Scene
from marginwatch.config.rulefile import load_rules
from marginwatch.core.alert import Status
from marginwatch.core.engine import Answer
from marginwatch.core.model import Account, AccountKey, Normalised
from marginwatch.core.result import AlertKey
from support.catalogues import CATALOGUES
from support.desk import VENUE, after, failed, ruling, seen

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from marginwatch.core.ruling import Ruling

PROMTOOL: Final = shutil.which("promtool")
needs_promtool: Final = pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (Debian: prometheus)")

LEVELS: Final = ("info", "warning", "critical")
PENDING: Final = -1
"""A state is 0 when inactive, `PENDING`, or the number of levels firing."""

_GOT: Final = re.compile(r'\{account="([\w-]+)", alertname="\w+", step="(\d+)"\} ([-+.\dE]+)')

Shown: TypeAlias = "tuple[int | None, ...]"
"""What one account shows at each step; None: nothing could be seen of it."""


@dataclass(frozen=True)
class Terms:
    """A rule as both can say it. Durations are in seconds."""

    operator: str
    limits: tuple[int, ...]
    """Mildest first."""
    hold: int = 0
    clear_for: int = 0
    clear_by: int = 0

    @property
    def levels(self) -> Sequence[tuple[str, int]]:
        """Name and limit of each."""
        return list(zip(LEVELS[-len(self.limits) :], self.limits, strict=True))

    def toml(self, name: str) -> str:
        """Ours: one rule, with as many levels as limits, for accounts called after it."""
        levels = ", ".join(f'{level} = "{self.operator} {limit}"' for level, limit in self.levels)
        lines = [f'id = "{name}"', f'title = "{name}"', 'value = "equity"', f"levels = {{ {levels} }}"]
        lines += [f'accounts = ["{name}-*"]']
        lines += [f'for = "{self.hold}s"'] if self.hold else []
        lines += [f'clear_for = "{self.clear_for}s"'] if self.clear_for else []
        lines += [f"clear_by = {self.clear_by}"] if self.clear_by else []
        return "\n".join(["[[rule]]", *lines, ""])

    def prometheus(self, name: str) -> Iterator[Mapping[str, object]]:
        """Theirs: one alerting rule for each level. What is left later than entered asks whether it is firing."""
        for level, limit in self.levels:
            expression = f'equity{{rule="{name}"}} {self.operator} {limit}'
            if self.clear_by:
                clear = limit - self.clear_by if self.operator.startswith(">") else limit + self.clear_by
                kept = f'equity{{rule="{name}"}} {self.operator[0]} {clear}'
                firing = f'ALERTS{{alertname="{name}", level="{level}", alertstate="firing"}}'
                expression = f"{expression} or ({kept} and on (account) {firing})"
            yield {
                "alert": name,
                "expr": expression,
                "for": f"{self.hold}s",
                "keep_firing_for": f"{self.clear_for}s",
                "labels": {"level": level},
            }


@dataclass(frozen=True)
class Case:
    """A rule and the accounts it looks at."""

    terms: Terms
    accounts: tuple[Shown, ...]


@dataclass(frozen=True)
class Trial:
    """Cases of one length, looked at together."""

    cases: tuple[Case, ...]
    every: int = 60
    """Seconds between steps."""
    stale: bool = True
    """Whether Prometheus is told by a marker that there is no sample, as it is when a scrape fails."""

    @property
    def rules(self) -> Mapping[str, Terms]:
        """By name."""
        return {f"r{number}": case.terms for number, case in enumerate(self.cases)}

    @property
    def accounts(self) -> Mapping[str, Shown]:
        """By id, which begins with the name of the rule that looks at it."""
        return {
            f"r{number}-{account}": shown
            for number, case in enumerate(self.cases)
            for account, shown in enumerate(case.accounts)
        }

    @property
    def steps(self) -> range:
        """Their numbers."""
        return range(len(self.cases[0].accounts[0]))


States: TypeAlias = dict[str, list[int]]
"""By account, the state of its one alert at each step."""


def theirs(trial: Trial) -> States:
    """As Prometheus has it."""
    states = {account: [0 for _ in trial.steps] for account in trial.accounts}
    for account, step, state in _GOT.findall(_run(trial)):
        states[account][int(step)] = int(float(state))
    return states


def _run(trial: Trial) -> str:
    """What promtool has to say to somebody who expects no alert at any step: all the states that differ from that."""
    assert PROMTOOL is not None
    with tempfile.TemporaryDirectory(prefix="mw-promtool-") as name:
        rules, tests = Path(name, "rules.json"), Path(name, "tests.json")
        alerting = [rule for name, terms in trial.rules.items() for rule in terms.prometheus(name)]
        rules.write_text(json.dumps({"groups": [{"name": "all", "rules": alerting}]}))
        tests.write_text(json.dumps({"rule_files": [rules.name], **_scene(trial)}))
        done = subprocess.run([PROMTOOL, "test", "rules", tests], check=False, capture_output=True, text=True)
    said = done.stdout + done.stderr
    # A test that fails shows what it got; anything else that went wrong shows nothing to read.
    assert (done.returncode == 0) == (_GOT.search(said) is None), said
    return said


def _scene(trial: Trial) -> Mapping[str, object]:
    every = f"{trial.every}s"
    gap = "stale" if trial.stale else "_"
    inputs = [
        {
            "series": f'equity{{rule="{account.partition("-")[0]}", account="{account}"}}',
            "values": " ".join(gap if value is None else str(value) for value in shown),
        }
        for account, shown in trial.accounts.items()
    ]
    asked = [{"expr": _states_at(step), "eval_time": f"{step * trial.every}s"} for step in trial.steps]
    test = {"interval": every, "input_series": inputs, "promql_expr_test": asked}
    return {"evaluation_interval": every, "tests": [test]}


def _states_at(step: int) -> str:
    """How many levels of each alert fire, or `PENDING`; labelled so that the answer says which step it is of."""
    firing = 'count by (alertname, account) (ALERTS{alertstate="firing"})'
    pending = 'group by (alertname, account) (ALERTS{alertstate="pending"})'
    return f'label_replace({firing} or {PENDING} * {pending}, "step", "{step}", "", "")'


def ours(trial: Trial, stale_after: int | None = None) -> States:
    """As our engine has it; `stale_after` in seconds, long enough for every step when left out."""
    replay = Replay(_ruling(trial, stale_after or trial.every))
    replay.start(after(0))
    shown = {AccountKey(VENUE, account): values for account, values in trial.accounts.items()}
    listing = tuple(Account(key, key.id) for key in shown)
    states: States = {key.id: [] for key in shown}
    for step in trial.steps:
        seconds = step * trial.every
        for _ in replay.elapse(after(seconds)):
            pass
        now = {key: values[step] for key, values in shown.items()}
        answers = (seen(seconds, {"equity": Decimal(value)}, key) for key, value in now.items() if value is not None)
        blind = (failed(seconds, key) for key, value in now.items() if value is None)
        replay.feed((Answer(VENUE, Normalised(listing, tuple(answers))), *blind), after(seconds))
        for key in shown:
            states[key.id].append(_state(replay, key))
    return states


def _ruling(trial: Trial, stale_after: int) -> Ruling:
    with tempfile.TemporaryDirectory(prefix="mw-promtool-") as name:
        file = Path(name, "rules.toml")
        file.write_text("\n".join(terms.toml(name) for name, terms in trial.rules.items()))
        loaded = load_rules([str(file)], Scene(CATALOGUES, {VENUE: "futures"}, lambda _rule, _kind: None))
    assert loaded.problems == ()
    decides = ruling(*loaded.rules, receivers=())
    watch = replace(decides.venues[VENUE], stale_after=timedelta(seconds=stale_after))
    return replace(decides, venues={VENUE: watch})


def _state(replay: Replay, account: AccountKey) -> int:
    rule = account.id.partition("-")[0]
    alert = replay.memory.open.get(account, {}).get(AlertKey(rule, account))
    if alert is None:
        return 0
    return alert.level + 1 if alert.status is Status.FIRING else PENDING


def differences(trial: Trial) -> Sequence[str]:
    """Every account on which the two do not agree, in words."""
    expected, got = theirs(trial), ours(trial)
    return [
        f"{trial.rules[account.partition('-')[0]]} on {shown}: Prometheus {expected[account]}, here {got[account]}"
        for account, shown in trial.accounts.items()
        if expected[account] != got[account]
    ]
