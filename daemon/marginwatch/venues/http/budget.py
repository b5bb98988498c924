"""How many calls one login may make, and the pauses its venue asks for."""

from __future__ import annotations

from collections import deque
from math import ceil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class RateBudget:
    """A bucket that refills steadily. Measures on a clock that is never set.

    A full bucket and what flows into it never come together: in no second are more calls made than `per_second`,
    rounded up, or, where the bucket holds more than that, no more than it holds in the time in which it fills.

    Args:
        per_second: calls it refills by in a second.
        monotonic: the clock, in seconds.
        burst: calls it holds; None for one second's.
    """

    def __init__(self, per_second: float, monotonic: Callable[[], float], burst: float | None = None) -> None:
        self.per_second = per_second
        self._burst = max(per_second, 1.0) if burst is None else burst
        self._left = self._burst
        self._monotonic = monotonic
        self._at = monotonic()
        at_most = ceil(max(per_second, self._burst))
        self._within = at_most / per_second
        self._made: deque[float] = deque(maxlen=at_most)
        self._paused_until = self._at

    def reserve(self, patience: float) -> float | None:
        """Reserve one call: seconds to wait before making it, or None when that is longer than `patience` seconds."""
        now = self._monotonic()
        self._left = min(self._burst, self._left + (now - self._at) * self.per_second)
        self._at = now
        wait = max(0.0, (1.0 - self._left) / self.per_second, self._paused_until - now)
        if len(self._made) == self._made.maxlen:
            wait = max(wait, self._made[0] + self._within - now)
        if wait > patience:
            return None
        self._left -= 1.0
        self._made.append(now + wait)
        return wait

    def pause(self, seconds: float) -> None:
        """Make no call for so many seconds, because the venue asked for it."""
        self._paused_until = max(self._paused_until, self._monotonic() + seconds)

    @property
    def paused(self) -> bool:
        """Whether a pause the venue asked for lasts."""
        return self._paused_until > self._monotonic()
