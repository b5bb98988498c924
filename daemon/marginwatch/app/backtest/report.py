"""What a backtest found, ready to be shown."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Final

from marginwatch.app.backtest.calls import lead
from marginwatch.app.backtest.episodes import spans
from marginwatch.core.model import Severity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, tzinfo

    from marginwatch.app.backtest.calls import Call
    from marginwatch.app.backtest.episodes import Episode, Told
    from marginwatch.app.backtest.play import Play
    from marginwatch.app.backtest.sight import Sight
    from marginwatch.app.backtest.sweep import Variant
    from marginwatch.core.alert import Transition
    from marginwatch.core.fields import Unit
    from marginwatch.core.model import AccountKey
    from marginwatch.core.rule import Rule

DAY: Final = range(7, 22)
"""Hours of a weekday on the wall; the others are night."""
_SATURDAY: Final = 5
PARTS: Final = ("day", "night", "weekend")


@dataclass(frozen=True, slots=True)
class Line:
    """One rule, or one variant of a rule."""

    rule: str
    title: str
    values: Mapping[str, str]
    """What is set, by key; empty where nothing is."""
    current: bool
    """As the rule is now."""
    pages: Mapping[str, int]
    """Firings, events and rises to a higher level, by severity."""
    messages: int
    when: Mapping[str, int]
    """Pages by part of the week."""
    open_median: timedelta | None
    """None when nothing was open."""
    open_longest: timedelta | None
    open_at_end: int
    open_before: int
    flapped: int
    leads: tuple[tuple[Call, timedelta | None], ...]
    """Each call of an account that the rule watches, and how long before it the rule had fired; None: missed."""
    episodes: tuple[Episode, ...]

    @property
    def total(self) -> int:
        """Pages of all severities."""
        return sum(self.pages.values())

    @property
    def led(self) -> list[timedelta]:
        """The lead times of calls that were not missed."""
        return [time for _, time in self.leads if time is not None]

    @property
    def lead_median(self) -> timedelta | None:
        """Of the calls that were not missed."""
        return middle(sorted(self.led))

    @property
    def name(self) -> str:
        """The rule with what is set."""
        return " ".join([self.rule, *(f"{key}={value or 'none'}" for key, value in self.values.items())])


@dataclass(frozen=True, slots=True)
class Report:
    """Everything a backtest found."""

    since: datetime
    until: datetime
    source: str
    """Where the observations are from."""
    exact: bool
    """Every decision was made as it was made live: by the same rules, at the same moments."""
    zones: Mapping[str, str]
    """By venue, whose clock says what is day and night."""
    lines: tuple[Line, ...]
    sweeps: bool
    calls: tuple[Call, ...]
    sight: Sight
    notes: tuple[str, ...]
    """What the data cannot show."""
    transitions: tuple[Transition, ...]
    """Those of the rules as they are; none of variants."""
    names: Mapping[AccountKey, str]
    """What venues call their accounts."""
    units: Mapping[str, Unit]
    """Of the numbers of rules, by id."""

    def name(self, account: AccountKey) -> str:
        """What its venue calls the account."""
        return self.names.get(account, account.id)


@dataclass(frozen=True, slots=True)
class Books:
    """What lines are made from."""

    until: datetime
    calls: Sequence[Call]
    zones: Mapping[str, tzinfo]
    """By venue."""

    def variant(self, told: Told, variant: Variant, play: Play) -> Line:
        """A rule with other values."""
        line = self.line(told, variant.rule, play)
        return replace(line, rule=variant.of.id, values=variant.values, current=variant.current)

    def line(self, told: Told, rule: Rule, play: Play) -> Line:
        """One rule as it is."""
        lengths = spans(told.episodes, self.until)
        severities = Counter(severity for _, _, severity in told.pages)
        when = Counter(part_of_week(at, self.zones.get(key.account.venue, UTC)) for key, at, _ in told.pages)
        calls = (call for call in self.calls if play.watches(rule.id, call.account))
        return Line(
            rule=rule.id,
            title=rule.title,
            values={},
            current=True,
            pages={severity.label: severities[severity] for severity in reversed(Severity)},
            messages=told.messages,
            when={part: when[part] for part in PARTS},
            open_median=middle(lengths),
            open_longest=lengths[-1] if lengths else None,
            open_at_end=sum(each.ended_at is None for each in told.episodes),
            open_before=told.open_before,
            flapped=told.flapped,
            leads=tuple((call, lead(call, told.episodes)) for call in calls),
            episodes=tuple(sorted(told.episodes, key=lambda each: each.fired_at)),
        )


def middle(lengths: Sequence[timedelta]) -> timedelta | None:
    """The median of sorted lengths of time; None of none."""
    if not lengths:
        return None
    return (lengths[(len(lengths) - 1) // 2] + lengths[len(lengths) // 2]) / 2


def part_of_week(at: datetime, zone: tzinfo) -> str:
    """`day`, `night` or `weekend` by that zone's clock."""
    local = at.astimezone(zone)
    if local.weekday() >= _SATURDAY:
        return "weekend"
    return "day" if local.hour in DAY else "night"
