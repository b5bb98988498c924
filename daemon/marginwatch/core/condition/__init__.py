"""The language of rules: a small typed one with Python's operators, parsed, checked and compiled by ourselves."""

from __future__ import annotations

from marginwatch.core.condition.amounts import Amount, Limit, parse_amount, parse_duration, parse_level, unit_fault
from marginwatch.core.condition.check import POSITION, Checked, Scope, check, every_name
from marginwatch.core.condition.compile import (
    BREAKS,
    Evaluation,
    Sampling,
    Screening,
    compile_sample,
    compile_screen,
    compile_value,
)
from marginwatch.core.condition.interpret import Past, Scene, interpret
from marginwatch.core.condition.nodes import Fault, Node, names
from marginwatch.core.condition.syntax import parse
from marginwatch.core.condition.written import written

__all__ = [
    "BREAKS",
    "POSITION",
    "Amount",
    "Checked",
    "Evaluation",
    "Fault",
    "Limit",
    "Node",
    "Past",
    "Sampling",
    "Scene",
    "Scope",
    "Screening",
    "check",
    "compile_sample",
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
    "written",
]
