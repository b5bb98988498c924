"""The rules of one venue made ready: pruned to its fields, compiled, and picked by account."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING

from marginwatch.core.calendar import Sessions
from marginwatch.core.condition import BREAKS, Fault, check, compile_screen, compile_value, names, parse, written
from marginwatch.core.condition.aggregate import lowered
from marginwatch.core.condition.nodes import Call, Comparison, Logic, Node, Number, Windowed, walk
from marginwatch.core.condition.window import SESSION
from marginwatch.core.defined import defined_in
from marginwatch.core.model import GROUPS, TIMES, times
from marginwatch.core.nearness import Reach
from marginwatch.core.rule import RuleKind
from marginwatch.core.selecting import picks_accounts, selects, selects_venue
from marginwatch.core.windows import Plan
from marginwatch.errors import MarginwatchError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from marginwatch.core.calendar import Calendar
    from marginwatch.core.condition import Evaluation, Scope, Screening
    from marginwatch.core.fields import Catalogue
    from marginwatch.core.model import Account, Observation, Value
    from marginwatch.core.rule import Rule

__all__ = ["BREAKS", "AccountRules", "Applied", "UncheckedRuleError", "VenueRules", "revision"]


class UncheckedRuleError(MarginwatchError):
    """A rule came here that its loader should have refused."""

    def __init__(self, rule: Rule, fault: Fault) -> None:
        super().__init__(f"the rule {rule.id} cannot be evaluated: {fault.what}")


@dataclass(frozen=True, slots=True)
class Applied:
    """A rule as it applies at a venue."""

    rule: Rule
    node: Node
    """Its expression without what the venue lacks."""
    evaluation: Evaluation
    """The value of the expression, for an account or for one position."""
    alarm: Node
    """Its expression as a condition of the account: some level holds, somewhere."""
    windows: tuple[str, ...]
    """The windows of time in it, as `written`, and those of `defined`."""
    defined: Mapping[str, Windowed] = field(default_factory=dict)
    """What the venue does not answer and the rule names all the same: the window that each name stands for."""


def revision(rules: Iterable[Rule]) -> str:
    """A hash of all that a set of rules decides by, whatever their order."""
    words = sorted(f"{rule.id}\0{rule.revision}\0" for rule in rules)
    return sha256("".join(words).encode()).hexdigest()[:16]


class VenueRules:
    """The rules of one venue. Accounts to which the same ones apply share one compiled function."""

    def __init__(
        self,
        venue: str,
        catalogue: Catalogue,
        rules: Sequence[Rule],
        calendars: Mapping[str, Calendar] | None = None,
        calendar: str = "",
    ) -> None:
        """Make checked rules ready; those of other venues, and those built in, are passed over.

        `calendars` are all there are, by name; `calendar` names the one of rules that name none.
        """
        self.venue = venue
        self.catalogue = catalogue
        self._sessions = {name: Sessions(each) for name, each in (calendars or {}).items()}
        wanted = [rule for rule in rules if _concerns(rule, venue)]
        made = [(rule, self._apply(rule, rule.calendar or calendar)) for rule in wanted]
        self.applied = tuple(applied for _, applied in made if applied is not None)
        self.absent = tuple(rule.id for rule, applied in made if applied is None)
        """Ids of rules that select this venue and read nothing that it has."""
        picky = any(picks_accounts(each.rule.selector) for each in self.applied)
        self.shared = None if picky else self._of(self.applied)
        """The rules of every account, where they are the same for all."""
        self._shared: dict[tuple[int, ...], AccountRules] = {}
        self._chosen: dict[object, AccountRules] = {}

    def for_account(self, account: Account, labels: Mapping[str, str], groups: Collection[str] = ()) -> AccountRules:
        """The rules that select the account; asked again for every observation, so remembered."""
        if self.shared is not None:
            return self.shared
        who = (account.key.id, account.name, frozenset(labels.items()), frozenset(groups))
        found = self._chosen.get(who)
        if found is None:
            found = self._chosen[who] = self._choose(account, labels, groups)
        return found

    def _choose(self, account: Account, labels: Mapping[str, str], groups: Collection[str]) -> AccountRules:
        chosen = tuple(
            number for number, each in enumerate(self.applied) if selects(each.rule.selector, account, labels, groups)
        )
        if chosen not in self._shared:
            self._shared[chosen] = self._of(tuple(self.applied[number] for number in chosen))
        return self._shared[chosen]

    def _of(self, applied: tuple[Applied, ...]) -> AccountRules:
        nodes = (node for each in applied for node in (each.node, *each.defined.values()))
        return AccountRules(applied, self.catalogue, Plan(nodes, self._sessions))

    def _apply(self, rule: Rule, calendar: str) -> Applied | None:
        """The rule at this venue, None when it is wholly absent there."""
        node = parse(rule.expression)
        if isinstance(node, Fault):
            raise UncheckedRuleError(rule, node)
        if rule.of_group:
            node = lowered(node)
        # A name from another venue's catalogue is no fault here: the loader saw to the names.
        scope: Scope = "position" if rule.each else "account"
        checked = check(node, self.catalogue, names(node), scope=scope, kind=rule.kind, calendar=calendar)
        if checked.faults:
            raise UncheckedRuleError(rule, checked.faults[0])
        if checked.node is None:
            return None
        defined = defined_in(rule, checked.node, self.catalogue, calendar)
        asked = (part for part in walk(checked.node) if isinstance(part, Windowed))
        windows = {written(part): part for part in (*asked, *defined.values())}
        sessions = [part for part in windows.values() if part.window.value == SESSION]
        if any(part.calendar not in self._sessions for part in sessions):
            raise UncheckedRuleError(rule, Fault(0, 0, f"there is no calendar {calendar}"))
        alarm = _alarm(rule, checked.node)
        return Applied(rule, checked.node, compile_value(checked.node), alarm, tuple(windows), defined)


class AccountRules:
    """The rules that apply to some accounts of a venue."""

    def __init__(self, applied: tuple[Applied, ...], catalogue: Catalogue, windows: Plan) -> None:
        self.applied = applied
        self.catalogue = catalogue
        self.windows = windows
        """What the rules ask of the time past; false when they ask nothing."""
        self.numbers = {each.rule.id: number for number, each in enumerate(applied)}
        """Rule id to its place in `applied`."""
        self.reads_times = any(not TIMES.isdisjoint(names(each.node)) for each in applied)
        """Whether a rule asks for the times of an observation, which are not among its fields."""
        self.reach = Reach(each.rule for each in applied)
        self._screen: Screening = compile_screen([each.alarm for each in applied])

    def facts(self, observation: Observation) -> Mapping[str, Value]:
        """The fields the rules may read, the times among them where one does."""
        if not self.reads_times or observation.as_of is None:
            return observation.fields
        return {**observation.fields, **times(observation.as_of, observation.fetched_at)}

    def alarmed(
        self,
        fields: Mapping[str, Value],
        known: Mapping[str, Value],
        positions: Sequence[Mapping[str, Value]] | None,
    ) -> list[int]:
        """The places of the rules that are not known to be false: none, nearly always."""
        try:
            return self._screen(fields, known, positions)
        except BREAKS:
            return list(range(len(self.applied)))


def _concerns(rule: Rule, venue: str) -> bool:
    """Whether the rule, if it is not built in, is for the venue, or for groups where that is their venue."""
    if rule.kind is RuleKind.HEALTH or rule.of_group != (venue == GROUPS):
        return False
    return selects_venue(rule.selector, venue)


def _alarm(rule: Rule, node: Node) -> Node:
    """Of the levels that lead the same way the mildest stands for all: none is crossed before it."""
    limits = {level.operator: level.limit for level in reversed(rule.levels) if level.limit is not None}
    mildest = {operator[0]: (operator, limit) for operator, limit in limits.items()}
    crossed = tuple(Comparison(operator, node, Number(limit)) for operator, limit in mildest.values())
    condition = node if not crossed else crossed[0] if len(crossed) == 1 else Logic("or", crossed)
    return Call("any", condition) if rule.each else condition
