"""The windows of one account: what is kept of it, and what its rules' questions are answered with."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from marginwatch.core.condition.arithmetic import OPERATIONS, SWIFT
from marginwatch.core.windows.later import Later
from marginwatch.core.windows.plan import micros, moment
from marginwatch.core.windows.series import Series

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from marginwatch.core.model import Value
    from marginwatch.core.windows.plan import Plan, Question, Track

SET_BACK: Final = timedelta(days=1)
"""A clock set back by no more leaves the windows as they are: time stands still until it has caught up."""

_subtract: Final = SWIFT["-"]
_HOUR: Final = Decimal(3_600_000_000)
_SELDOM: Final = 64
"""Values added between two looks for what may be forgotten; more where more is kept."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What the expressions were at one observation."""

    at: int
    """Observation time, never before that of the sample before."""
    values: Mapping[str, Value]
    """By text; None where unknown."""
    anew: bool = False
    """The clock was set back by more than `SET_BACK`: what was before it does not count."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of a window has been seen."""

    text: str
    """The window as the rule has it: `drawdown(equity, "1d")`."""
    window: str
    """Its length or `session`, as written."""
    length: timedelta
    """Of a session: since it opened."""
    known: timedelta
    """The part of it of which a value is known."""
    since: datetime
    """From when on."""

    @property
    def whole(self) -> bool:
        """True when no more than a hundredth of it is missing."""
        return self.known * 100 >= self.length * 99


class AccountWindows:
    """The series of one account, as committed."""

    __slots__ = ("_count", "_series", "_trim_at", "latest", "stale_after", "tracks")

    def __init__(self, stale_after: timedelta) -> None:
        """Nothing was seen yet."""
        self.latest: int | None = None
        """Time of the latest sample."""
        self.tracks: Mapping[str, Track] = {}
        """What is kept, and for what."""
        self.stale_after = stale_after
        self._series: dict[str, Series] = {}
        self._count = 0
        self._trim_at = _SELDOM

    def keep(self, plan: Plan, sample: Sample) -> None:
        """Add a sample for good. A series the plan does not name any more is dropped."""
        if self.tracks is not plan.tracks:
            self._fit(plan.tracks)
        if sample.anew:
            self._series = {text: self._new(track) for text, track in self.tracks.items()}
        for text, value in sample.values.items():
            if isinstance(value, Decimal):
                self._series[text].push(sample.at, value)
        self.latest = sample.at
        self._count += 1
        if self._count >= self._trim_at:
            self._trim(plan.begins(sample.at))

    def series(self, tracks: Mapping[str, Track]) -> Mapping[str, Series]:
        """What is kept of each expression; an empty one where nothing is, or not all that is asked for."""
        if tracks is self.tracks:  # nearly always, and comparing them takes longer than all the rest
            return self._series
        fitting = {
            text for text, track in tracks.items() if text in self.tracks and self.tracks[text].keeps == track.keeps
        }
        return {text: self._series[text] if text in fitting else self._new(track) for text, track in tracks.items()}

    def _new(self, track: Track) -> Series:
        return Series(track.keeps, micros_of(self.stale_after))

    def _fit(self, tracks: Mapping[str, Track]) -> None:
        self._series = dict(self.series(tracks))
        self.tracks = tracks

    def _trim(self, low: int) -> None:
        for series in self._series.values():
            series.trim(low)
        self._count = 0
        self._trim_at = max(_SELDOM, *map(len, self._series.values()))


@dataclass(slots=True)
class Pending:
    """The windows of an account, and samples that are not committed yet; dropping it leaves no trace."""

    kept: AccountWindows
    samples: list[tuple[Plan, Sample]] = field(default_factory=list)
    later: dict[str, Later] = field(default_factory=dict)
    """The known values of samples by the text of their expression, while all are of one plan and one clock."""
    counted: int = 0
    """Samples that `later` has the values of."""

    def see(self, plan: Plan, fields: Mapping[str, Value], at: datetime) -> Answers:
        """Add an observation, and answer as of it."""
        latest = self.samples[-1][1].at if self.samples else self.kept.latest
        sample = sampled(plan, fields, at, latest)
        self.samples.append((plan, sample))
        if sample.anew or self.samples[0][0] is not plan or self.counted + 1 < len(self.samples):
            return Answers(plan, self.kept, [each for _, each in self.samples])
        self.counted += 1
        _add(self.later, sample, micros_of(self.kept.stale_after))
        return Answers(plan, self.kept, [sample], self.later)

    def keep(self) -> AccountWindows:
        """Keep the samples for good."""
        for plan, sample in self.samples:
            self.kept.keep(plan, sample)
        return self.kept


class Answers:
    """What the questions of a plan are answered with as of an account's latest sample."""

    def __init__(
        self, plan: Plan, kept: AccountWindows, pending: Sequence[Sample], later: Mapping[str, Later] | None = None
    ) -> None:
        """`pending` are the samples not kept yet, the present one last; with `later`, which says all of them, that one.

        Asked for before the next sample is seen.
        """
        anew = max((place for place, sample in enumerate(pending) if sample.anew), default=None)
        if anew is not None:
            kept, pending = AccountWindows(kept.stale_after), pending[anew:]
        if later is None:
            later = {}
            for sample in pending:
                _add(later, sample, micros_of(kept.stale_after))
        self.now = pending[-1].at
        self._plan = plan
        self._present = pending[-1].values
        self._later = later
        self._series = kept.series(plan.tracks)

    def values(self) -> dict[str, Value]:
        """The value of every window by its text; None where the present value is unknown."""
        found: dict[str, Value] = {}
        for question in self._plan.questions:
            track, value = question.track, None
            if isinstance(self._present.get(track), Decimal):
                answer = _ANSWERS[question.node.function]
                value = answer(question, self._series[track], question.begins(self.now), self._later[track])
            found[question.text] = value
        return found

    def coverage(self, texts: Sequence[str]) -> tuple[Coverage, ...]:
        """How much was seen of each of these windows; without those whose present value is unknown."""
        asked = (question for question in self._plan.questions if question.text in texts)
        return tuple(
            self._coverage(question) for question in asked if isinstance(self._present.get(question.track), Decimal)
        )

    def _coverage(self, question: Question) -> Coverage:
        known, later, low = self._series[question.track].known, self._later[question.track], question.begins(self.now)
        return Coverage(
            text=question.text,
            window=question.node.window.value,
            length=_span(self.now - low),
            known=_span(known.length(low, later)),
            since=moment(known.since(low, later)),
        )


def sampled(plan: Plan, fields: Mapping[str, Value], at: datetime, latest: int | None) -> Sample:
    """What the plan's expressions are at an observation; `latest` is the time of the sample before, if any."""
    now, values = micros(at), plan.sample(fields)
    if latest is None or now >= latest:
        return Sample(now, values)
    if _span(latest - now) > SET_BACK:
        return Sample(now, values, anew=True)
    return Sample(latest, values)


def micros_of(span: timedelta) -> int:
    """The whole microseconds in it."""
    return span // timedelta(microseconds=1)


def _span(length: int) -> timedelta:
    return timedelta(microseconds=length)


def _add(later: dict[str, Later], sample: Sample, stale_after: int) -> None:
    """Take in what is known by the sample."""
    for text, value in sample.values.items():
        if isinstance(value, Decimal):
            known = later.get(text)
            if known is None:
                later[text] = Later(stale_after, sample.at, value)
            else:
                known.add(sample.at, value)


def _minus(left: Decimal, right: Decimal) -> Decimal | None:
    try:
        return _subtract(left, right)
    except ArithmeticError:
        return None


def _delta(_: Question, series: Series, low: int, later: Later) -> Decimal | None:
    return _minus(later.present, series.first(low, later))


def _rate(question: Question, series: Series, low: int, later: Later) -> Decimal | None:
    hourly = OPERATIONS["*"](_delta(question, series, low, later), _HOUR)
    return OPERATIONS["/"](hourly, Decimal(question.length))


def _mean(_: Question, series: Series, low: int, later: Later) -> Decimal | None:
    total, known = series.mean(low, later)
    return OPERATIONS["/"](total, Decimal(known)) if known else later.present


_ANSWERS: Final[Mapping[str, Callable[[Question, Series, int, Later], Decimal | None]]] = {
    "max": lambda _, series, low, later: series.highest(low, later),
    "min": lambda _, series, low, later: series.lowest(low, later),
    "first": lambda _, series, low, later: series.first(low, later),
    "last": lambda _question, _series, _low, later: later.present,
    "drawdown": lambda _, series, low, later: _minus(series.highest(low, later), later.present),
    "delta": _delta,
    "rate": _rate,
    "mean": _mean,
}
