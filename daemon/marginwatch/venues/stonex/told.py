"""What one answer says, before it is joined with the others of its account."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from marginwatch.core.model import Value


@dataclass(frozen=True, slots=True)
class Told:
    """Fields by catalogue name, and positions where the answer lists them."""

    fields: dict[str, Value]
    positions: tuple[Mapping[str, Value], ...] | None = None
