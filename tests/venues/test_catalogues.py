"""Every kind of venue keeps the promises its catalogue, its sample and its settings make."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from pydantic import BaseModel

from marginwatch.core.fields import COMMON_UNITS, Catalogue, Unit, catalogue
from marginwatch.venues.helio import VENUE as HELIO
from marginwatch.venues.stonex import VENUE as STONEX

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from marginwatch.core.fields import Field
    from marginwatch.core.model import Value
    from marginwatch.venues.protocol import VenueKind

KINDS = pytest.mark.parametrize("kind", [STONEX, HELIO], ids=lambda kind: kind.kind)

TYPES: Mapping[Unit, type] = {
    Unit.FLAG: bool,
    Unit.TEXT: str,
    Unit.TIME: datetime,
    Unit.SET: frozenset,
}


def everything(found: Catalogue) -> list[Field]:
    return [*found.fields.values(), *found.positions.values()]


@KINDS
def test_common_names_carry_their_units(kind: VenueKind) -> None:
    """A rule written for one venue means the same at another."""
    for field in kind.catalogue:
        assert COMMON_UNITS.get(field.name, field.unit) is field.unit, field.name


@KINDS
def test_every_field_says_what_it_is_and_where_it_comes_from(kind: VenueKind) -> None:
    """One sentence, and a place in a reply, for each."""
    for field in everything(kind.catalogue):
        assert field.meaning.endswith("."), field
        assert ":" in field.path, field
        assert field.name != field.documented, field


@KINDS
def test_the_sample_has_every_field_in_its_type(kind: VenueKind) -> None:
    """Message templates are tried on it, so nothing may be missing or of another type."""

    def check(told: Mapping[str, Value], fields: Iterable[Field]) -> None:
        for field in fields:
            assert isinstance(told[field.name], TYPES.get(field.unit, Decimal)), field
            assert not field.values or told[field.name] in field.values, field

    assert kind.sample.positions is not None
    check(kind.sample.fields, kind.catalogue)
    check(kind.sample.positions[0], kind.catalogue.positions.values())
    assert (kind.sample.as_of is None) == ("age" not in kind.catalogue.fields)


@KINDS
def test_the_settings_refuse_what_they_do_not_know(kind: VenueKind) -> None:
    """Errors never show a value, and an unknown key is one."""
    assert issubclass(kind.settings, BaseModel)
    assert kind.settings.model_config.get("extra") == "forbid"
    assert kind.settings.model_config.get("hide_input_in_errors") is True


def test_a_name_declared_twice_is_refused() -> None:
    """A plug-in that contradicts itself is a programming error, told at once."""
    field = next(iter(HELIO.catalogue))
    with pytest.raises(ValueError, match="the field equity is declared twice"):
        catalogue("x", [field, dataclasses.replace(field, meaning="Another.")], [])


def test_describing_the_kinds_loads_no_network_library() -> None:
    """Checking a config need not wait for libraries that only polling uses."""
    script = (
        "import sys, marginwatch.venues.stonex, marginwatch.venues.helio;"
        "print(sorted({'httpx', 'msgspec', 'grpc'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
