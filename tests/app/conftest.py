"""What the tests of the running parts share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.logging_state import logging_restored

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    with logging_restored():
        yield
