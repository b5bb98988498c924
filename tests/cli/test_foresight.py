"""Notes of `check` on rules that are right and will still do nothing, or always the same."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from support import ledger
from support.sites import table, write_config

if TYPE_CHECKING:
    from support.shell import Shell


def notes(shell: Shell, *options: str) -> list[str]:
    """What `check` says besides, by rule file line."""
    said = shell("check", "--json", *options)
    assert (said.code, said.err) == (0, "")
    found = [note for note in json.loads(said.out)["notes"] if note["file"].endswith("rules.toml")]
    return [f"{note['line']}: {note['what']}" + (f"; {note['hint']}" if note["hint"] else "") for note in found]


def ladder(value: str, level: str, more: str = "") -> str:
    return f'[[rule]]\nid = "one"\nvalue = "{value}"\nlevels = {{ info = "{level}" }}\n{more}\n'


@pytest.mark.parametrize(
    ("value", "level", "said"),
    [
        ("margin_usage", "> 800%", ["4: margin usage hardly reaches 800%; did you mean > 80%?"]),
        ("margin_usage", "> 499%", []),
        ("margin_usage", ">= 0", ["4: this level is always so: margin_usage is never below zero"]),
        ("margin_usage", "> -5%", ["4: this level is always so: margin_usage is never below zero"]),
        ("margin_usage", "> 0", []),
        ("margin_used", "<= 0", []),
        ("margin_excess", "> -5", []),
    ],
)
def test_levels_that_are_hardly_meant(shell: Shell, value: str, level: str, said: list[str]) -> None:
    """They are told at their place, and the config is good all the same."""
    ledger.write(shell.folder)
    (shell.folder / "rules.toml").write_text(ladder(value, level))
    assert notes(shell) == said


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        (
            'accounts = ["123", "456"]',
            ["1: `one`: the config names no account like `456`, unless it is another name of one"],
        ),
        (
            'accounts = ["123a"]',
            ["1: `one`: the config names no account like `123a`, unless it is another name of one; did you mean 123?"],
        ),
        ('accounts = ["12*"]', []),
        ('accounts = ["9*"]\nvenues = ["o*"]', []),
        ('accounts = ["9*"]\nvenues = ["c*"]', ["1: `one`: the config names no account like `9*`, unless it is"]),
        ('accounts = ["9*"]', []),
    ],
)
def test_accounts_that_the_config_does_not_name(shell: Shell, chosen: str, said: list[str]) -> None:
    """Where it names all accounts of the rule's venues. A venue that lists them itself may have any."""
    login = {"kind": "stonex", "base_url": "https://a.example.com", "client_id": "a", "client_secret": "b"}
    clearing = table("[venues]", {"name": "clearing", **login, "accounts": ["123", "77"]})
    other = {"name": "open", "kind": "helio", "base_url": "https://b.example.com", "email": "a@b.c", "password": "x"}
    every = [clearing, table("[venues]", other)] if "9*" in chosen else [clearing]
    receiver = table("[receivers]", {"name": "desk", "url": "json://127.0.0.1:1/"})
    write_config(shell.folder, *every, receiver, rules=ladder("equity", "< 0", chosen))
    found = notes(shell)
    assert len(found) == len(said)
    assert all(note.startswith(begin) for note, begin in zip(found, said, strict=True))


def test_rules_that_never_had_data(desk: Shell) -> None:
    """With `--data` the store is asked, of every account that each rule looks at."""
    rules = desk.folder / "rules.toml"
    rules.write_text(
        ladder("margin_usage", "> 80%")
        + ladder("cash + margin_usage * buying_power", "< 5", 'venues = ["futures"]').replace("one", "two")
        + ladder("call_amount", "> 0", 'accounts = ["A-1"]\nvenues = ["futures"]').replace("one", "three")
        + ladder("equity", "< 0", 'accounts = ["B-*"]').replace("one", "four")
        + '[[rule]]\nid = "five"\nwhen = "age > \'1h\'"\n'
        + ladder("equity", "< 0", 'venues = ["fx"]').replace("one", "six")
        + ladder("equity", "< 0", 'labels = { desk = "rates" }').replace("one", "seven")
    )
    config = desk.folder / "config.toml"
    config.write_text(config.read_text() + '[[accounts]]\nmatch = ["*/A-1"]\nlabels = { desk = "rates" }\n')
    before = notes(desk)
    found = [note for note in notes(desk, "--data") if note not in before]

    assert found == [
        "6: `two` has never had data: cash and buying_power were never known at any account it looks at",
        "11: `three` has never had data: call_amount was never known at any account it looks at",
        "17: `four` looks at none of the accounts seen so far",
        "25: `six` looks at none of the accounts seen so far",
    ]


def test_the_store_must_be_there(shell: Shell) -> None:
    """`--data` without a store is one sentence."""
    ledger.write(shell.folder)
    said = shell("check", "--data")

    assert said.code == 1
    assert "there is no database at" in said.err
