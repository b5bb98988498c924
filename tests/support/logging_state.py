"""Logging is the process's own: a test that sets it up leaves it as it found it."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

import structlog

from marginwatch.ops.redact import REDACTOR

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def logging_restored() -> Iterator[None]:
    """Handlers, levels and known secrets are afterwards what they were before."""
    root = logging.getLogger()
    names = ["", *logging.Logger.manager.loggerDict]
    before = {name: (logging.getLogger(name).level, logging.getLogger(name).propagate) for name in names}
    handlers = list(root.handlers)
    try:
        yield
    finally:
        for handler in set(root.handlers) - set(handlers):
            root.removeHandler(handler)
        for name, (level, propagate) in before.items():
            logging.getLogger(name).setLevel(level)
            logging.getLogger(name).propagate = propagate
        structlog.reset_defaults()
        REDACTOR.forget()
