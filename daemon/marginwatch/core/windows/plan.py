"""Which series an account's rules need, and which questions they ask of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from marginwatch.core.condition import BREAKS, compile_sample, written
from marginwatch.core.condition.nodes import Windowed, walk
from marginwatch.core.condition.window import length
from marginwatch.core.windows.series import Keeps

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from marginwatch.core.calendar import Calendar, Sessions
    from marginwatch.core.condition import Node
    from marginwatch.core.model import Value

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

_KEEPS: Final = {
    "max": Keeps(peaks=True),
    "drawdown": Keeps(peaks=True),
    "min": Keeps(troughs=True),
    "first": Keeps(steps=True),
    "delta": Keeps(steps=True),
    "rate": Keeps(steps=True),
    "mean": Keeps(steps=True, sums=True),
    "last": Keeps(),
}
"""What a series must keep to answer each function."""


def micros(at: datetime) -> int:
    """Whole microseconds since 1970."""
    since = at - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def moment(at: int) -> datetime:
    """The time that many microseconds after 1970, in UTC."""
    return _EPOCH + at * _MICROSECOND


@dataclass(frozen=True, slots=True)
class Track:
    """One series: an expression, and what its windows ask of it."""

    keeps: Keeps
    reach: timedelta
    """The longest window of a fixed length over it."""
    calendars: tuple[Calendar, ...] = ()
    """Those of the sessions that windows over it are of."""


@dataclass(frozen=True, slots=True)
class Question:
    """One window of a rule."""

    node: Windowed
    text: str
    """Its own, as `written` gives it: the name its value has among the fields."""
    track: str
    """The text of the expression it looks at."""
    sessions: Sessions | None
    """Of a session."""
    length: int
    """In microseconds; 0 of a session."""

    def begins(self, now: int) -> int:
        """Where the window that ends `now` begins."""
        return now - self.length if self.sessions is None else micros(self.sessions.opened(moment(now)))


class Plan:
    """The windows of the rules that apply to some accounts."""

    def __init__(self, nodes: Iterable[Node], calendars: Mapping[str, Sessions]) -> None:
        """Find the windows in checked expressions, whose calendars are all there."""
        asked = {written(node): node for each in nodes for node in walk(each) if isinstance(node, Windowed)}
        self.questions = tuple(_question(text, node, calendars) for text, node in asked.items())
        self.tracks: dict[str, Track] = {}
        """By the text of the expression."""
        for question in self.questions:
            self.tracks[question.track] = _joined(self.tracks.get(question.track), question)
        arguments = {question.track: question.node.argument for question in self.questions}
        self._texts = tuple(arguments)
        self._sample = compile_sample(tuple(arguments.values()))

    def __bool__(self) -> bool:
        """Whether there is any window."""
        return bool(self.questions)

    def sample(self, fields: Mapping[str, Value]) -> dict[str, Value]:
        """The present value of every series' expression, by its text; None where it is unknown.

        A value of a type that its catalogue does not promise makes all of them unknown.
        """
        try:
            return dict(zip(self._texts, self._sample(fields), strict=True))
        except BREAKS:
            return dict.fromkeys(self._texts)

    def begins(self, now: int) -> int:
        """Where the window begins that reaches back the farthest."""
        return min(question.begins(now) for question in self.questions)


def _question(text: str, node: Windowed, calendars: Mapping[str, Sessions]) -> Question:
    span = length(node)
    sessions = calendars[node.calendar] if span is None else None
    return Question(node, text, written(node.argument), sessions, 0 if span is None else span // _MICROSECOND)


def _joined(before: Track | None, question: Question) -> Track:
    sessions, keeps = question.sessions, _KEEPS[question.node.function]
    span = timedelta(0) if sessions else question.length * _MICROSECOND
    calendars = () if sessions is None else (sessions.calendar,)
    if before is None:
        return Track(keeps, span, calendars)
    both = Keeps(
        peaks=before.keeps.peaks or keeps.peaks,
        troughs=before.keeps.troughs or keeps.troughs,
        steps=before.keeps.steps or keeps.steps,
        sums=before.keeps.sums or keeps.sums,
    )
    more = tuple(calendar for calendar in calendars if calendar not in before.calendars)
    return Track(both, max(before.reach, span), (*before.calendars, *more))
