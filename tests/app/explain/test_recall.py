"""What is decided again of the past is what was decided when it happened."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marginwatch.app.explain.explain import Question, explain
from marginwatch.app.reading import open_reading
from support import storied
from support.storied import FUTURES, FX, at, numbers

if TYPE_CHECKING:
    from pathlib import Path

    from marginwatch.app.reading import Reading
    from marginwatch.core.alert import Alert
    from support.storied import Story

RULES = ("margin-usage", "slide")


@dataclass(frozen=True)
class Turn:
    """Something that happens after a pause."""

    pause: int
    usage: str | None
    equity: str
    does: str


TURNS = st.lists(
    st.builds(
        Turn,
        pause=st.sampled_from([1, 10, 10, 10, 30, 90, 700]),
        usage=st.sampled_from(["0.5", "0.78", "0.81", "0.85", "0.92", "0.95", None]),
        equity=st.sampled_from(["100000", "97000", "90000"]),
        does=st.sampled_from(["see", "see", "see", "see", "lose", "time", "restart", "acknowledge", "other"]),
    ),
    min_size=1,
    max_size=14,
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a config and an empty store; to copy."""
    folder = tmp_path_factory.mktemp("made")
    with storied.told(folder):
        pass
    return folder


@given(TURNS)
@settings(max_examples=12)  # a database each
def test_every_moment_is_decided_again_as_it_was(made: Path, turns: list[Turn]) -> None:
    """After any turn, and just before the next, the alert stands as it stood, with its clocks and its id."""
    folder = made.with_name("again")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(made, folder)
    stood: list[tuple[float, dict[str, Alert]]] = []
    with storied.told(folder) as story:
        story.see(0, numbers("0.5"))
        second = 0
        for turn in turns:
            second += turn.pause
            happen(story, turn, second)
            standing = {alert.key.rule: alert for alert in story.ticker.memory.open.get(FUTURES, {}).values()}
            stood.append((second, standing))
        reading = open_reading(folder / "config.toml", {})
        for moment, alerts in stood:
            for rule in RULES:
                found = explain(reading, Question(rule, "futures/A-1", at(10**5), at(moment + 0.5)))
                assert found.agrees
                assert bare(found.standing.alert) == bare(alerts.get(rule))
        reading.store.close()


def bare(alert: Alert | None) -> Alert | None:
    """Without what depends on who was told, and on when reminders were found to be due."""
    return None if alert is None else replace(alert, told={}, told_at=None, told_value=None, revision="")


def happen(story: Story, turn: Turn, second: int) -> None:
    """One turn."""
    if turn.does == "see":
        story.see(second, numbers(turn.usage or "0", turn.equity) | ({} if turn.usage else {"margin_usage": None}))
    elif turn.does == "lose":
        story.lose(second)
    elif turn.does == "time":
        story.time(second)
    elif turn.does == "other":
        story.see(second, numbers("0.95"), account=FX)
    elif turn.does == "restart":
        story.restart(second)
    else:
        for alert in story.store.history.alerts(account=FUTURES):
            story.store.operators.acknowledge(alert.alert_id, by="ann", note="", now=at(second))
        story.time(second)


@pytest.fixture
def reading(tmp_path: Path) -> Reading:
    """What a command would read, of `storied.tell`."""
    with storied.told(tmp_path) as story:
        storied.tell(story)
    return open_reading(tmp_path / "config.toml", {})


def test_long_after_the_last_answer(reading: Reading) -> None:
    """However long nothing came, the last answer before the moment is found, and said to be old."""
    found = explain(reading, Question("margin-usage", "A-1", at(10**5), at(9 * 10**4)))
    assert found.look is not None

    assert found.look.observation.fetched_at == at(390)
    assert found.look.lost.startswith("no good answer since then, the latest at 2026-03-02 12:06:50 UTC")
    assert found.agrees
    reading.store.close()


def test_what_began_days_before_is_not_decided_again(reading: Reading) -> None:
    """Its state is then as it was recorded, and a note says so."""
    found = explain(reading, Question("margin-usage", "A-1", at(10**6), at(2 * 10**5)))
    assert found.recorded is not None

    assert (found.agrees, found.standing.alert, found.recorded.after.value) == (None, None, "firing")
    assert found.notes == ("its alert began more than 2 d before, so its state is as recorded and not decided again",)
    reading.store.close()


def test_what_was_acknowledged_then(reading: Reading) -> None:
    """An acknowledgement counts from when it was given, until it is over or things get worse."""
    alert = reading.store.history.alerts(rule="margin-usage")[0].alert_id
    reading.store.operators.acknowledge(alert, by="eve", note="", now=at(210), until=at(230))
    reading.store.operators.acknowledge(alert, by="joe", note="", now=at(250), until=None)

    def by(seconds: float) -> str | None:
        found = explain(reading, Question("margin-usage", "A-1", at(415), at(seconds)))
        return None if found.acknowledgement is None else found.acknowledgement.by

    assert [by(seconds) for seconds in (205, 220, 240, 255, 265, 310)] == [None, "eve", None, "joe", None, "bob"]
    reading.store.close()


def test_rules_of_a_longer_memory_are_decided_from_farther_back(reading: Reading) -> None:
    """A rule that is slower today than it was had not fired, and would have been pending since the beginning."""
    rules = reading.loaded.rules
    slow = tuple(replace(rule, hold=timedelta(minutes=4)) for rule in rules)
    reading.__dict__["loaded"] = replace(reading.loaded, rules=slow)
    found = explain(reading, Question("margin-usage", "A-1", at(415), at(200)))
    alert = found.standing.alert
    assert alert is not None

    assert (alert.status.value, alert.active_at, found.agrees) == ("pending", at(58), False)
    assert found.recorded is not None
    assert found.recorded.after.value == "firing"
    assert alert.value == Decimal("0.93")
    reading.store.close()
