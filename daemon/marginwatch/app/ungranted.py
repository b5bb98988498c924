"""Optional calls that a venue does not offer to a login, and the rules that see less for it: said, never an alert."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from marginwatch.core import condition
from marginwatch.core.selecting import selects_venue

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from marginwatch.app.reading import Reading
    from marginwatch.core.fields import Catalogue
    from marginwatch.core.model import Observation
    from marginwatch.core.rule import Rule
    from marginwatch.core.state import AccountState

_COMMITTED_WITHIN = timedelta(minutes=5)
"""An answer is in the store at the latest this long after it came, unless the store is in trouble itself."""


def ungranted_now(reading: Reading) -> list[str]:
    """What the latest answer of each venue lacked for that, as sentences. A login is the same for all its accounts."""
    return [
        sentence
        for venue in reading.settings.venues
        for observation in _latest(reading, venue.name)
        for sentence in ungranted(observation, reading.rules, reading.kinds[venue.kind].catalogue)
    ]


def ungranted(observation: Observation, rules: Iterable[Rule], catalogue: Catalogue) -> Iterator[str]:
    """What an answer lacks because its calls are not offered to this login, one sentence for each call."""
    if not observation.optional:
        return
    venue = observation.account.venue
    watching = [rule for rule in rules if selects_venue(rule.selector, venue)]
    for call in sorted(observation.optional):
        missing = {field.name for field in catalogue if call in field.calls and field.name not in observation.fields}
        seen = {rule.id: _names(rule) & missing for rule in watching}
        blind = [rule for rule, fields in seen.items() if fields]
        sentence = f"{venue}: {call} is not available to this login"
        if blind:
            fields = sorted(frozenset[str]().union(*seen.values()))
            sentence += f", so {_listed(blind)} cannot see {_listed(fields)}"
        yield sentence


def _names(rule: Rule) -> frozenset[str]:
    node = condition.parse(rule.expression)
    return frozenset() if isinstance(node, condition.Fault) else frozenset(condition.names(node))


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _latest(reading: Reading, venue: str) -> Iterator[Observation]:
    """The venue's latest answer about some account; nothing where there is none."""
    seen = [state for key, state in reading.accounts.items() if key.venue == venue and state.fetched_at is not None]
    latest = max(seen, key=_fetched_at, default=None)
    if latest is None or latest.fetched_at is None:
        return
    at = latest.fetched_at
    for stored in reading.store.history.observations(latest.account.key, at, at + _COMMITTED_WITHIN):
        if stored.observation.fetched_at == at:
            yield stored.observation
            return


def _fetched_at(state: AccountState) -> float:
    return 0.0 if state.fetched_at is None else state.fetched_at.timestamp()
