"""What the tests of the page share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from marginwatch.ops.redact import REDACTOR
from support.pages import Opened, opened

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def _forget_secrets() -> Iterator[None]:
    yield
    REDACTOR.forget()


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[Opened]:
    """A page whose token was given."""
    async with opened(tmp_path) as found:
        yield found
