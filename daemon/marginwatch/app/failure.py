"""Telling people that the service has failed, when the daemon itself cannot: from systemd's words, without the store.

It must work where little else does: of a config with mistakes in it, the receivers that can be read are told.
"""

from __future__ import annotations

import json
import re
import socket
import subprocess
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import ValidationError

from marginwatch.app.files import read_settings
from marginwatch.config.location import find_config
from marginwatch.config.secrets import BadReferenceError, MissingSecretError, Secrets, remember_secrets
from marginwatch.config.settings import ReceiverSettings
from marginwatch.core.alert import State
from marginwatch.core.model import Severity
from marginwatch.core.outbox import AttemptOutcome
from marginwatch.core.state import Message
from marginwatch.errors import MarginwatchError
from marginwatch.notify.receiver import BadReceiverUrlError, Receiver
from marginwatch.notify.words import iso
from marginwatch.ops.redact import REDACTOR
from marginwatch.venues.registry import venue_kinds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

TRIES = 3
PAUSE = 5.0
"""Seconds between two tries to send to the same receiver."""
_WAIT = 10.0
"""Seconds that systemd's tools may take to answer."""
_LINES = 8
_LONGEST_LINE = 200
_TABLE = re.compile(r"^[ \t]*\[\[?[^\]\n]*\]\]?", re.MULTILINE)
_RECEIVERS = re.compile(r"^[ \t]*\[\[[ \t]*receivers[ \t]*\]\]")
_REFERENCE = re.compile(r"(?<!\$)\$\{[^}\n]*\}")

_MEANINGS = {
    "78": "The config is wrong, or the database is of a newer version: starting it again does not mend that.",
    "203": "The program cannot be started: is its environment whole?",
    "226": "Its sandbox cannot be made.",
    "238": "Its state folder cannot be made.",
    "243": "A credential that the unit loads is not there.",
}
"""What an exit status says, where one of ours or of systemd's says much."""


class NobodyToTellError(MarginwatchError):
    """No receiver of the config can be used."""

    exit_code = 3

    def __init__(self) -> None:
        super().__init__("nobody was told: no receiver of the config can be used")


@dataclass(frozen=True, slots=True)
class Failure:
    """What systemd says of a unit that failed."""

    unit: str
    host: str
    status: str = ""
    """Exit status, or the signal that ended it; empty when it is not known."""
    result: str = ""
    """systemd's word for it: `exit-code`, `signal`, `watchdog`, `timeout`, …"""
    since: str = ""
    """When it ended."""
    ran_since: str = ""
    """When it had begun to work; empty when it never did."""
    lines: tuple[str, ...] = ()
    """The last of its log."""


@dataclass(frozen=True, slots=True)
class Told:
    """What became of telling one receiver."""

    name: str
    ok: bool
    detail: str


def diagnose(unit: str, environ: Mapping[str, str]) -> Failure:
    """What is known of the failure: from the variables that systemd gives to an `OnFailure=` unit, and its tools."""
    keys = ("Result", "ExecMainStatus", "ActiveEnterTimestamp", "InactiveEnterTimestamp")
    shown = _ask("systemctl", "show", "--timestamp=utc", *(f"--property={key}" for key in keys), "--", unit)
    found = dict(line.partition("=")[::2] for line in shown.splitlines())
    log = _ask("journalctl", "--quiet", "--no-pager", "--output=cat", f"--lines={_LINES}", f"--unit={unit}")
    return Failure(
        unit=unit,
        host=socket.gethostname(),
        status=environ.get("MONITOR_EXIT_STATUS") or found.get("ExecMainStatus", ""),
        result=environ.get("MONITOR_SERVICE_RESULT") or found.get("Result", ""),
        since=found.get("InactiveEnterTimestamp", ""),
        ran_since=found.get("ActiveEnterTimestamp", ""),
        lines=tuple(_plain(line) for line in log.splitlines()),
    )


def receivers_of(path: Path | None, environ: Mapping[str, str]) -> tuple[list[ReceiverSettings], list[str]]:
    """The receivers of the config, their secrets resolved, and a sentence on each that cannot be had.

    Of a config that is wrong, those tables that are right by themselves. The redactor knows all its secrets then, as
    far as they can be read.
    """
    file = find_config(path, environ)
    with suppress(MarginwatchError):
        loaded = read_settings(file, environ, venue_kinds(), need_secrets=True)
        if loaded.settings is not None:
            return list(loaded.settings.receivers), []
    try:
        text = file.read_text(errors="replace")
    except OSError as error:
        return [], [f"{file} cannot be read: {(error.strerror or str(error)).lower()}"]
    secrets = Secrets(environ)
    for reference in _REFERENCE.findall(text):
        with suppress(BadReferenceError, MissingSecretError):
            secrets.resolve(reference)
    return _salvaged(text, secrets)


def _salvaged(text: str, secrets: Secrets) -> tuple[list[ReceiverSettings], list[str]]:
    found: dict[str, ReceiverSettings] = {}
    trouble = []
    for number, table in enumerate(_tables(text), 1):
        name = f"receiver {number}"
        try:
            (keys,) = tomllib.loads(table)["receivers"]
            name = str(keys.get("name", name))
            url = secrets.resolve(str(keys.get("url", "")))
            settings = ReceiverSettings(name=keys.get("name"), url=url)
        except tomllib.TOMLDecodeError:
            trouble.append(f"{name} is not TOML")
        except (BadReferenceError, MissingSecretError) as error:
            trouble.append(f"{name}: {error}")
        except ValidationError:
            trouble.append(f"{name} has no good name or url")
        else:
            remember_secrets(settings)
            found[settings.name] = settings
    return list(found.values()), trouble


def _tables(text: str) -> Iterator[str]:
    """Each `[[receivers]]` table as text of its own, whatever is wrong around it."""
    starts = [match.start() for match in _TABLE.finditer(text)]
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        if _RECEIVERS.match(text[start:end]):
            yield text[start:end]


def tell(failure: Failure, receivers: Sequence[ReceiverSettings], now: datetime) -> list[Told]:
    """Send it to all of them at once, each tried a few times.

    Raises:
        NobodyToTellError: There are none.
    """
    if not receivers:
        raise NobodyToTellError
    with ThreadPoolExecutor(len(receivers)) as pool:
        return list(pool.map(lambda settings: _tell(failure, settings, now), receivers))


def _tell(failure: Failure, settings: ReceiverSettings, now: datetime) -> Told:
    message = failure_message(failure, settings.name, now)
    try:
        receiver = Receiver(settings.name, settings.url)
    except BadReceiverUrlError as error:
        return Told(settings.name, ok=False, detail=str(error))
    for attempt in range(1, TRIES + 1):
        answer = receiver.send(message, attempt)
        if answer.outcome is AttemptOutcome.DELIVERED:
            return Told(settings.name, ok=True, detail="told")
        if answer.outcome is AttemptOutcome.PERMANENT or attempt == TRIES:
            break
        time.sleep(PAUSE)
    return Told(settings.name, ok=False, detail=REDACTOR.known(answer.detail))


def failure_message(failure: Failure, receiver: str, now: datetime) -> Message:
    """The words, and the machine-readable keys of any message; every line of the log without secrets."""
    log = [REDACTOR.text(line)[:_LONGEST_LINE] for line in failure.lines]
    body = [
        "systemd has given it up: no account is watched until somebody starts it.",
        _ending(failure),
        _MEANINGS.get(failure.status, ""),
        f"It had been running since {_moment(failure.ran_since)}." if failure.ran_since else "",
        *(["The last lines of its log:", *log] if log else []),
        f"On {failure.host}: journalctl -u {failure.unit}; then: systemctl start {failure.unit}",
    ]
    at = iso(now.replace(microsecond=0))
    keys = ("venue", "account", "value", "limit", "as_of", "runbook")
    return Message(
        alert_id="unit-failed",
        receiver=receiver,
        number=1,
        state=State.EVENT,
        severity=Severity.CRITICAL,
        title=f"CRITICAL: {failure.unit} on {failure.host} has failed: nobody watches",
        body="\n".join(filter(None, body)),
        payload={
            "alert_id": "unit-failed",
            "rule": "unit-failed",
            "state": State.EVENT.value,
            "severity": Severity.CRITICAL.label,
            "subject": failure.unit,
            "fetched_at": at,
            "reason": failure.result or "failed",
            **dict.fromkeys(keys, ""),
        },
        topic=f"unit-failed {failure.unit}",
    )


def _ending(failure: Failure) -> str:
    """When and how it ended, as far as that is known."""
    how = f"with exit status {failure.status}" if failure.status.isdecimal() else f"by the signal {failure.status}"
    parts = (
        "It ended",
        f"at {_moment(failure.since)}" if failure.since else "",
        how if failure.status else "in a way that is not known",
        f"({failure.result})" if failure.result else "",
    )
    return " ".join(filter(None, parts)) + "."


def _moment(text: str) -> str:
    """A time of systemd's without the day of the week."""
    day, _, rest = text.partition(" ")
    return rest if day.isalpha() and rest else text


def _ask(*command: str) -> str:
    """What one of systemd's tools prints; nothing where it cannot be asked."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=_WAIT, check=False)  # noqa: S603  (because the tools are named above and no shell reads it)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout


def _plain(line: str) -> str:
    """A line of the log as a person reads it: ours are JSON in the journal."""
    try:
        entry = json.loads(line)
    except ValueError:
        return line
    if not isinstance(entry, dict) or "event" not in entry:
        return line
    rest = [f"{key}={value}" for key, value in entry.items() if key not in {"timestamp", "level", "logger", "event"}]
    return " ".join(str(part) for part in (entry.get("timestamp", ""), entry.get("level", ""), entry["event"], *rest))
