"""Groups of accounts across venues: who belongs to one, and what its rules ask of each of its accounts.

A group is looked at as if it were an account, of the venue `group`: its fields are the answers of all its accounts to
the questions in its rules, `sum(equity)`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from marginwatch.core.applied import UncheckedRuleError
from marginwatch.core.condition import Fault, compile_value, names, parse
from marginwatch.core.condition.aggregate import Aggregate, aggregates, answers
from marginwatch.core.fields import Unit
from marginwatch.core.model import GROUPS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import timedelta
    from decimal import Decimal

    from marginwatch.core.condition import Evaluation
    from marginwatch.core.fields import Catalogue
    from marginwatch.core.model import Account
    from marginwatch.core.rule import Rule


@dataclass(frozen=True, slots=True)
class Member:
    """One entry of a group's accounts: those of a venue that it selects."""

    venue: str
    text: str
    """As the config has it: `fx/ACC-*`."""
    selects: Callable[[Account], bool]
    """Asked of accounts of the venue."""


@dataclass(frozen=True, slots=True)
class Group:
    """One group as the config defines it."""

    name: str
    members: tuple[Member, ...]
    currency: str
    """What its money is reckoned in."""
    within: timedelta
    """Numbers that are older than its newest ones by more do not go together with those."""
    rates: Mapping[str, Decimal] = field(default_factory=dict)
    """What one unit of another currency is worth in `currency`."""

    @property
    def venues(self) -> tuple[str, ...]:
        """The venues that its accounts are at, each once."""
        return tuple(dict.fromkeys(member.venue for member in self.members))

    def holds(self, account: Account) -> bool:
        """Whether the account belongs to it."""
        return any(member.venue == account.key.venue and member.selects(account) for member in self.members)


@dataclass(frozen=True, slots=True)
class Asked:
    """One question as the accounts of a venue are asked it."""

    evaluation: Evaluation
    reads: tuple[str, ...]
    money: tuple[str, ...]
    """Those of `reads` that are amounts in the account's currency."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question to all accounts of a group."""

    text: str
    """The name of its answer among the group's fields."""
    function: str
    at: Mapping[str, Asked]
    """By venue."""


class Groups:
    """All groups there are, with the rules about them; false when there is none."""

    def __init__(
        self,
        groups: Iterable[Group] = (),
        catalogues: Mapping[str, Catalogue] | None = None,
        rules: Iterable[Rule] = (),
    ) -> None:
        """`catalogues` are those of the venues, by the venue's name; the rules are checked, and may be any.

        Raises:
            UncheckedRuleError: A rule about a group asks its accounts what they cannot answer.
        """
        self.named = {group.name: group for group in groups}
        self.rules = tuple(rule for rule in rules if rule.of_group)
        """The rules about groups."""
        self._found: dict[str, Aggregate] = {}
        self.questions = {name: tuple(self._questions(group, catalogues or {})) for name, group in self.named.items()}
        """By the group's name, what its rules ask."""
        self._of: dict[Account, tuple[str, ...]] = {}

    def __bool__(self) -> bool:
        """Whether there is any group."""
        return bool(self.named)

    def of(self, account: Account) -> tuple[str, ...]:
        """The names of the groups that the account belongs to; a group belongs to itself."""
        if account.key.venue == GROUPS:
            return (account.key.id,)
        found = self._of.get(account)
        if found is None:
            found = self._of[account] = tuple(name for name, group in self.named.items() if group.holds(account))
        return found

    @property
    def catalogue(self) -> Catalogue:
        """The fields of groups: the answers to all their questions."""
        return answers(self._found.values())

    def _questions(self, group: Group, catalogues: Mapping[str, Catalogue]) -> Iterator[Question]:
        here = {venue: catalogues[venue] for venue in group.venues}
        found: dict[str, Aggregate] = {}
        for rule in self.rules:
            if not rule.selector.groups or group.name in rule.selector.groups:
                found.update(_asked(rule, here))
        self._found |= found
        for each in found.values():
            at = {venue: _compiled(each, venue, here[venue]) for venue in each.arguments}
            yield Question(each.text, each.function, at)


def _asked(rule: Rule, catalogues: Mapping[str, Catalogue]) -> Iterator[tuple[str, Aggregate]]:
    node = parse(rule.expression)
    if isinstance(node, Fault):
        raise UncheckedRuleError(rule, node)
    # A name from another venue's catalogue is no fault here: the loader saw to the names.
    found, faults = aggregates(node, catalogues, names(node))
    if faults:
        raise UncheckedRuleError(rule, faults[0])
    return ((each.text, each) for each in found)


def _compiled(aggregate: Aggregate, venue: str, fields: Catalogue) -> Asked:
    node = aggregate.arguments[venue]
    money = (name for name in names(node) if fields.fields[name].unit in {Unit.MONEY, Unit.PRICE})
    return Asked(compile_value(node), names(node), tuple(money))
