"""What can go wrong on demand at a simulated venue, and the record of what it was asked."""

from __future__ import annotations

import enum
import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

EVERY_CALL = "*"
"""The call name that stands for all calls."""


class FaultKind(enum.StrEnum):
    """How a call goes wrong."""

    STATUS = "status"
    """The answer is an error of the given HTTP status (a gRPC server gives the matching code)."""
    HANG = "hang"
    """The call is taken and never answered."""
    SLOW_DRIP = "slow_drip"
    """The right answer, a few bytes at a time, each in time and the whole far too late."""
    RESET = "reset"
    """The connection is reset in the middle of the answer."""
    TRUNCATED = "truncated"
    """The answer ends in the middle, as if complete."""
    GARBAGE = "garbage"
    """Bytes that are no JSON."""
    HTML = "html"
    """A maintenance page, with a good status."""
    EMPTY = "empty"
    """A good status and no body."""
    HAS_ERRORS = "has_errors"
    """StoneX: HTTP 200 with `hasErrors`; other venues answer with status 500."""
    REVOKED = "revoked"
    """Every token given out so far is refused from now on; new logins work."""
    OVERSIZED = "oversized"
    """A body of `size` bytes."""
    BODY = "body"
    """A good status with the bytes in `body`."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One way for a call to go wrong."""

    kind: FaultKind
    status: int = 500
    """For STATUS."""
    retry_after: str | None = None
    """For STATUS: the `Retry-After` header as sent."""
    seconds: float = 0.05
    """For SLOW_DRIP: the pause between pieces."""
    size: int = 64_000_000
    """For OVERSIZED."""
    body: bytes = b""
    """For BODY."""
    message: str = "simulated fault"
    """What the venue says about it, where it says anything."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One call a simulated venue received."""

    call: str
    account: str
    """Empty for calls about no single account."""
    at: datetime


@dataclass(slots=True)
class _Planned:
    fault: Fault
    account: str | None
    left: int | None


class Faults:
    """The faults one simulated venue answers with, by call, and what it was asked. Safe across threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._planned: dict[str, list[_Planned]] = {}
        self._asked: deque[Asked] = deque(maxlen=100_000)  # a demo may run for days

    def fail(self, call: str, fault: Fault, *, times: int | None = None, account: str | None = None) -> None:
        """Make a call (or `*`, every call) go wrong: the next `times` times, or until cleared.

        With `account` only when it is asked for that account. Faults of one call are used up in the order given; a
        fault without `times` replaces those planned before it for the same call and account.
        """
        with self._lock:
            planned = self._planned.setdefault(call, [])
            if times is None:
                planned[:] = [other for other in planned if other.account != account]
            planned.append(_Planned(fault, account, times))

    def clear(self, call: str | None = None) -> None:
        """Heal one call, or everything."""
        with self._lock:
            if call is None:
                self._planned.clear()
            else:
                self._planned.pop(call, None)

    def take(self, call: str, account: str = "") -> Fault | None:
        """The fault this call must answer with now, counted as used; None to answer well."""
        with self._lock:
            for name in (call, EVERY_CALL):
                for planned in self._planned.get(name, []):
                    if planned.account in (None, account):
                        self._count_down(name, planned)
                        return planned.fault
        return None

    def record(self, call: str, account: str, at: datetime) -> None:
        """Note that a call came in; servers do it for each one before anything else."""
        with self._lock:
            self._asked.append(Asked(call, account, at))

    def asked(self, call: str | None = None) -> tuple[Asked, ...]:
        """The calls received so far, oldest first; all, or those of one name."""
        with self._lock:
            return tuple(asked for asked in self._asked if call in (None, asked.call))

    def forget_asked(self) -> None:
        """Start the record anew."""
        with self._lock:
            self._asked.clear()

    def _count_down(self, name: str, planned: _Planned) -> None:
        if planned.left is None:
            return
        planned.left -= 1
        if planned.left == 0:
            self._planned[name].remove(planned)
