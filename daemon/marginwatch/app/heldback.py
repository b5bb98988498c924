"""What holds messages back now, by the config and by operators, and how much of it waits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from marginwatch.config.maintenance import maintenance_of
from marginwatch.config.quiet import quiet_of
from marginwatch.core.groups import Groups
from marginwatch.core.hold import Hold, HoldKind, kind_of
from marginwatch.core.labels import Labels

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from marginwatch.app.reading import Reading
    from marginwatch.core.model import Account
    from marginwatch.core.ruling import Ruling
    from marginwatch.core.state import Withheld


_WORDS: Final[Mapping[HoldKind, str]] = {
    HoldKind.SILENCE: "silence {}",
    HoldKind.MAINTENANCE: "maintenance {}",
    HoldKind.QUIET: "quiet hours of {}",
    HoldKind.HOURS: "hours of route {}",
    HoldKind.OUTAGE: "outage that alert {} tells of",
}


@dataclass(frozen=True, slots=True)
class HeldBack:
    """One thing that holds back, in force now or waited for."""

    kind: HoldKind
    name: str
    """As `Hold.name` has it."""
    until: datetime | None
    """When it ends, or begins to let go; None where nobody can say."""
    receivers: tuple[str, ...]
    """Whom it keeps messages from; empty for everybody."""
    alerts: int
    """Alerts of which something is held back by it."""
    note: str = ""

    @property
    def in_words(self) -> str:
        """What it is."""
        return _WORDS[self.kind].format(self.name)


def held_back(reading: Reading, now: datetime) -> list[HeldBack]:
    """Everything that holds back now: what is in force, and what else is waited for."""
    waiting: dict[str, list[Withheld]] = {}
    for row in reading.store.history.withheld():
        waiting.setdefault(row.hold, []).append(row)
    found = []
    for hold, receivers, note in _in_force(reading, now):
        rows = waiting.pop(hold.id, [])
        found.append(HeldBack(hold.kind, hold.name, hold.until, receivers, _alerts(rows), note))
    for held, rows in sorted(waiting.items()):
        names = dict.fromkeys(name for row in rows for name in row.receivers)
        until = max((row.until for row in rows if row.until is not None), default=None)
        found.append(HeldBack(kind_of(held), held.partition(":")[2], until, tuple(names), _alerts(rows)))
    return found


def _in_force(reading: Reading, now: datetime) -> Iterator[tuple[Hold, tuple[str, ...], str]]:
    for silence in reading.store.operators.silences():
        if silence.covers(now):
            yield Hold(HoldKind.SILENCE, str(silence.id), silence.ends_at), (), silence.note
    for window in maintenance_of(reading.settings.maintenance, Labels(), Groups()).all:
        ends = window.when.ends(now)
        if ends is not None:
            yield Hold(HoldKind.MAINTENANCE, window.name, ends), (), window.note
    for name, quiet in quiet_of(reading.settings.receivers).items():
        ends = quiet.hours.ends(now)
        if ends is not None:
            note = f"what is milder than {quiet.below.label}"
            yield Hold(HoldKind.QUIET, name, ends), (name,), note


def held_from(
    reading: Reading, ruling: Ruling, account: Account, rule: str, *, at: datetime, alert_id: str
) -> Iterator[HeldBack]:
    """What keeps messages about the rule and the account from whom then, by today's config; silences aside.

    `alert_id` is the alert's of which something may be held back now; empty where that is not asked.
    """
    rows = [row for row in reading.store.history.withheld() if row.transition.alert_id == alert_id]
    waiting = {row.hold: row for row in rows if kind_of(row.hold) is not HoldKind.SILENCE}
    found: list[tuple[Hold, tuple[str, ...], str]] = []
    for window in ruling.maintenance.of(account, rule):
        ends = window.when.ends(at)
        if ends is not None:
            found.append((Hold(HoldKind.MAINTENANCE, window.name, ends), (), window.note))
    for name, quiet in ruling.quiet.items():
        ends = quiet.hours.ends(at)
        if ends is not None:
            found.append((Hold(HoldKind.QUIET, name, ends), (name,), f"what is milder than {quiet.below.label}"))
    for hold, receivers, note in found:
        held = waiting.pop(hold.id, None)
        yield HeldBack(hold.kind, hold.name, hold.until, receivers, int(held is not None), note)
    for name, row in waiting.items():
        yield HeldBack(kind_of(name), name.partition(":")[2], row.until, row.receivers, 1)


def _alerts(rows: Iterable[Withheld]) -> int:
    return len({row.transition.alert_id for row in rows})
