"""The functions of the language; a new one is added here first."""

from __future__ import annotations

from typing import Final

TEMPORAL: Final = frozenset({"prior", "changed", "increased", "decreased"})
"""Those that read an account's last known values. `prior(x)` has the unit of x, the others are true or false."""

QUANTIFIERS: Final = frozenset({"any", "all"})
"""Those that ask a condition of every position."""

FUNCTIONS: Final = TEMPORAL | QUANTIFIERS | {"abs"}
"""All of them; each takes one argument."""

WINDOWS: Final = frozenset({"min", "max", "mean", "first", "last", "delta", "rate", "drawdown"})
"""Functions over a window of time (`"30m"`, `"session"`). Their names are taken; this version cannot evaluate them."""
