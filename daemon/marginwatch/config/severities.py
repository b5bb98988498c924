"""Severities as people write them in files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from marginwatch.config.keys import wrong
from marginwatch.config.suggest import did_you_mean
from marginwatch.core.model import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable


def _one_of(words: Iterable[str]) -> str:
    *most, last = (f'"{word}"' for word in words)
    return f"{', '.join(most)} or {last}"


def _severity(value: object) -> Severity:
    labels = {severity.label: severity for severity in Severity}
    if isinstance(value, Severity):
        return value
    if not isinstance(value, str) or value not in labels:
        meant = did_you_mean(value, labels) if isinstance(value, str) else ""
        raise wrong("; ".join((f"must be {_one_of(labels)}", *filter(None, [meant]))))
    return labels[value]


SeverityName = Annotated[
    Severity,
    BeforeValidator(_severity),
    PlainSerializer(lambda severity: severity.label),
    WithJsonSchema({"enum": [severity.label for severity in Severity]}),
]
