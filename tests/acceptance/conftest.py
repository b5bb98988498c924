"""What the acceptance tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pytest

from marginwatch.venues.http import session
from support.house import House, opened
from support.manual_clock import ManualClock

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path


class Open(Protocol):
    """Opens a house; see `support.house.opened`."""

    def __call__(
        self, *kinds: str, rules: str = ..., receivers: str = ..., **venue: object
    ) -> AbstractAsyncContextManager[House]:
        """A house in a folder of its own."""
        ...


@pytest.fixture
def manual(monkeypatch: pytest.MonkeyPatch) -> ManualClock:
    """The program's clock, in the test's hand."""
    clock = ManualClock()
    clock.rule(monkeypatch)
    return clock


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries within a cycle come at once."""
    monkeypatch.setattr(session, "_FIRST_PAUSE", 0.0)
    monkeypatch.setattr(session, "_PAUSE_UNASKED", 0.0)


@pytest.fixture
def open_house(tmp_path: Path, manual: ManualClock) -> Open:
    """Opens a house whose time the test moves."""

    def open_one(*kinds: str, **options: object) -> AbstractAsyncContextManager[House]:
        return opened(tmp_path, manual, *kinds, **options)  # type: ignore[arg-type]  # the protocol above types them

    return open_one
