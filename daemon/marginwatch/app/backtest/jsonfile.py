"""Observations as JSON, one object a line."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from marginwatch.app.backtest.lines import WHO, Lines
from marginwatch.config.suggest import did_you_mean
from marginwatch.core.model import Observation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from marginwatch.core.fields import Field
    from marginwatch.core.model import Value

JSON_KEYS: Final = (*WHO, "fields", "positions")


class JsonLines(Lines):
    """A file with one JSON object a line."""

    def rows(self, lines: Iterable[str]) -> Iterator[tuple[int, Observation]]:
        """Each line that holds anything."""
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield number, self._observation(number, self._object(number, line))

    def _object(self, number: int, line: str) -> dict[str, Any]:
        try:
            said = json.loads(line, parse_float=Decimal, parse_int=Decimal, parse_constant=str)
        except (ValueError, RecursionError):
            raise self.wrong(number, "the line is not a JSON object") from None
        if not isinstance(said, dict):
            raise self.wrong(number, "the line is not a JSON object")
        stranger = next((name for name in said if name not in JSON_KEYS), None)
        if stranger is not None:
            hint = did_you_mean(stranger, JSON_KEYS) or "fields of the account stand in `fields`"
            raise self.wrong(number, f"there is no key `{stranger}`", hint)
        return said

    def _observation(self, number: int, said: Mapping[str, Any]) -> Observation:
        key = self.key(number, said.get("venue"), said.get("account"))
        catalogue = self.catalogues[key.venue]
        as_of, positions = said.get("as_of"), said.get("positions")
        if positions is not None and not isinstance(positions, list):
            raise self.wrong(number, "`positions` must be a list of objects")
        return Observation(
            key,
            self.moment(number, said.get("time"), "time"),
            None if as_of is None else self.moment(number, as_of, "as_of"),
            self._values(number, said.get("fields"), "fields", catalogue.fields, key.venue),
            None
            if positions is None
            else tuple(
                self._values(number, each, "positions", catalogue.positions, f"a position of {key.venue}")
                for each in positions
            ),
        )

    def _values(self, number: int, said: object, key: str, fields: Mapping[str, Field], owner: str) -> dict[str, Value]:
        if not isinstance(said, dict):
            raise self.wrong(number, f"`{key}` must be an object of fields and their values")
        return {
            name: None if value is None else self.read(number, name, self.reader(number, fields, name, owner), value)
            for name, value in said.items()
        }
