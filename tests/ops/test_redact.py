"""No spelling of a secret survives the redactor, and ordinary words do."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretBytes, SecretStr

from marginwatch.ops import redact
from marginwatch.ops.redact import MASK, Redactor, is_sensitive

SECRETS = st.text(st.characters(exclude_categories=["Cs"]), min_size=6, max_size=40).filter(
    lambda text: len(text.strip()) >= 6 and "\n" not in text and "*" not in text
)


@given(SECRETS)
def test_a_known_secret_is_masked_in_every_spelling(secret: str) -> None:
    """Plain, percent-encoded, escaped as JSON and as Python: each becomes the mask and nothing else."""
    redactor = Redactor()
    redactor.remember(secret)
    for spelling in (secret, quote(secret, safe=""), quote(secret), json.dumps(secret)[1:-1], repr(secret)[1:-1]):
        assert redactor.known(f"<{spelling}>") == f"<{MASK}>"


@pytest.mark.parametrize(
    "text",
    [
        "password=hunter22",
        "password: hunter22",
        '{"api_secret": "hunter22"}',
        "{'token': 'hunter22'}",
        "client_secret=hunter22&x=1",
        "X-Api-Key: hunter22",
        "Authorization: Bearer hunter22hunter22",
        "Authorization: Basic aHVudGVyMjI6aHVudGVyMjI=",
        "the header was Bearer hunter22hunter22",
        "sent Basic aHVudGVyMjI6aHVudGVyMjI= along",
        "eyJhbGciOiJIUzI1NiJ9.hunter22.aHVudGVyMjI",
        "https://user:hunter22@example.com/x",
        "https://hooks.example.com/services/T0/B0/hunter22abc",
        "https://example.com/x?key=hunter22",
        "https://example.com/x#token=hunter22",
        "slack://hunter22/abc/def",
        "mailto://alerts:hunter22@example.com",
        "postgresql+psycopg://mw:hunter22@db.example.com/mw",
        "wss://example.com/ws?jwt=hunter22",
    ],
)
def test_what_looks_like_a_secret_is_masked_unknown(text: str) -> None:
    """Keys, headers, tokens and URLs give a secret away by their shape alone."""
    masked = Redactor().text(text)
    assert "hunter22" not in masked
    assert "aHVudGVyMjI" not in masked
    assert MASK in masked


@pytest.mark.parametrize(
    "text",
    [
        "margin usage 83.2 % of venue futures, account STONEX:000000/JDoe",
        "GET https://api.example.com/v1/accounts/12345678/position-summary answered 503",
        "sqlite:////var/lib/marginwatch/marginwatch.db is of a newer version",
        "${credential:architect-key}: the unit loads no such credential",
        "the token expired and the password was refused",
        "basic information about tokens",
        "http://[::1]:8470/readyz",
    ],
)
def test_ordinary_sentences_stay(text: str) -> None:
    """A log that hides account numbers, hosts and words is of no use at night."""
    assert Redactor().text(text) == text


def test_a_url_gives_up_its_parts() -> None:
    """A token taken out of a remembered URL and printed alone is masked; hosts and words are not."""
    redactor = Redactor()
    redactor.remember_url("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#risk")
    redactor.remember_url("mailtos://alerts:s3cret%20pass@smtp.example.com?to=risk@example.com")
    redactor.remember_url("postgresql://mw:dbpassword@db1.example.com/marginwatch1")

    shown = redactor.text(
        "TIiajkdnlazkcOXrIdevi7FQ T1JJ3T3L2 's3cret pass' s3cret%20pass dbpassword smtp.example.com #risk marginwatch1"
    )

    assert shown == f"{MASK} {MASK} '{MASK}' {MASK} {MASK} smtp.example.com #risk marginwatch1"


def test_each_line_of_a_key_is_masked() -> None:
    """A private key printed line by line is as secret as in one piece."""
    redactor = Redactor()
    redactor.remember("-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0\nAoGBAKj34GkxFhD90vcN\n-----END KEY-----")
    assert redactor.text("line 2: MIIEvQIBADANBgkqhkiG9w0") == f"line 2: {MASK}"


def test_very_short_values_are_left_alone() -> None:
    """Masking each `1` would hide the log and no secret."""
    redactor = Redactor()
    redactor.remember("1")
    redactor.remember("")
    assert redactor.text("1 of 10") == "1 of 10"


def test_forgetting_starts_anew() -> None:
    """What was known is known no more."""
    redactor = Redactor()
    redactor.remember("hunter22")
    redactor.forget()
    assert redactor.text("hunter22") == "hunter22"


def test_values_of_any_shape_are_masked_throughout() -> None:
    """Nested mappings, lists, sets, secrets and foreign objects come out as plain masked values; numbers stay."""
    redactor = Redactor()
    redactor.remember("hunter22")
    value = {
        "accessToken": {"any": "thing"},
        "rows": [("hunter22", 1, None, True, 2.5), {"hunter22"}],
        "hunter22": SecretStr("x"),
        "bytes": SecretBytes(b"x"),
        "error": ValueError("hunter22"),
    }
    assert redactor.mapping(value) == {
        "accessToken": MASK,
        "rows": [[MASK, 1, None, True, 2.5], [MASK]],
        MASK: MASK,
        "bytes": MASK,
        "error": MASK,
    }


def test_endless_nesting_ends() -> None:
    """A structure that holds itself becomes text below a depth."""
    loop: dict[str, object] = {"password": "hunter22"}
    loop["loop"] = loop
    assert "hunter22" not in str(Redactor().mapping(loop))


@pytest.mark.parametrize(
    ("name", "sensitive"),
    [
        ("api_key", True),
        ("apiKey", True),
        ("X-Api-Key", True),
        ("clientSecret", True),
        ("Set-Cookie", True),
        ("password", True),
        ("token_path", False),
        ("key", False),
        ("account", False),
        ("monkey", False),
    ],
)
def test_names_tell(name: str, *, sensitive: bool) -> None:
    """A key is judged by its last word."""
    assert is_sensitive(name) is sensitive


@given(st.text(max_size=300))
def test_any_text_at_all_is_safe_to_give(text: str) -> None:
    """No text makes it fail, and twice masked is once masked."""
    redactor = Redactor()
    once = redactor.text(text)
    assert redactor.text(once) == once


_PIECES = (
    "password",
    "token",
    "Secrets",
    "api-key",
    "cookie",
    "jwt",
    "pa\u017fs",
    "12:30",
    "n",
    " ",
    '"',
    ":",
    "=",
    "x1y2",
)


@given(st.lists(st.sampled_from(_PIECES), max_size=12).map("".join))
def test_no_text_is_passed_over_that_may_hold_a_named_value(text: str) -> None:
    """What is looked for first never spares a text in which the whole pattern would have found something."""
    assert redact._MAY_BE_KEY.search(text) or not redact._KEY_VALUE.search(text)


@pytest.mark.parametrize(
    "text", ["a-" * 20_000, "eyJ" * 10_000, "Basic " * 8_000, "d  " * 8_000, "x://" * 10_000, "token" * 8_000]
)
def test_hostile_texts_cost_no_more_than_their_length(text: str) -> None:
    """Nothing in the patterns explodes on long repetitions: this ends."""
    assert Redactor().text(text)


def test_a_secret_learnt_late_is_masked_in_keys_seen_before() -> None:
    """What was printed of a key before is not printed again once it is known to hold a secret."""
    redactor = Redactor()
    assert redactor.mapping({"account-Xk29fLq81": 1}) == {"account-Xk29fLq81": 1}
    redactor.remember("Xk29fLq81")
    assert redactor.mapping({"account-Xk29fLq81": 1}) == {f"account-{MASK}": 1}
    redactor.forget()
    assert redactor.mapping({"account-Xk29fLq81": 1}) == {"account-Xk29fLq81": 1}
