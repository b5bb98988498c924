"""The heartbeat reaches a real switch, and only while all is well."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from marginwatch.app.heartbeat import AGAIN, EVERY, Heartbeat
from support.manual_clock import ManualClock
from support.sinks import HttpSink, Reply, refusing_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from marginwatch.app.vitals import Vitals


class Moody:
    """Stands for the vitals: well unless `why` says otherwise."""

    why = ""

    def worry(self, _now: datetime) -> str:
        """As told."""
        return self.why


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> ManualClock:
    """Time that is pushed by hand."""
    manual = ManualClock()
    manual.rule(monkeypatch)
    return manual


@pytest.fixture
def switch() -> Iterator[HttpSink]:
    """The dead man's switch."""
    with HttpSink() as running:
        yield running


def heartbeat(url: str, mood: Moody) -> Heartbeat:
    """One that is due."""
    vitals: Vitals = mood  # type: ignore[assignment]  # all that is asked of the vitals is their worry
    return Heartbeat(url, vitals)


async def test_it_beats_once_a_minute(clock: ManualClock, switch: HttpSink) -> None:
    """At once, and then not before a minute has passed, however often it is looked after."""
    beat = heartbeat(f"http://{switch.address}/ping/1", Moody())
    for _ in range(3):
        await beat.step()
    assert [post.path for post in switch.posts] == ["/ping/1"]

    clock.push(EVERY)
    await beat.step()
    assert len(switch.posts) == 2


async def test_it_is_silent_while_something_is_wrong(clock: ManualClock, switch: HttpSink) -> None:
    """The log says so once, and once when it goes on."""
    mood = Moody()
    beat = heartbeat(f"http://{switch.address}/", mood)
    with capture_logs() as logs:
        mood.why = "venue futures: latest cycle ended 90 s ago"
        for _ in range(3):
            await beat.step()
            clock.push(EVERY)
        assert switch.posts == []
        mood.why = ""
        await beat.step()

    assert len(switch.posts) == 1
    assert [(entry["log_level"], entry["event"], entry.get("why")) for entry in logs] == [
        ("warning", "no heartbeat", "venue futures: latest cycle ended 90 s ago"),
        ("info", "the heartbeat goes on", None),
    ]


@pytest.mark.parametrize("status", [302, 404, 500])
async def test_a_switch_that_refuses_is_asked_again_soon(clock: ManualClock, switch: HttpSink, status: int) -> None:
    """A beat that was not taken, or sent elsewhere, is repeated before its minute is over."""
    switch.script(Reply(status, headers={"Location": f"http://{switch.address}/elsewhere"}))
    beat = heartbeat(f"http://{switch.address}/", Moody())
    with capture_logs() as logs:
        await beat.step()
        await beat.step()
        assert len(switch.posts) == 1
        clock.push(AGAIN)
        await beat.step()

    assert len(switch.posts) == 2
    assert [(entry["event"], entry["status"]) for entry in logs] == [("the heartbeat was refused", status)]


@pytest.mark.usefixtures("clock")
async def test_a_switch_that_cannot_be_reached() -> None:
    """A warning without the address, which is a secret, and nothing worse."""
    with refusing_port() as port, capture_logs() as logs:
        await heartbeat(f"http://127.0.0.1:{port}/s3cr3t-path", Moody()).step()

    assert [entry["event"] for entry in logs] == ["the heartbeat did not get through"]
    assert "s3cr3t" not in str(logs)
