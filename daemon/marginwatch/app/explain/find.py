"""The rule, the account and the position that somebody means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marginwatch.config.suggest import did_you_mean
from marginwatch.core import health
from marginwatch.core.model import AccountKey
from marginwatch.errors import MarginwatchError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from marginwatch.app.reading import Reading
    from marginwatch.core.rule import Rule

_MOST_NAMED = 10


class UnknownRuleError(MarginwatchError):
    """No rule has that id."""

    def __init__(self, wanted: str, known: Iterable[str], *, broken: bool) -> None:
        names = sorted(known)
        hint = did_you_mean(wanted, [*names, *health.RULES]) or _listed("the rules are", names)
        also = "; a rule file is wrong just now, `marginwatch check` says where" if broken else ""
        super().__init__(f"there is no rule {wanted}" + (f"; {hint}" if hint else "") + also)


class UnknownAccountError(MarginwatchError):
    """No account that was seen has that id or name."""

    def __init__(self, wanted: str, known: Mapping[AccountKey, Sequence[str]]) -> None:
        names = [name for ways in known.values() for name in ways]
        holding = [str(key) for key, ways in known.items() if any(wanted.lower() in way.lower() for way in ways)]
        close = f"did you mean {holding[0]}?" if len(holding) == 1 else did_you_mean(wanted, names)
        hint = close or _listed("the accounts are", holding or [*map(str, known)])
        super().__init__(f"no account seen so far is called {wanted}" + (f"; {hint}" if hint else ""))


class AmbiguousAccountError(MarginwatchError):
    """Several accounts have that id or name."""

    def __init__(self, wanted: str, fitting: Iterable[AccountKey]) -> None:
        ways = " or ".join(map(str, fitting))
        super().__init__(f"several accounts are called {wanted}; write {ways}")


class UnknownSubjectError(MarginwatchError):
    """The rule saw no position of that name, or looks at none."""

    def __init__(self, rule: str, wanted: str, known: Sequence[str]) -> None:
        hint = did_you_mean(wanted, known) or _listed("the positions are", known)
        what = f"the rule {rule} saw no position {wanted} then" if known else f"the rule {rule} looks at no positions"
        super().__init__(what + (f"; {hint}" if hint else ""))


def find_rule(reading: Reading, wanted: str) -> Rule:
    """The rule of that id, the built-in ones included.

    Raises:
        UnknownRuleError: There is none.
    """
    rules = {**health.RULES, **{rule.id: rule for rule in reading.rules}}
    if wanted not in rules:
        raise UnknownRuleError(wanted, (rule.id for rule in reading.rules), broken=bool(reading.loaded.problems))
    return rules[wanted]


def find_account(reading: Reading, wanted: str, *, venues: bool) -> AccountKey:
    """The account of that id or name, with `VENUE/` before it or not; with `venues` also a venue, and marginwatch.

    What fits exactly wins over what fits but for capital letters.

    Raises:
        UnknownAccountError: There is none.
        AmbiguousAccountError: Several fit, and `VENUE/ID` tells them apart.
    """
    ways = {key: _ways(reading, key) for key in reading.accounts}
    if venues:
        ways |= {AccountKey(venue.name, ""): (venue.name,) for venue in reading.settings.venues}
        ways[health.OURSELVES] = (str(health.OURSELVES),)
    exact = [key for key, names in ways.items() if wanted in names]
    found = exact or [key for key, names in ways.items() if wanted.lower() in map(str.lower, names)]
    if len(found) > 1:
        raise AmbiguousAccountError(wanted, found)
    if not found:
        raise UnknownAccountError(wanted, ways)
    return found[0]


def _ways(reading: Reading, key: AccountKey) -> tuple[str, ...]:
    """How it may be written."""
    name = reading.name(key)
    return tuple(dict.fromkeys((str(key), f"{key.venue}/{name}", key.id, name)))


def _listed(before: str, names: Sequence[str]) -> str:
    if not names:
        return ""
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return f"{before} {', '.join(names[:_MOST_NAMED])}{more}"
