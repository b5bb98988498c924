"""The functions of the language; a new one is added here first."""

from __future__ import annotations

from typing import Final

TEMPORAL: Final = frozenset({"prior", "changed", "increased", "decreased"})
"""Those that read an account's last known values. `prior(x)` has the unit of x, the others are true or false."""

QUANTIFIERS: Final = frozenset({"any", "all"})
"""Those that ask a condition of every position."""

AGGREGATES: Final = QUANTIFIERS | {"sum", "count", "min", "max", "mean"}
"""Those that ask every account of a group, in a rule with `each = "group"`: `sum(equity)`, `count(in_margin_call)`."""

FUNCTIONS: Final = TEMPORAL | AGGREGATES | {"abs"}
"""All that take one argument."""

WINDOWS: Final = frozenset({"min", "max", "mean", "first", "last", "delta", "rate", "drawdown"})
"""Those over a window of time, the second argument: `max(equity, "1d")`, `drawdown(equity, "session")`. `rate` is the
change of its argument in an hour; all have their argument's unit."""
