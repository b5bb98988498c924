"""The `[web]` table: what is refused, and what is safe."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from marginwatch.config.load import load_settings
from marginwatch.ops.redact import REDACTOR
from marginwatch.venues.registry import venue_kinds

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from marginwatch.config.load import Loaded

REST = """
[rules]
files = ["builtin:margin"]
[[venues]]
name = "futures"
kind = "architect"
api_key = "AAAAAAAAAAAAAAAAAAAAAAAA"
api_secret = "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB="
[[receivers]]
name = "desk"
url = "json://127.0.0.1:1/"
"""
TOKEN = 'token = "0123456789abcdef"'


@pytest.fixture(autouse=True)
def _forget_secrets() -> Iterator[None]:
    yield
    REDACTOR.forget()


def load(folder: Path, *lines: str) -> Loaded:
    file = folder / "config.toml"
    file.touch(0o600)
    file.write_text("\n".join(["[web]", *lines, REST]))
    return load_settings(file, {"HOME": "/"}, {name: kind.settings for name, kind in venue_kinds().items()})


def told(loaded: Loaded) -> list[str]:
    return [str(problem).partition("config.toml:")[2] for problem in loaded.problems]


@pytest.mark.parametrize("listen", ["127.0.0.1:1", "localhost:1", "[::1]:1", "unix:/run/web.sock", ""])
def test_what_only_this_machine_reaches_needs_no_token(tmp_path: Path, listen: str) -> None:
    """Whoever can open it is on this machine already, or stands behind the rights of a file."""
    loaded = load(tmp_path, f'listen = "{listen}"', 'public_url = "http://127.0.0.1:8470"')
    assert told(loaded) == []


@pytest.mark.parametrize("listen", ["0.0.0.0:1", "host.example:1", "[::]:1"])
def test_what_others_reach_needs_a_token(tmp_path: Path, listen: str) -> None:
    """A page with the accounts of others is not shown to a whole network by mistake."""
    (problem,) = told(load(tmp_path, f'listen = "{listen}"'))

    assert problem.startswith("1:1: `token` is missing, and `listen` lets other machines open the page; keep it in")
    assert told(load(tmp_path, f'listen = "{listen}"', TOKEN)) == []


def test_a_public_address_needs_a_token(tmp_path: Path) -> None:
    """Where a proxy stands before the page, others reach it as well."""
    (problem,) = told(load(tmp_path, 'public_url = "https://watch.example.com"'))

    assert "`public_url` says that other machines reach the page" in problem
    loaded = load(tmp_path, 'public_url = "https://watch.example.com/"', TOKEN)
    assert loaded.settings is not None
    assert loaded.settings.web.public_url == "https://watch.example.com"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('public_url = "watch.example.com"', "must be a URL, like https://marginwatch.example.com"),
        ('public_url = "https://"', "must be a URL with a host"),
        ('public_url = "https://watch.example.com/below"', "must end behind the host"),
        ('public_url = "https://me@watch.example.com"', "must end behind the host"),
        ('listen = "unix:web.sock"', "must name a socket by its whole path"),
        ('token = "short"', "must have at least 16 characters"),
    ],
)
def test_what_cannot_work_is_refused(tmp_path: Path, line: str, why: str) -> None:
    """With what to write instead, and without the value of a secret."""
    (problem,) = told(load(tmp_path, line, *([] if "token" in line else [TOKEN])))

    assert why in problem
    assert "short" not in problem


def test_the_token_is_a_secret(tmp_path: Path) -> None:
    """Nothing that is printed or logged later holds it."""
    load(tmp_path, TOKEN)

    assert REDACTOR.text("it is 0123456789abcdef") == "it is ***"


def test_a_token_in_a_file_for_all_is_worth_a_word(tmp_path: Path) -> None:
    """As any other secret that others can read."""
    loaded = load(tmp_path, TOKEN)
    loaded.file.chmod(0o644)
    (note,) = load(tmp_path, TOKEN).notes

    assert str(note).partition("config.toml:")[2].startswith("2:9: `token` may be a secret, and others")


def test_a_socket_has_a_path(tmp_path: Path) -> None:
    """And no address."""
    loaded = load(tmp_path, 'listen = "unix:/run/web.sock"')
    assert loaded.settings is not None
    assert (loaded.settings.web.socket, loaded.settings.web.address) == ("/run/web.sock", None)
