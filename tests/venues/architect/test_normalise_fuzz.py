"""Whatever bytes a server sends, reading them gives a value."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from marginwatch.core.model import FailureKind, Observation
from marginwatch.venues.architect.fields import CATALOGUE
from marginwatch.venues.architect.normalise import Scope, left_out, normalise, normalise_history, single
from marginwatch.venues.architect.wire import ACCOUNTS, LAST_ACCOUNTS, MARGIN_CALLS, SUMMARIES
from marginwatch.venues.protocol import Part
from support.architect import FIRST, NOW, VENUE, fetched, key, listed, margin_call, summary

if TYPE_CHECKING:
    from collections.abc import Mapping

EVERYTHING = Scope(lambda _: True, "USD")
NUMBERS = st.sampled_from(
    ["0", "-1", "1.10", "NaN", "1e999", "1E-40", "", "1_0", 0, -7, 10**19, 10**30, 1.5, True, None]
)
TIMES = st.sampled_from(["2025-05-15T22:32:21Z", "2025-05-15T22:32:21", "9999-12-31T23:59:59-23:59", "", None, 5])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | NUMBERS | TIMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
VALUES = NUMBERS | TIMES | JSON


def changed(row: Mapping[str, object]) -> st.SearchStrategy[dict[str, object]]:
    """The row with some keys changed and some left out."""
    edits = st.dictionaries(
        st.sampled_from([*row, "realized_pnl", "unrealized_pnl"]), VALUES | st.just(...), max_size=4
    )
    return edits.map(lambda edit: {name: value for name, value in {**row, **edit}.items() if value is not ...})


def replies(name: str, row: Mapping[str, object]) -> st.SearchStrategy[bytes]:
    """A reply near the documented one, or anything at all."""
    rows = st.lists(changed(row) | JSON, max_size=3)
    near = rows.map(lambda found: json.dumps({name: found}).encode())
    return st.one_of(
        near,
        near.map(lambda body: body[: len(body) // 2]),
        st.binary(max_size=40),
        JSON.map(lambda v: json.dumps(v).encode()),
    )


LISTINGS = replies("accounts", listed(trading_enabled=True))
ROWS = summary(positions={"A/USD": [{"quantity": "1", "trade_time": "2025-05-15T22:32:21Z"}]}, yesterday_equity="1")
SUMMARY_REPLIES = replies("account_summaries", ROWS)
CALLS = replies("margin_calls", margin_call(FIRST, due_date="2025-05-15T22:32:21Z"))


@given(listing=LISTINGS, last=LISTINGS, summaries=SUMMARY_REPLIES, alone=changed(ROWS), calls=CALLS)
def test_any_answer_is_read_into_values_of_the_catalogue(
    listing: bytes, last: bytes, summaries: bytes, alone: dict[str, object], calls: bytes
) -> None:
    """Nothing is raised, every failure is a bad answer or an account left out, and every field is in the catalogue."""
    parts = {ACCOUNTS: listing, LAST_ACCOUNTS: last, SUMMARIES: summaries, MARGIN_CALLS: calls, single(key()): alone}
    said = normalise(fetched(parts), EVERYTHING)
    inner = [failure for each in said.observations for failure in each.failures]
    assert {each.kind for each in (*said.failures, *inner)} <= {FailureKind.BAD_ANSWER, FailureKind.ACCOUNT_UNKNOWN}
    for observation in said.observations:
        _check(observation)


@given(listing=LISTINGS, summaries=SUMMARY_REPLIES)
def test_any_answer_can_be_searched_for_accounts_left_out(listing: bytes, summaries: bytes) -> None:
    """The search never raises and names no account without an id."""
    missing = left_out(VENUE, Part(listing, NOW), Part(summaries, NOW), EVERYTHING)
    assert all(each.id for each in missing)


@given(body=replies("history", ROWS))
def test_any_page_of_history_is_read(body: bytes) -> None:
    """A page gives observations of its account and bad answers, nothing else."""
    said = normalise_history(Part(body, NOW), key(), EVERYTHING)
    assert {each.kind for each in said.failures} <= {FailureKind.BAD_ANSWER}
    for observation in said.observations:
        _check(observation)


def test_a_document_nested_without_end_is_a_bad_answer() -> None:
    """Depth ends in a failure, not in the interpreter's stack."""
    deep = b'{"accounts":' + b"[" * 200_000
    said = normalise(fetched({ACCOUNTS: deep, SUMMARIES: deep}), EVERYTHING)
    assert [each.kind for each in said.failures] == [FailureKind.BAD_ANSWER]


def _check(observation: Observation) -> None:
    assert observation.fields.keys() <= CATALOGUE.fields.keys()
    assert observation.as_of is None or observation.as_of.tzinfo is not None
    for position in observation.positions or ():
        assert position.keys() <= CATALOGUE.positions.keys()
