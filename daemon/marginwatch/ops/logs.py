"""Logging: one line an event, for a person on a terminal, as JSON otherwise, never with a secret in it."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
import threading
import traceback
from typing import TYPE_CHECKING, TextIO

import structlog

from marginwatch import clock
from marginwatch.ops.redact import REDACTOR

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from structlog.typing import EventDict, Processor, WrappedLogger

LEVELS = ("debug", "info", "warning", "error")
"""What `[log] level` and `--log-level` accept, most talkative first."""

LONGEST_LINE = 40_000
"""Bytes. journald splits a line of more than 48 KiB and the rest loses its priority."""

_QUIET = ("httpx", "httpcore", "grpc", "apscheduler", "uvicorn", "alembic", "sqlalchemy", "asyncio", "tzlocal")
"""Libraries that log each request or statement, with URLs and values in it: heard from a warning on, at any level."""

_MUTE = ("apprise", "requests", "urllib3")
"""Libraries whose lines repeat tokens and answers of receivers: never heard; a receiver reports for itself."""

_SYSLOG = {"DEBUG": 7, "INFO": 6, "WARNING": 4, "ERROR": 3, "CRITICAL": 2}
"""Priorities of the journal, by the standard library's level names."""


def configure_logging(level: str = "info", *, stream: TextIO | None = None, as_json: bool | None = None) -> None:
    """Send every log line of the process, libraries' included, to `stream` (standard error by default).

    Args:
        level: One of `LEVELS`.
        stream: Where lines go.
        as_json: True for JSON lines, False for a person; by default JSON unless `stream` is a terminal.
    """
    out = sys.stderr if stream is None else stream
    if as_json is None:
        as_json = not out.isatty()
    handler = _LineHandler(out)
    journal = as_json and _is_journal(out, os.environ)
    handler.setFormatter(_LineFormatter(as_json=as_json, colours=out.isatty(), journal=journal))
    root = logging.getLogger()
    for old in list(root.handlers):
        if isinstance(old, _LineHandler):
            root.removeHandler(old)
    root.addHandler(handler)
    set_level(level)
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def set_level(level: str) -> None:
    """Log that much from now on: one of `LEVELS`."""
    root = logging.getLogger()
    root.setLevel(level.upper())
    _tame_libraries(root.level)


def log_surprise(log: structlog.stdlib.BoundLogger, what: str, error: Exception, **about: object) -> None:
    """Log an error that nobody foresaw: its kind and where it came from, for its text may hold a secret."""
    where = "".join(traceback.format_tb(error.__traceback__))
    log.error(what, **about, error=type(error).__name__, where=where)


@contextlib.contextmanager
def uncaught_logged() -> Iterator[None]:
    """Within, what nobody caught in any thread is logged instead of printed as a traceback, and so are warnings."""
    log = structlog.get_logger("marginwatch")

    def in_thread(args: threading.ExceptHookArgs) -> None:
        name = args.thread.name if args.thread else "?"
        log.critical("a thread ended by an error nobody caught", thread=name, exc_info=args.exc_value)

    def unraisable(args: sys.UnraisableHookArgs) -> None:
        log.error("an error where none can be raised", where=repr(args.object), exc_info=args.exc_value)

    before = threading.excepthook, sys.unraisablehook
    threading.excepthook, sys.unraisablehook = in_thread, unraisable
    logging.captureWarnings(capture=True)
    try:
        yield
    finally:
        logging.captureWarnings(capture=False)
        threading.excepthook, sys.unraisablehook = before


class _LineHandler(logging.StreamHandler[TextIO]):
    """Writes lines; a line that cannot be written is lost, as printing why would print its arguments."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  (the name is the standard library's)
        with contextlib.suppress(OSError, ValueError):
            self.stream.write(f"a log line of {record.name} at {record.pathname}:{record.lineno} could not be made\n")


class _LineFormatter(structlog.stdlib.ProcessorFormatter):
    """Makes the finished line: masked once more as a whole, capped, and with journald's priority in front."""

    def __init__(self, *, as_json: bool, colours: bool, journal: bool) -> None:
        render = _as_json if as_json else _for_a_person(colours=colours)
        strip = structlog.stdlib.ProcessorFormatter.remove_processors_meta
        super().__init__(
            foreign_pre_chain=_SHARED, processors=[strip, structlog.processors.format_exc_info, _redact, render]
        )
        self._journal = journal

    def format(self, record: logging.LogRecord) -> str:
        """One record as text."""
        line = _cap(REDACTOR.known(super().format(record)))
        return f"<{_SYSLOG.get(record.levelname, 6)}>{line}" if self._journal else line


def _for_a_person(*, colours: bool) -> Processor:
    return structlog.dev.ConsoleRenderer(
        colors=colours, pad_event_to=40, sort_keys=False, exception_formatter=structlog.dev.plain_traceback
    )


def _stamp(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    event["timestamp"] = clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return event


def _redact(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    return REDACTOR.mapping(event)


_SHARED: tuple[Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.StackInfoRenderer(),
    _stamp,
)
_JSON = json.JSONEncoder(default=str, ensure_ascii=False)
_LONGEST_CHARACTER = 4
"""Bytes of one in UTF-8."""
_FIRST = ("timestamp", "level", "logger", "event")


def _as_json(_: WrappedLogger, __: str, event: EventDict) -> str:
    ordered = {key: event[key] for key in _FIRST if key in event} | dict(event)
    line = _JSON.encode(ordered)
    if len(line) <= LONGEST_LINE // _LONGEST_CHARACTER:
        return line
    size = len(line.encode(errors="replace"))
    if size <= LONGEST_LINE:
        return line
    short = {key: str(event[key])[:4_000] for key in _FIRST if key in event}
    texts = {key: str(value)[-4_000:] for key, value in event.items() if key == "exception"}
    return json.dumps({**short, **texts, "cut": f"the whole line has {size} bytes"}, ensure_ascii=False)


def _cap(line: str) -> str:
    if len(line) <= LONGEST_LINE // _LONGEST_CHARACTER or len(line.encode(errors="replace")) <= LONGEST_LINE:
        return line
    return line.encode(errors="replace")[:LONGEST_LINE].decode(errors="ignore") + " … (cut)"


def _tame_libraries(level: int) -> None:
    # gRPC's core writes lines of its own to standard error, past every handler; what fails there is told as a failure.
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    for name in _MUTE:
        logger = logging.getLogger(name)
        logger.propagate = False
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())


def _is_journal(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """True when `stream` is the one systemd connected to the journal: `$JOURNAL_STREAM` names its device and inode."""
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return environ.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"
