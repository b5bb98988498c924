"""The log says what happened, to a person or a machine, and never says a secret."""

from __future__ import annotations

import contextlib
import gc
import io
import json
import logging
import os
import pty
import socket
import threading
import urllib.request
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import structlog
from pydantic import BaseModel, SecretStr

from marginwatch.ops.logs import LONGEST_LINE, configure_logging, log_surprise, uncaught_logged
from marginwatch.ops.redact import REDACTOR

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECRET = "pl4nted-Secret-7731"


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_json_where_no_person_watches() -> None:
    """Time, level, logger and event come first, then what belongs to the event, as written."""
    out = io.StringIO()
    configure_logging(stream=out)

    structlog.get_logger("marginwatch.tick").info("committed", accounts=3, venue="füx", slow=None)

    (line,) = lines(out)
    assert list(line) == ["timestamp", "level", "logger", "event", "accounts", "venue", "slow"]
    assert line["timestamp"].endswith("Z")
    assert (line["level"], line["logger"], line["event"]) == ("info", "marginwatch.tick", "committed")
    assert (line["accounts"], line["venue"], line["slow"]) == (3, "füx", None)


def test_a_line_is_readable_on_a_terminal() -> None:
    """On a terminal the same event is one coloured line of words."""
    leader, follower = pty.openpty()
    with os.fdopen(follower, "w") as terminal:
        configure_logging(stream=terminal)
        structlog.get_logger("marginwatch.tick").info("committed", accounts=3)
        terminal.flush()
        shown = os.read(leader, 4096).decode()
    os.close(leader)
    assert "committed" in shown
    assert "accounts" in shown
    assert "\x1b[" in shown


def test_the_level_is_a_floor() -> None:
    """Quieter events than the level are not written, from our loggers and from the standard library's alike."""
    out = io.StringIO()
    configure_logging("warning", stream=out)
    structlog.get_logger("marginwatch").info("quiet")
    logging.getLogger("elsewhere").info("quiet")
    structlog.get_logger("marginwatch").warning("loud")
    logging.getLogger("elsewhere").error("%s", "loud")
    assert [line["event"] for line in lines(out)] == ["loud", "loud"]


def test_configuring_twice_does_not_write_twice() -> None:
    """The second call takes the place of the first."""
    first, second = io.StringIO(), io.StringIO()
    configure_logging(stream=first)
    configure_logging(stream=second)
    structlog.get_logger("marginwatch").info("once")
    assert first.getvalue() == ""
    assert len(lines(second)) == 1


def test_the_journal_gets_its_priority_in_front(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where systemd's journal is the reader, each line begins with its syslog priority."""
    path = tmp_path / "journal"
    with path.open("w") as stream:
        found = os.fstat(stream.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{found.st_dev}:{found.st_ino}")
        configure_logging("debug", stream=stream)
        log = structlog.get_logger("marginwatch")
        for level in ("debug", "info", "warning", "error", "critical"):
            log.log(getattr(logging, level.upper()), "said")
    written = path.read_text().splitlines()
    assert [line[:3] for line in written] == ["<7>", "<6>", "<4>", "<3>", "<2>"]
    assert all(json.loads(line[3:])["event"] == "said" for line in written)


def test_another_stream_than_the_journal_gets_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable alone is not enough: output sent to a file stays plain JSON."""
    monkeypatch.setenv("JOURNAL_STREAM", "1:1")
    with (tmp_path / "log").open("w") as stream:
        configure_logging(stream=stream)
        structlog.get_logger("marginwatch").info("said")
    assert (tmp_path / "log").read_text().startswith("{")


@pytest.mark.parametrize("as_json", [True, False])
def test_a_line_is_never_longer_than_the_journal_takes(*, as_json: bool) -> None:
    """A huge body is cut, with the line still whole JSON and the end of the traceback kept."""
    out = io.StringIO()
    configure_logging(stream=out, as_json=as_json)
    log = structlog.get_logger("marginwatch")
    log.info("answer", body="ü" * 90_000)
    log.error("failed", exc_info=ValueError("x" * 90_000))

    for line in out.getvalue().splitlines():
        assert len(line.encode()) <= LONGEST_LINE + 20
    if as_json:
        answer, failed = lines(out)
        assert answer["cut"].startswith("the whole line has 180")
        assert failed["exception"].endswith("xxx")


def test_a_line_that_cannot_be_made_does_not_print_its_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong format string loses the line, not the secret among its arguments."""
    out = io.StringIO()
    configure_logging(stream=out)
    record = logging.makeLogRecord({"name": "library", "msg": "%d accounts %s", "args": (SECRET,)})
    logging.getLogger().handlers[-1].handle(record)
    assert "a log line of library" in out.getvalue()
    assert SECRET not in out.getvalue() + "".join(capsys.readouterr())


def test_a_closed_stream_ends_nothing() -> None:
    """Logging to a stream that went away raises nothing."""
    out = io.StringIO()
    configure_logging(stream=out)
    out.close()
    structlog.get_logger("marginwatch").info("nobody hears")


def test_what_nobody_foresaw_is_logged_by_where_it_came_from() -> None:
    """Never by its text, which may hold what a venue or a receiver said."""
    out = io.StringIO()
    configure_logging(stream=out)
    try:
        int(SECRET)
    except ValueError as error:
        log_surprise(structlog.get_logger("marginwatch.tick"), "it failed", error, venue="fx")

    (line,) = lines(out)
    assert (line["level"], line["event"], line["venue"], line["error"]) == ("error", "it failed", "fx", "ValueError")
    assert f'File "{__file__}"' in line["where"]
    assert SECRET not in out.getvalue()


def test_what_nobody_caught_is_logged() -> None:
    """Errors in threads and in finalisers and warnings become log lines, without their local variables."""
    out = io.StringIO()
    configure_logging(stream=out)
    with uncaught_logged():
        thread = threading.Thread(target=_fail, args=(SECRET,), name="writer")
        thread.start()
        thread.join()
        _Unraisable()
        gc.collect()
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            logging.captureWarnings(capture=True)
            warnings.warn(f"password={SECRET}", stacklevel=1)

    thread_line, finaliser_line, warning_line = lines(out)
    assert thread_line["thread"] == "writer"
    assert "RuntimeError: wedged" in thread_line["exception"]
    assert "finaliser" in finaliser_line["exception"]
    assert "UserWarning" in warning_line["event"]
    assert SECRET not in out.getvalue()


def _fail(password: str) -> None:
    local = password
    assert local
    message = "wedged"
    raise RuntimeError(message)


class _Unraisable:
    def __del__(self) -> None:
        message = "in a finaliser"
        raise RuntimeError(message)


class _Login(BaseModel):
    user: str
    api_secret: SecretStr


@pytest.mark.parametrize("as_json", [True, False])
def test_planted_secrets_are_in_no_line_at_debug(*, as_json: bool) -> None:
    """Wherever a secret can get into a log line, known beforehand or not, it does not get out again."""
    out = io.StringIO()
    configure_logging("debug", stream=out, as_json=as_json)
    for plant in _plants():
        plant()
    REDACTOR.remember(SECRET)
    for plant in _plants_known():
        plant()

    written = out.getvalue()
    assert SECRET not in written
    assert len(written.splitlines()) >= 24


def _plants() -> Iterator[Callable[[], object]]:
    """Each call logs the secret in a place that gives it away by its shape."""
    log, lib = structlog.get_logger("marginwatch.venue"), logging.getLogger("library")
    yield lambda: log.debug("login", password=SECRET)
    yield lambda: log.debug("login", headers={"Authorization": f"Bearer {SECRET}", "X-Api-Key": SECRET})
    yield lambda: log.debug("login", request={"body": [{"clientSecret": SECRET}]})
    yield lambda: log.debug("login", body=json.dumps({"client_secret": SECRET}))
    yield lambda: log.debug("login", secret=SecretStr(SECRET), login=_Login(user="x", api_secret=SecretStr(SECRET)))
    yield lambda: log.debug("sent Bearer " + SECRET)  # noqa: G003  (because a secret may be in the event itself)
    yield lambda: log.debug("sent %s", f"https://user:{SECRET}@example.com/")
    yield lambda: lib.debug("sent %s", f"https://example.com/?token={SECRET}")
    yield lambda: lib.debug("sent %(url)s", {"url": f"slack://{SECRET}/a/b"})
    yield lambda: lib.debug("header %r", f"authorization: Basic {SECRET}")
    yield lambda: lib.debug("jwt eyJhbGciOiJIUzI1NiJ9.%s", SECRET)
    yield lambda: log.bind(api_key=SECRET).debug("bound")
    yield lambda: _in_context(lambda: log.debug("in context"))
    yield lambda: _raised(log, f"postgresql://mw:{SECRET}@127.0.0.1/mw refused")
    yield lambda: _raised(lib, f"password='{SECRET}' refused")


def _plants_known() -> Iterator[Callable[[], object]]:
    """Each call logs a secret that was remembered, where its shape says nothing."""
    log, lib = structlog.get_logger("marginwatch.venue"), logging.getLogger("library")
    yield lambda: log.debug("the answer was " + SECRET)  # noqa: G003  (because a secret may be in the event itself)
    yield lambda: log.debug("answer", body=SECRET.encode(), path=Path("/x") / SECRET, rows={SECRET: [SECRET]})
    yield lambda: log.debug("answer", error=ValueError(SECRET))
    yield lambda: lib.debug("the answer was %s", SECRET)
    yield lambda: lib.debug("the answer was %r", {"any": {SECRET}})
    yield lambda: logging.getLogger(f"library.{SECRET}").debug("named")
    yield lambda: _raised(log, f"it said {SECRET}")
    yield lambda: _raised(lib, f"it said {SECRET}", cause=ValueError(SECRET))
    yield lambda: log.debug("stack", stack_info=True, exc_info=ValueError(SECRET))
    yield _real_requests


def _in_context(call: Callable[[], object]) -> None:
    with structlog.contextvars.bound_contextvars(token=SECRET):
        call()


def _raised(log: logging.Logger | structlog.stdlib.BoundLogger, message: str, cause: Exception | None = None) -> None:
    local_password = SECRET
    try:
        _raise(message, cause)
    except RuntimeError:
        log.exception("failed")
    assert local_password


def _raise(message: str, cause: Exception | None) -> None:
    raise RuntimeError(message) from cause


def _real_requests() -> None:
    """Real clients against a closed port, whose own loggers tell all they know at debug."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/hook/{SECRET}?key={SECRET}"
        with contextlib.suppress(httpx.HTTPError), httpx.Client(trust_env=False) as client:
            client.post(url, headers={"x-custom": SECRET}, content=SECRET)
        with contextlib.suppress(OSError):
            urllib.request.urlopen(url, timeout=1)


def test_libraries_keep_to_warnings() -> None:
    """Libraries that log each request stay quiet at debug, and those that repeat tokens stay quiet always."""
    out = io.StringIO()
    configure_logging("debug", stream=out)
    for name in (
        "httpx",
        "httpcore.connection",
        "apscheduler.executors",
        "uvicorn.error",
        "alembic",
        "sqlalchemy.engine",
    ):
        logging.getLogger(name).info("chatter")
        logging.getLogger(name).warning("worth a word")
    for name in ("apprise", "urllib3.connectionpool", "requests"):
        logging.getLogger(name).error("with a token")
    assert [line["event"] for line in lines(out)] == ["worth a word"] * 6
