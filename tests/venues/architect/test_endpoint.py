"""Which server an `endpoint` means, and which texts are refused."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marginwatch.venues.architect.endpoint import EndpointError, Target, parse_endpoint


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("https://app.architect.co:8081", Target("app.architect.co", 8081, tls=True)),
        ("app.architect.co:8081", Target("app.architect.co", 8081, tls=True)),
        ("APP.architect.co:8081/", Target("app.architect.co", 8081, tls=True)),
        ("localhost:9000", Target("localhost", 9000, tls=False)),
        ("http://127.0.0.1:9000", Target("127.0.0.1", 9000, tls=False)),
        ("https://10.0.0.5:8081", Target("10.0.0.5", 8081, tls=True)),
        ("http://[::1]:9000", Target("::1", 9000, tls=False)),
        ("http://architect.example.com:1", Target("architect.example.com", 1, tls=False)),
        ("evilarchitect.co:1", Target("evilarchitect.co", 1, tls=False)),
    ],
)
def test_an_explicit_port_is_used_as_it_is(text: str, target: Target) -> None:
    """A port that is written is the port; https and the vendor's domain are encrypted."""
    assert parse_endpoint(text, paper=False).fixed() == target


def test_a_host_without_a_port_is_left_to_dns() -> None:
    """Without a port there is no server yet, and the record decides host and port."""
    endpoint = parse_endpoint("https://app.architect.co", paper=False)
    assert endpoint.fixed() is None
    assert endpoint.found("core.app.architect.co", 8081) == Target("core.app.architect.co", 8081, tls=True)


def test_paper_trading_has_the_vendors_own_port() -> None:
    """At the vendor's hosts paper trading is port 10081 whatever the record says; elsewhere the record counts."""
    endpoint = parse_endpoint("app.architect.co", paper=True)
    assert endpoint.found("app.architect.co", 8081).port == 10081
    assert endpoint.found("architect.example.com", 8081).port == 8081
    fixed = parse_endpoint("staging.architect.co:10081", paper=True).fixed()
    assert fixed == Target("staging.architect.co", 10081, tls=True)


def test_an_address_is_dialled_with_brackets_only_when_it_needs_them() -> None:
    """An IPv6 address and its port are told apart."""
    assert str(Target("::1", 9000, tls=False)) == "[::1]:9000"
    assert str(Target("localhost", 9000, tls=False)) == "localhost:9000"


REFUSED = {
    "": False,
    "https://": False,
    "https://app.architect.co:port": False,
    "https://[::1": False,
    "ftp://app.architect.co": False,
    "http://app.architect.co": False,
    "http://architect.co:80": False,
    "https://10.0.0.5": False,
    "http://[::1]": False,
    "https://app.architect.co/graphql": False,
    "https://app.architect.co?key=1": False,
    "https://user:hunter2@app.architect.co": False,
    "app architect.co": False,
    "localhost:0": False,
    "https://app.architect.co:8081": True,
    "https://staging.architect.co:10081": False,
}


def test_each_wrong_endpoint_is_one_clear_sentence(snapshot: object) -> None:
    """What is wrong and what to write instead, without a password that stands in the text by mistake."""
    told = {}
    for text, paper in REFUSED.items():
        with pytest.raises(EndpointError) as refused:
            parse_endpoint(text, paper=paper)
        told[text] = str(refused.value)
    assert "hunter2" not in "".join(told.values())
    assert told == snapshot


@given(text=st.text(max_size=60), paper=st.booleans())
def test_any_text_is_an_endpoint_or_a_sentence(text: str, *, paper: bool) -> None:
    """Nothing but the documented error comes out."""
    with contextlib.suppress(EndpointError):
        assert parse_endpoint(text, paper=paper).host.isascii()
