"""What a step expects of a rule: one word, or a table of what must be so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from marginwatch.app.ruletest.entry import Entry
from marginwatch.app.ruletest.model import Expected, Phase
from marginwatch.config.suggest import did_you_mean
from marginwatch.core.alert import State
from marginwatch.core.model import Severity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from marginwatch.app.ruletest.model import Case
    from marginwatch.config.document import Node

Sequences: TypeAlias = tuple[tuple[State, ...], ...]

KEYS: Final = ("state", "severity", "receivers", "told", "text", "unknown", "flapping", "value")
_SEVERITIES: Final = tuple(severity.label for severity in Severity)
_LIKE: Final = 'write it like "firing" or { state = "firing", severity = "warning" }'


@dataclass(frozen=True, slots=True)
class Word:
    """What one word stands for."""

    phase: Phase | None
    told: Sequences
    """The messages that go with it."""
    unknown: bool | None = None


WORDS: Final[Mapping[str, Word]] = {
    "inactive": Word(Phase.INACTIVE, ((),), unknown=False),
    "pending": Word(Phase.PENDING, ((),)),
    "firing": Word(Phase.FIRING, ((), (State.FIRING,))),
    "worsened": Word(Phase.FIRING, ((State.WORSENED,),)),
    "eased": Word(Phase.FIRING, ((State.EASED,),)),
    "reminder": Word(Phase.FIRING, ((State.REMINDER,),)),
    "resolved": Word(Phase.RESOLVED, ((), (State.RESOLVED,))),
    "event": Word(None, ((State.EVENT,),)),
    "unknown": Word(None, ((), (State.UNKNOWN,)), unknown=True),
}
"""Every word a state may be expected by."""


def read_expected(table: Entry, name: str, case: Case) -> Expected:
    """One entry of `expect`. What is wrong is added to the table's problems."""
    rule, slash, subject = name.partition("/")
    node = table.item(name)
    assert node is not None  # the name is one of its keys
    place = table.key_place(name)
    if isinstance(node.value, str):
        word = _word(table, node)
        return Expected(
            place,
            rule,
            subject if slash else None,
            phase=word.phase,
            told=word.told if case.strict or () not in word.told else None,
            unknown=word.unknown,
            places={"state": node.place},
        )
    if not isinstance(node.value, dict):
        table.problem(node.place, f"what is expected must be a word or a table, not {node.kind}", _LIKE)
        return Expected(place, rule)
    return _Reader(Entry(node, table.problems), case).expected(name)


def _word(table: Entry, node: Node) -> Word:
    text = str(node.value)
    if text not in WORDS:
        hint = did_you_mean(text, WORDS) or f"write {', '.join(WORDS)}"
        table.problem(node.place, f"no alert is ever `{text[:60]}`", hint)
    return WORDS.get(text, WORDS["inactive"])


class _Reader:
    """Reads what is expected as a table."""

    def __init__(self, table: Entry, case: Case) -> None:
        self._table = table
        self._case = case

    def expected(self, name: str) -> Expected:
        """All of its keys."""
        table = self._table
        table.refuse_unknown(KEYS, "what is expected")
        rule, slash, subject = name.partition("/")
        state = table.text("state")
        word = None if state is None else _word(table, state)
        severity = table.word("severity", _SEVERITIES)
        value = table.amount("value")
        return Expected(
            place=table.node.key_place,
            rule=rule,
            subject=subject if slash else None,
            phase=None if word is None else word.phase,
            told=self._told(word),
            severity=None if severity is None else Severity[severity.upper()],
            receivers=self._receivers(),
            text=tuple(str(node.value) for node in table.words("text") or ()),
            unknown=self._unknown(word),
            flapping=table.flag("flapping") if "flapping" in table else None,
            value=value,
            places={key: table.place(key) for key in table.keys},
        )

    def _told(self, word: Word | None) -> Sequences | None:
        nodes = self._table.words("told")
        if nodes is not None:
            return (tuple(state for node in nodes if (state := self._state(node)) is not None),)
        if word is None or (not self._case.strict and () in word.told):
            return None
        return word.told

    def _state(self, node: Node) -> State | None:
        known = [state.value for state in State]
        if node.value not in known:
            hint = did_you_mean(str(node.value), known) or f"write {', '.join(known)}"
            self._table.problem(node.place, f"no message tells of `{str(node.value)[:60]}`", hint)
            return None
        return State(str(node.value))

    def _unknown(self, word: Word | None) -> bool | None:
        if "unknown" in self._table:
            return self._table.flag("unknown")
        return None if word is None else word.unknown

    def _receivers(self) -> tuple[str, ...] | None:
        nodes = self._table.words("receivers")
        if nodes is None:
            return None
        names = [receiver.name for receiver in self._case.receivers]
        for node in nodes:
            if node.value not in names:
                hint = did_you_mean(str(node.value), names) or f"its receivers are {', '.join(names)}"
                self._table.problem(node.place, f"the test has no receiver `{str(node.value)[:60]}`", hint)
        return tuple(sorted({str(node.value) for node in nodes}))
