"""Logging is the process's own: each test here leaves it as it found it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
import structlog

from marginwatch.ops.redact import REDACTOR

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    names = ["", *logging.Logger.manager.loggerDict]
    before = {name: (logging.getLogger(name).level, logging.getLogger(name).propagate) for name in names}
    handlers = list(root.handlers)
    yield
    for handler in set(root.handlers) - set(handlers):
        root.removeHandler(handler)
    for name, (level, propagate) in before.items():
        logging.getLogger(name).setLevel(level)
        logging.getLogger(name).propagate = propagate
    structlog.reset_defaults()
    REDACTOR.forget()
