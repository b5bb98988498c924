"""The language of rules: a small typed one with Python's operators, parsed, checked and compiled by ourselves."""

from __future__ import annotations

from marginwatch.core.condition.amounts import Amount, Limit, parse_amount, parse_duration, parse_level, unit_fault
from marginwatch.core.condition.check import POSITION, Checked, Scope, check, every_name
from marginwatch.core.condition.compile import Evaluation, Screening, compile_screen, compile_value
from marginwatch.core.condition.interpret import Scene, interpret
from marginwatch.core.condition.nodes import Fault, Node, names
from marginwatch.core.condition.syntax import parse

__all__ = [
    "POSITION",
    "Amount",
    "Checked",
    "Evaluation",
    "Fault",
    "Limit",
    "Node",
    "Scene",
    "Scope",
    "Screening",
    "check",
    "compile_screen",
    "compile_value",
    "every_name",
    "interpret",
    "names",
    "parse",
    "parse_amount",
    "parse_duration",
    "parse_level",
    "unit_fault",
]
