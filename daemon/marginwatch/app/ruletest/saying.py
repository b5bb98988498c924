"""What a step says of the account: its fields and positions, read by the catalogue of the venue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from marginwatch.app.ruletest.entry import Entry
from marginwatch.app.ruletest.model import Gap
from marginwatch.app.ruletest.values import read_value
from marginwatch.config.suggest import did_you_mean
from marginwatch.core.fields import Unit
from marginwatch.errors import Place, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from marginwatch.app.ruletest.model import Said
    from marginwatch.config.document import Node
    from marginwatch.core.fields import Catalogue, Field
    from marginwatch.core.model import Value

SAYS: Final = ("set", "null", "unset", "positions")
"""Keys that say what the account answers: each makes it answer at once."""
_POSITIONS: Final = "positions"
_SET_LIKE: Final = 'write it like set = { margin_usage = "85%" }'


class SaidReader:
    """Reads what the steps of one test say, at one venue."""

    def __init__(self, catalogue: Catalogue, everywhere: Iterable[Catalogue], problems: list[Problem]) -> None:
        """`everywhere` has the catalogues of all kinds of venue, to tell a name of theirs from a misspelt one."""
        self._catalogue = catalogue
        self._everywhere = tuple(everywhere)
        self._problems = problems

    def says(self, step: Entry) -> dict[str, Said]:
        """What changes in the fields of the account."""
        says: dict[str, Said] = {}
        table = step.table("set", _SET_LIKE)
        catalogue = self._catalogue
        for name, node in _flattened(table.node) if table else ():
            field = self._field(name, catalogue.fields, node)
            if field is not None:
                value = self._value(field, node)
                says.update(_with_flags(field, value, catalogue) if isinstance(value, frozenset) else {name: value})
        for key, said in (("null", None), ("unset", Gap.MISSING)):
            for node in step.words(key) or ():
                name = str(node.value)
                if not (name == _POSITIONS and said is Gap.MISSING) and self._field(name, catalogue.fields, node):
                    says[name] = said
        return _with_other_names(says, catalogue)

    def _field(self, name: str, fields: Mapping[str, Field], node: Node) -> Field | None:
        field = fields.get(name)
        if field is None:
            place = node.key_place if node.key >= 0 else node.place
            self._problems.append(self._stranger(name, place, of_positions=fields is not self._catalogue.fields))
        return field

    def _stranger(self, name: str, place: Place, *, of_positions: bool) -> Problem:
        """No field of this venue; one of another, or most likely misspelt."""
        names = {each.kind: each.positions if of_positions else each.fields for each in self._everywhere}
        elsewhere = [kind for kind, fields in names.items() if name in fields]
        what = f"there is no field `{name}`" + (" of a position" if of_positions else "")
        defined = None if of_positions else self._catalogue.defined.get(name)
        if defined is not None:
            hint = f"{name} is {defined.path} there: set what that reads"
            return Problem(place, f"{what} at {self._catalogue.kind}", hint)
        if elsewhere:
            return Problem(place, f"{what} at {self._catalogue.kind}", f"{' and '.join(elsewhere)} has it")
        return Problem(place, what, did_you_mean(name, [name for fields in names.values() for name in fields]))

    def _value(self, field: Field, node: Node) -> Value:
        value = read_value(field, node)
        if isinstance(value, Problem):
            self._problems.append(value)
            return None
        if isinstance(value, frozenset):
            self._check_words(field, node, value)
        return value

    def _check_words(self, field: Field, node: Node, words: frozenset[str]) -> None:
        """Where each word of a set has a flag of its own, no other word is ever in it."""
        known = _flags(field, self._catalogue)
        for word in sorted(words - known) if known else ():
            hint = did_you_mean(word, known) or f"the words are {', '.join(sorted(known))}"
            self._problems.append(Problem(node.place, f"the venue never says `{word}` in `{field.name}`", hint))

    def positions(self, step: Entry) -> tuple[Mapping[str, Value], ...] | Gap | None:
        """All positions from now on, None where the answer has none of them, MISSING where they stay as they are."""
        if any(node.value == _POSITIONS for node in step.words("unset") or ()):
            return None
        if _POSITIONS not in step:
            return Gap.MISSING
        rows = step.items(_POSITIONS, 'write it like [{ symbol = "ES", quantity = 2 }]')
        return tuple(self._position(Entry(row, self._problems)) for row in rows)

    def _position(self, row: Entry) -> Mapping[str, Value]:
        if not isinstance(row.node.value, dict):
            row.problem(row.node.place, f"a position must be a table, not {row.node.kind}")
        values: dict[str, Value] = {}
        for name, node in _flattened(row.node):
            field = self._field(name, self._catalogue.positions, node)
            if field is not None:
                values[name] = self._value(field, node)
        return values


def _flattened(table: Node, before: str = "") -> list[tuple[str, Node]]:
    """Names and their nodes; `permissions.trade = true` without quotes is a table in a table."""
    found: list[tuple[str, Node]] = []
    for name, node in table.value.items() if isinstance(table.value, dict) else ():
        inner = _flattened(node, f"{before}{name}.") if isinstance(node.value, dict) else [(f"{before}{name}", node)]
        found += inner
    return found


def _with_other_names(says: Mapping[str, Said], catalogue: Catalogue) -> dict[str, Said]:
    """What is said of a field, under each name that is read from the same place of the reply."""
    read = {(catalogue.fields[name].path, catalogue.fields[name].unit): said for name, said in says.items()}
    return {**{each.name: read[each.path, each.unit] for each in catalogue if (each.path, each.unit) in read}, **says}


def _flags(field: Field, catalogue: Catalogue) -> frozenset[str]:
    """The words of a set that have a flag of their own: `permissions.trade` is that of `trade`."""
    start = f"{field.name}."
    return frozenset(
        each.name.removeprefix(start) for each in catalogue if each.unit is Unit.FLAG and each.name.startswith(start)
    )


def _with_flags(field: Field, words: frozenset[str], catalogue: Catalogue) -> dict[str, Said]:
    """A set, and the flags that say the same one by one."""
    flags: dict[str, Said] = {f"{field.name}.{word}": word in words for word in _flags(field, catalogue)}
    return {**flags, field.name: words}
