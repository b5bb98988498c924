"""What Prometheus gets of a real daemon, and that the shipped alert rules and dashboard ask for just that."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families as parse
from ruamel.yaml import YAML

from support.house import RULES
from support.process import started
from support.sinks import HttpSink
from support.sites import Sites, receiver, write_config

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.acceptance

DOCS: Final = Path(__file__).parents[2] / "docs"
RULES_FILE: Final = DOCS / "examples/prometheus-alerts.yaml"
DASHBOARD: Final = DOCS / "examples/grafana-dashboard.json"
NAME: Final = re.compile(r"\bmarginwatch_\w+")
promtool = pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed (Debian: prometheus)")


def family(name: str) -> str:
    """The name without what Prometheus hangs on it."""
    return re.sub(r"_(total|bucket|count|sum|created)$", "", name)


def samples(page: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """By name and labels."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for each in parse(page)
        for sample in each.samples
    }


async def scraped(folder: Path, token: str = "") -> tuple[str, httpx.Response]:
    """The metrics of a daemon that watches three venues and has told of a breach; and an answer without the token."""
    async with Sites(accounts=("acc-1",)) as sites:
        with HttpSink() as sink:
            hook = receiver("hook", sink.url())
            config = write_config(folder, sites.tables(), hook, rules=RULES, listen="127.0.0.1:0")
            if token:
                config.write_text(config.read_text().replace("[web]\n", f'[web]\ntoken = "{token}"\n'))
            sites.world.change("helio", "acc-1", margin_used=Decimal(95_000))
            async with started("run", "--config", config) as process:
                address = (await process.logged("listening"))["address"]
                await sink.arrived(1)
                await process.logged("delivered")
                headers = {"Authorization": f"Bearer {token}"} if token else {}
                async with httpx.AsyncClient(trust_env=False, base_url=f"http://{address}") as client:
                    bare = await client.get("/metrics")
                    answer = await client.get("/metrics", headers=headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return answer.text, bare


async def test_it_says_how_the_watching_goes(tmp_path: Path) -> None:
    """Every number of the guide is there, the guide has all of them, and no account is named."""
    page, bare = await scraped(tmp_path)
    found = samples(page)
    venues = {labels[0][1] for name, labels in found if name == "marginwatch_poll_age_seconds"}
    named = {family(name) for name in NAME.findall((DOCS / "monitoring.md").read_text())}
    shown = {family(name) for name, _ in found if name.startswith("marginwatch_")}

    assert bare.status_code == 200
    assert len(venues) == 3
    assert found["marginwatch_open_alerts", (("severity", "critical"), ("status", "firing"))] >= 1
    assert found["marginwatch_delivery_attempts_total", (("outcome", "delivered"), ("receiver", "hook"))] >= 1
    assert found["marginwatch_transitions_total", ()] >= 1
    assert found["marginwatch_evaluation_seconds_count", ()] >= found["marginwatch_messages_total", ()] >= 1
    assert all(found["marginwatch_cycle_seconds_count", (("venue", venue),)] >= 1 for venue in venues)
    assert shown == named
    assert "acc-1" not in page


async def test_with_a_token_it_asks_for_it(tmp_path: Path) -> None:
    """Names of venues and receivers are nobody else's business where others can reach the port."""
    token = "not-a-real-token-of-anybody"
    page, bare = await scraped(tmp_path, token)

    assert bare.status_code == 401
    assert "Bearer" in bare.text
    assert token not in page + bare.text


def expressions() -> Iterator[str]:
    """Every expression of the alert rules and of the dashboard."""
    rules: dict[str, Any] = YAML(typ="safe", pure=True).load(RULES_FILE.read_text())
    yield from (rule["expr"] for group in rules["groups"] for rule in group["rules"])
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        yield from (target["expr"] for target in panel["targets"])


def test_the_examples_ask_for_what_there_is() -> None:
    """A renamed metric would leave an alert that never fires."""
    known = {family(name) for name in NAME.findall((DOCS / "monitoring.md").read_text())}

    assert {family(name) for expression in expressions() for name in NAME.findall(expression)} <= known


@promtool
def test_prometheus_takes_the_examples(tmp_path: Path) -> None:
    """Prometheus' own tool finds no fault in the rules, nor in what the dashboard asks."""
    groups = [
        {"name": "dashboard", "rules": [{"record": f"a{n}", "expr": each} for n, each in enumerate(expressions())]}
    ]
    asked = tmp_path / "dashboard.yaml"
    asked.write_text(json.dumps({"groups": groups}))
    for file in (RULES_FILE, asked):
        done = subprocess.run(["promtool", "check", "rules", file], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


@promtool
def test_prometheus_takes_the_config_of_the_guide(tmp_path: Path) -> None:
    """With a token of ours in the place of the one that it names."""
    (tmp_path / "token").write_text("a-token")
    (shown,) = re.findall(r"^```yaml\n(.*?)^```", (DOCS / "monitoring.md").read_text(), re.MULTILINE | re.DOTALL)
    file = tmp_path / "prometheus.yaml"
    file.write_text(re.sub(r"/etc/prometheus/[\w-]+", str(tmp_path / "token"), shown))
    done = subprocess.run(["promtool", "check", "config", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@promtool
async def test_prometheus_takes_the_metrics(tmp_path: Path) -> None:
    """Prometheus' own tool finds nothing to say of names, types and help."""
    page, _ = await scraped(tmp_path)
    ours = "\n".join(line for line in page.splitlines() if "process_" not in line) + "\n"
    assert said_of(ours) == (0, "")


def said_of(page: str) -> tuple[int, str]:
    """What promtool says of metrics."""
    done = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr
