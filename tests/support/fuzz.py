"""Answers as no vendor documents them: bytes of any kind, and good bodies with something changed anywhere."""

from __future__ import annotations

from copy import deepcopy
from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import strategies as st

_encode = msgspec.json.Encoder(decimal_format="number").encode

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.text(max_size=20),
    st.sampled_from(
        ["NaN", "sNaN", "-Infinity", "1E+400", "1E-400", "1E+999999", "1_000", "", "0", "-1", "TRADE_STATUS_FULL"]
    ),
    st.sampled_from(["2026-01-01", "2026-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"]),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.lists(st.integers() | st.none(), max_size=3),
    st.dictionaries(st.text(max_size=5), st.integers() | st.none(), max_size=3),
)


@st.composite
def mutated(draw: st.DrawFn, good: Any) -> bytes:  # noqa: ANN401  (because a document may be anything)
    """The good body with one to three values replaced or left out at any depth, at times cut short."""
    body = deepcopy(good)
    for _ in range(draw(st.integers(1, 3))):
        _mutate(draw, body)
    raw = _encode(body)
    return raw[: draw(st.integers(0, len(raw)))] if draw(st.integers(0, 9)) == 0 else raw


def bodies(good: Any) -> st.SearchStrategy[bytes]:  # noqa: ANN401  (because a document may be anything)
    """Anything that may arrive in place of the good body."""
    nested = st.integers(1, 20_000).map(lambda depth: b'{"data":' * depth)
    return st.one_of(mutated(good), mutated(good), st.just(_encode(good)), st.binary(max_size=200), nested)


def decimals_are_sane(value: object) -> bool:
    """Whether no number in a value is one that cannot be reckoned with or written out."""
    return not isinstance(value, Decimal) or (value.is_finite() and -60 <= value.adjusted() <= 60)


def _mutate(draw: st.DrawFn, body: Any) -> None:  # noqa: ANN401  (because a document may be anything)
    inner = body
    while True:
        keys = list(inner) if isinstance(inner, dict) else list(range(len(inner)))
        if not keys:
            return
        key = draw(st.sampled_from(keys))
        if isinstance(inner[key], dict | list) and inner[key] and draw(st.integers(0, 4)):
            inner = inner[key]
            continue
        if isinstance(inner, dict) and draw(st.booleans()):
            del inner[key]
        else:
            inner[key] = draw(VALUES)
        return
