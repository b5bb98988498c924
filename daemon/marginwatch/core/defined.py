"""Names that a venue does not answer and that stand for a window over what it does: `day_pnl` without a base."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from marginwatch.core import template
from marginwatch.core.condition import Fault, check, parse, written
from marginwatch.core.condition.nodes import Name, Windowed, names, walk
from marginwatch.core.rule import RuleKind
from marginwatch.core.selecting import selects_venue
from marginwatch.core.windows import Pending

if TYPE_CHECKING:
    from collections.abc import Mapping

    from marginwatch.core.condition import Node, Scope
    from marginwatch.core.draft import Draft
    from marginwatch.core.fields import Catalogue
    from marginwatch.core.model import AccountKey, Value
    from marginwatch.core.rule import Rule


def defined_in(rule: Rule, checked: Node, catalogue: Catalogue, calendar: str) -> dict[str, Windowed]:
    """What the names stand for, by name, that the rule reads or its summary shows and the venue does not answer.

    `checked` is the rule's expression at the venue, `calendar` names the sessions of its windows.
    """
    found: dict[str, Windowed] = {}
    for name in catalogue.defined:
        meant = check(Name(name), catalogue, (name,), calendar=calendar).node
        if isinstance(meant, Windowed) and (meant in walk(checked) or name in _shown(rule)):
            found[name] = meant
    return found


def defined_names(rule: Rule, venue: str, catalogue: Catalogue) -> tuple[str, ...]:
    """The names of a checked rule that stand for something else at the venue; none where it is not for the venue."""
    node = parse(rule.expression)
    if isinstance(node, Fault) or rule.kind is RuleKind.HEALTH or not selects_venue(rule.selector, venue):
        return ()
    scope: Scope = "position" if rule.each else "account"
    checked = check(node, catalogue, names(node), scope=scope, kind=rule.kind).node
    return () if checked is None else tuple(defined_in(rule, checked, catalogue, ""))


@dataclass(frozen=True, slots=True)
class Worked:
    """What such a name comes to."""

    value: Value
    """The last known one."""
    meaning: str
    """What it stands for, as the catalogue has it."""


def worked_out(draft: Draft, account: AccountKey, rule: str) -> Mapping[str, Worked]:
    """The names that a rule or its summary has and the account's venue does not answer, for a message about it."""
    state, watch = draft.account(account), draft.watch(account.venue)
    if state is None or watch is None or state.observed_at is None:
        return {}
    rules = draft.ruling.rules_of(watch, state.account)
    number, pending = rules.numbers.get(rule), _windows(draft, account)
    defined = {} if number is None else rules.applied[number].defined
    if not defined or pending is None:
        return {}
    # The latest sample once more, but with what is known: a field that is null now was something before.
    values = pending.see(rules.windows, state.known, state.observed_at).values()
    return {
        name: Worked(values[written(meant)], rules.catalogue.defined[name].meaning) for name, meant in defined.items()
    }


def _windows(draft: Draft, account: AccountKey) -> Pending | None:
    """A copy of the account's windows as of now in this tick."""
    pending, kept = draft.windows.get(account), draft.memory.windows.get(account)
    if pending is not None:
        return Pending(pending.kept, list(pending.samples))
    return None if kept is None else Pending(kept)


def _shown(rule: Rule) -> tuple[str, ...]:
    parsed = template.parse(rule.summary)
    return () if isinstance(parsed, template.TemplateFault) else tuple(each.name for each in parsed.placeholders)
