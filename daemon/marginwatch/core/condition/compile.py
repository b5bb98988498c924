"""From checked expressions to Python code that is compiled once and evaluated ever after.

Every field is read once and every number is worked out once, into a local variable that is None when unknown. Truth
is written as two plain Python conditions, `surely` (known to be true) and `maybe` (not known to be false), so that
Kleene's logic costs no call: `not`, `and`, `or` of either are ordinary boolean code. No word of an expression enters
the code: literals and names of fields are constants beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from marginwatch.core.condition.arithmetic import OPERATIONS, SWIFT, absolute, negative
from marginwatch.core.condition.check import POSITION
from marginwatch.core.condition.nodes import (
    Arithmetic,
    Call,
    Choices,
    Comparison,
    Logic,
    Membership,
    Name,
    Negative,
    Node,
    Not,
    Number,
    Text,
    Truth,
    Windowed,
    names,
)
from marginwatch.core.condition.written import written

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from marginwatch.core.model import Value

Evaluation: TypeAlias = "Callable[[Mapping[str, Value], Mapping[str, Value], object], Value]"
"""(fields, last known fields, positions or the one position) to the value, None when it is unknown.

The value of each window stands among the fields, under its text as `written` gives it.
"""

Sampling: TypeAlias = "Callable[[Mapping[str, Value]], tuple[Value, ...]]"
"""(fields) to the value of each of some expressions."""

Screening: TypeAlias = (
    "Callable[[Mapping[str, Value], Mapping[str, Value], Sequence[Mapping[str, Value]] | None], list[int]]"
)
"""(fields, last known fields, positions) to the numbers of the conditions that are not known to be false."""

BREAKS: Final = (TypeError, ValueError, ArithmeticError, LookupError, AttributeError)
"""What evaluating a value of a type that its catalogue does not promise can raise."""

_CHANGES: Final = {"changed": "!=", "increased": ">", "decreased": "<"}


def compile_value(node: Node) -> Evaluation:
    """The code of one expression.

    Its third argument is the account's positions (None when they are unknown), or for an expression of a rule with
    `each = "position"` the position.
    """
    program = _Program()
    body = _Body(program)
    result = body.value(node)
    return cast("Evaluation", program.built(body, result))


def compile_screen(conditions: Sequence[Node]) -> Screening:
    """One function that looks at many conditions of an account at once; what they share is read and reckoned once."""
    program = _Program()
    body = _Body(program)
    body.head.append("hits = []")
    for number, condition in enumerate(conditions):
        maybe = body.maybe(condition)
        body.lines.append(f"if {maybe}: hits.append({number})")
    return cast("Screening", program.built(body, "hits"))


def compile_sample(nodes: Sequence[Node]) -> Sampling:
    """One function that gives the values of all expressions, of the account's present fields alone."""
    program = _Program()
    body = _Body(program)
    values = "".join(f"{body.value(node)}, " for node in nodes)
    compiled = program.built(body, f"({values})")
    return cast("Sampling", lambda fields: compiled(fields, fields, None))


class _Program:
    """The code and constants of one compiled function and of the loops over positions it calls."""

    def __init__(self) -> None:
        self._names: dict[str, object] = {"negative": negative, "absolute": absolute}
        self._constants: dict[tuple[type, object], str] = {}
        self._code: list[str] = []

    def constant(self, value: object) -> str:
        """The name of a constant; equal ones share it."""
        name = self._constants.setdefault((type(value), value), f"c{len(self._constants)}")
        self._names[name] = value
        return name

    def loop(self, condition: Node) -> str:
        """The name of a new function that says whether a condition holds for any position."""
        body = _Body(self, "position")
        surely, maybe = body.surely(condition), body.maybe(condition)
        name = f"any{len(self._code)}"
        each = [*body.lines, f"if {surely}: return True", f"if {maybe}: found = None"]
        start = ["if not positions: return None if positions is None else False", "found = False", *body.head]
        looped = ["for position in positions:", *("    " + line for line in each)]
        self._define(name, [*start, *looped, "return found"])
        return name

    def built(self, body: _Body, result: str) -> Callable[..., object]:
        """The compiled function of this body."""
        self._define("compiled", [*body.head, *body.lines, f"return {result}"])
        code = compile("\n".join(self._code), "<rules>", "exec")
        exec(code, self._names)  # noqa: S102  (our own code: of an expression it holds structure only, no words)
        compiled = self._names["compiled"]
        assert callable(compiled)
        return compiled

    def _define(self, name: str, lines: list[str]) -> None:
        self._code.append("\n    ".join([f"def {name}(fields, known, positions):", *lines]))


@dataclass(frozen=True, slots=True)
class _Mode:
    """How a condition is written so that its unknown counts as one side."""

    joined: str
    missing: str
    flag: str


_SURELY: Final = _Mode(" and ", "is not None", "is True")
_MAYBE: Final = _Mode(" or ", "is None", "is not False")
_OPPOSITE: Final = {_SURELY: _MAYBE, _MAYBE: _SURELY}


class _Body:
    """The lines of one function."""

    def __init__(self, program: _Program, position: str = "positions") -> None:
        self.head: list[str] = []
        """What is the same for every position: the account's own fields, and what follows from them alone."""
        self.lines: list[str] = []
        self._program = program
        self._position = position
        self._fields = "fields"
        self._values: dict[tuple[Node, str], str] = {}
        self._count = 0

    def surely(self, node: Node) -> str:
        """Python for: the condition is known to be true."""
        return self._truth(node, _SURELY)

    def maybe(self, node: Node) -> str:
        """Python for: the condition is not known to be false."""
        return self._truth(node, _MAYBE)

    def value(self, node: Node) -> str:
        """The name of the variable or constant that holds the value."""
        key = (node, self._fields)
        if key not in self._values:
            self._values[key] = self._worked_out(node)
        return self._values[key]

    def _worked_out(self, node: Node) -> str:
        match node:
            case Number(value=value) | Text(value=value) | Truth(value=value):
                name = self._program.constant(value)
            case Choices(items=items):
                name = self._program.constant(frozenset(item.value for item in items))
            case Name(name=field):
                name = self._read(field)
            case Windowed():
                name = self._read(written(node))
            case Negative(operand=operand):
                name = self._assign(node, f"negative({self.value(operand)})")
            case Arithmetic():
                name = self._arithmetic(node)
            case Call(function="prior", argument=argument):
                name = self._before(argument)
            case Call(function="abs", argument=argument):
                name = self._assign(node, f"absolute({self.value(argument)})")
            case Call(function="any", argument=argument):
                name = self._assign(node, f"{self._program.loop(argument)}(fields, known, positions)")
            case _:
                name = self._assign(node, f"True if {self.surely(node)} else None if {self.maybe(node)} else False")
        return name

    def _assign(self, node: Node, code: str) -> str:
        self._count += 1
        self._place(node).append(f"v{self._count} = {code}")
        return f"v{self._count}"

    def _place(self, node: Node) -> list[str]:
        """Where the node is worked out: before the loop when it is the same for every position."""
        varies = self._position == "positions" or any(name.startswith(POSITION) for name in names(node))
        return self.lines if varies else self.head

    def _read(self, name: str) -> str:
        self._count += 1
        if name.startswith(POSITION):
            source, lines, name = self._position, self.lines, name.removeprefix(POSITION)
        else:
            source, lines = self._fields, self.head
        lines.append(f"v{self._count} = {source}.get({self._program.constant(name)})")
        return f"v{self._count}"

    def _arithmetic(self, node: Arithmetic) -> str:
        total = self.value(node.first)
        for sign, operand in node.rest:
            total = self._reckon(node, sign, total, self.value(operand))
        return total

    def _reckon(self, node: Node, sign: str, left: str, right: str) -> str:
        """Of known numbers without a call of ours, which would take longer than the rest of most rules."""
        swift, operation = self._program.constant(SWIFT[sign]), self._program.constant(OPERATIONS[sign])
        unknown = " or ".join(f"{name} is None" for name in (left, right) if name.startswith("v"))
        known = f"{swift}({left}, {right})"
        self._count += 1
        self._place(node).extend(
            (
                f"try: v{self._count} = {f'None if {unknown} else {known}' if unknown else known}",
                f"except (ArithmeticError, TypeError): v{self._count} = {operation}({left}, {right})",
            )
        )
        return f"v{self._count}"

    def _before(self, node: Node) -> str:
        self._fields = "known"
        before = self.value(node)
        self._fields = "fields"
        return before

    def _truth(self, node: Node, mode: _Mode) -> str:
        match node:
            case Truth(value=value):
                code = str(value)
            case Not(operand=operand):
                code = "not " + self._truth(operand, _OPPOSITE[mode])
            case Logic(operator=operator, operands=operands):
                code = f" {operator} ".join(self._truth(operand, mode) for operand in operands)
            case Comparison(operator=operator, left=left, right=right):
                code = self._related(self.value(left), operator, self.value(right), mode)
            case Membership(item=item, among=among, negated=negated):
                code = self._related(self.value(item), "not in" if negated else "in", self.value(among), mode)
            case Call(function="changed" | "increased" | "decreased" as function, argument=argument):
                code = self._changing(_CHANGES[function], argument, mode)
            case Call(function="all", argument=argument):
                code = "not " + self._truth(Call("any", Not(argument)), _OPPOSITE[mode])
            case _:
                code = f"{self.value(node)} {mode.flag}"
        return f"({code})"

    def _related(self, left: str, operator: str, right: str, mode: _Mode) -> str:
        tests = [f"{name} {mode.missing}" for name in dict.fromkeys((left, right)) if name.startswith("v")]
        return mode.joined.join([*tests, f"{left} {operator} {right}"])

    def _changing(self, operator: str, argument: Node, mode: _Mode) -> str:
        """A field never known before has not changed: the first sight of it is no change."""
        now, before = self.value(argument), self._before(argument)
        return f"{now} {mode.missing}{mode.joined}{before} is not None and {now} {operator} {before}"
