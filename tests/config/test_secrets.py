"""References are read where they point, and say what is missing without saying what is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr

from marginwatch.config.secrets import BadReferenceError, MissingSecretError, Secrets, remember_secrets
from marginwatch.ops.redact import MASK, Redactor

if TYPE_CHECKING:
    from pathlib import Path


def resolve(text: str, environ: dict[str, str] | None = None) -> str:
    return Secrets(environ or {}, Redactor()).resolve(text).get_secret_value()


def test_each_source_is_read(tmp_path: Path) -> None:
    """A variable, a file and a credential take their places in one text; a file's last line break goes."""
    (tmp_path / "key").write_text("from-file\n")
    (tmp_path / "mail-password").write_text("from-credential\r\n")
    environ = {"TOKEN": "from-env", "CREDENTIALS_DIRECTORY": str(tmp_path)}
    text = f"a ${{env:TOKEN}} b ${{file:{tmp_path}/key}} c ${{credential:mail-password}} d"
    assert resolve(text, environ) == "a from-env b from-file c from-credential d"


@given(st.text(st.characters(exclude_characters="{")))
def test_a_text_without_a_reference_is_itself(text: str) -> None:
    """Dollar signs, braces and all: a password is taken as it was written."""
    assert resolve(text) == text


def test_the_two_characters_can_be_written() -> None:
    """`$${` is how a password that holds the start of a reference is written."""
    assert resolve("a$${env:X}$$b") == "a${env:X}$$b"


def test_what_is_read_is_not_read_again() -> None:
    """A secret that looks like a reference is a secret: nothing inside it is resolved."""
    assert resolve("${env:A}", {"A": "${env:B}", "B": "no"}) == "${env:B}"


@pytest.mark.parametrize(
    "text",
    [
        "${vault:x}",
        "${env}",
        "${env:}",
        "${env: A}",
        "${env:A",
        "${file:relative}",
        "${credential:a/b}",
        "${credential:..}",
        "${}",
        "${",
    ],
)
def test_a_malformed_reference_is_refused(text: str) -> None:
    """Whatever is no reference we know is an error that shows how one is written."""
    with pytest.raises(BadReferenceError, match=r"is no reference; write \$\{env:NAME\}"):
        resolve(text)


def test_a_malformed_reference_shows_none_of_a_password() -> None:
    """A password with the start of a reference in it is not quoted back."""
    with pytest.raises(BadReferenceError) as caught:
        resolve("pa${ssword-hunter22")
    assert "hunter22" not in str(caught.value)


def test_what_is_missing_is_named_with_what_to_do(tmp_path: Path) -> None:
    """Each way of missing is one sentence that names the reference."""
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    (tmp_path / "huge").write_text("x" * 70_000)
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path), "EMPTY": ""}
    expected = {
        "${env:NOPE}": "the environment variable is not set",
        "${env:EMPTY}": "it is empty",
        f"${{file:{tmp_path}/nope}}": "cannot be read: no such file or directory",
        f"${{file:{tmp_path}}}": "cannot be read: is a directory",
        f"${{file:{tmp_path}/\0}}": "cannot be read: not a file name",
        f"${{file:{tmp_path}/empty}}": "it is empty",
        f"${{file:{tmp_path}/binary}}": "the file is not UTF-8 text",
        f"${{file:{tmp_path}/huge}}": "the file is larger than 64 KiB",
        "${credential:nope}": (
            "the unit loads no such credential; add LoadCredential=nope:/path/to/it to the unit and restart it"
        ),
    }
    for reference, why in expected.items():
        with pytest.raises(MissingSecretError) as caught:
            resolve(f"x{reference}y", environ)
        assert str(caught.value) == f"{reference}: {why}"


def test_credentials_need_systemd() -> None:
    """Outside of a unit the sentence says where credentials come from."""
    with pytest.raises(MissingSecretError, match="systemd sets it for a unit that has LoadCredential="):
        resolve("${credential:x}")


def test_what_was_read_is_masked_from_then_on() -> None:
    """The redactor knows a value as soon as it was read, even when the rest of its text was not to be had."""
    redactor = Redactor()
    secrets = Secrets({"A": "hunter22"}, redactor)
    assert str(secrets.resolve("${env:A}")) == "**********"
    with pytest.raises(MissingSecretError):
        secrets.resolve("${env:A}${env:B}")
    assert redactor.text("it was hunter22") == f"it was {MASK}"


class _Inner(BaseModel):
    url: SecretStr
    note: str = "plain words"


class _Outer(BaseModel):
    inner: tuple[_Inner, ...]
    password: SecretStr


def test_secrets_written_out_are_remembered() -> None:
    """Every secret in settings is masked, however deep, and nothing else is."""
    redactor = Redactor()
    inner = _Inner(url=SecretStr("mailto://a:hunter22@example.com"))
    remember_secrets(_Outer(inner=(inner,), password=SecretStr("swordfish")), redactor)
    shown = redactor.text("hunter22 swordfish plain words example.com")
    assert shown == f"{MASK} {MASK} plain words example.com"
