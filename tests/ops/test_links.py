"""Links in messages: what they say, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marginwatch.ops.links import LASTS, Claim, LinkFault, Links, without_links

NOON = datetime(2026, 3, 2, 12, 0, 0, 123456, tzinfo=UTC)
LINKS = Links(b"k" * 32, "https://watch.example.com/")


def token(url: str) -> str:
    return url.removeprefix("https://watch.example.com/act/")


@given(st.text(), st.text(), st.datetimes(timezones=st.just(UTC)))
def test_a_link_says_what_was_put_in_it(alert: str, receiver: str, at: datetime) -> None:
    """Whatever an alert or a receiver is called."""
    url = LINKS.alert(alert[:50], receiver[:50], at)

    assert LINKS.read(token(url), at) == Claim(alert[:50], receiver[:50], at)


def test_a_link_is_good_for_a_day() -> None:
    """To the microsecond, so that nobody needs to wonder."""
    made = token(LINKS.alert("a1b2c3", "desk", NOON))

    assert isinstance(LINKS.read(made, NOON + LASTS - timedelta(microseconds=1)), Claim)
    assert LINKS.read(made, NOON + LASTS) is LinkFault.EXPIRED


@pytest.mark.parametrize("wrong", ["", ".", "x", "WyJhIl0.AAAA", "é", "a" * 100_000, "../../etc/passwd"])
def test_what_is_no_link_is_refused(wrong: str) -> None:
    """Whatever it is, the answer is a sentence and no error."""
    assert LINKS.read(wrong, NOON) is LinkFault.FORGED


def test_a_link_that_was_changed_is_refused() -> None:
    """A character less or another one: it says nothing any more. Only the unused bits of the last one may differ."""
    made = token(LINKS.alert("a1b2c3", "desk", NOON))
    for place in range(len(made) - 1):
        changed = made[:place] + ("A" if made[place] != "A" else "B") + made[place + 1 :]
        assert LINKS.read(changed, NOON) is LinkFault.FORGED
        assert LINKS.read(made[:place], NOON) is LinkFault.FORGED


def test_another_database_makes_other_links() -> None:
    """One marginwatch does not take the links of another."""
    other = Links(b"o" * 32, "https://watch.example.com")

    assert LINKS.read(token(other.alert("a1b2c3", "desk", NOON)), NOON) is LinkFault.FORGED


def test_a_link_is_known_by_what_it_says() -> None:
    """Its serial tells two links apart and is the same however the token is spelt."""
    serials = {
        Claim(alert, receiver, at).serial
        for alert in ("a", "b")
        for receiver in ("desk", "phone")
        for at in (NOON, NOON + timedelta(microseconds=1))
    }
    assert len(serials) == 8


def test_words_without_links() -> None:
    """What is left says where the page is, and lets nobody act; all other words stay."""
    link = LINKS.alert("a1b2c3", "desk", NOON)
    where = link.removesuffix(token(link))

    assert without_links(f"Open: {link}\nRunbook: {link}, or `act`") == f"Open: {where}…\nRunbook: {where}…, or `act`"
    assert LINKS.read(token(without_links(link)), NOON) is LinkFault.FORGED
