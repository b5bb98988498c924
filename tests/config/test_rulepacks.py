"""The shipped rule packs: where they are found, and that they are right, quiet and telling at every venue."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from marginwatch.app.files import templates_of
from marginwatch.config.calendars import calendars_of
from marginwatch.config.rulecheck import Scene
from marginwatch.config.rulefile import Loaded, load_rules
from marginwatch.config.rulepacks import pack_files, pack_names, packs_folder
from marginwatch.core import template
from marginwatch.core.evaluate import VenueRules, evaluate
from marginwatch.core.model import Account, AccountKey, Observation, Value
from marginwatch.core.rule import RuleKind
from marginwatch.core.state import AccountState
from marginwatch.errors import Problem
from marginwatch.venues.registry import venue_kinds
from support.catalogues import CATALOGUES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

KINDS = ("architect", "stonex", "helio")
PACKS = tuple(f"builtin:{name}" for name in ("calls", "concentration", "data-health", "margin", "permissions", "pnl"))
HEALTHY: dict[str, dict[str, Value]] = {
    "architect": {
        "equity": Decimal(100_000),
        "margin_used": Decimal(20_000),
        "margin_usage": Decimal("0.2"),
        "margin_excess": Decimal(80_000),
        "unrealized_pnl": Decimal(-500),
        "day_pnl": Decimal(-500),
        "in_margin_call": False,
        "call_amount": Decimal(0),
        "margin_calls": Decimal(0),
        "trading_enabled": True,
    },
    "stonex": {
        "equity": Decimal(100_000),
        "margin_usage": Decimal("0.2"),
        "margin_excess": Decimal(80_000),
        "unrealized_pnl": Decimal(-500),
        "in_margin_call": False,
        "call_amount": Decimal(0),
        "fed_call": Decimal(0),
        "maintenance_call": Decimal(0),
        "day_trade_call": Decimal(0),
        "fedCallAmount": Decimal(0),
        "maintCallAmount": Decimal(0),
        "accumFedAmount": Decimal(0),
    },
    "helio": {
        "equity": Decimal(100_000),
        "margin_usage": Decimal("0.2"),
        "margin_excess": Decimal(80_000),
        "unrealized_pnl": Decimal(-500),
        "in_margin_call": False,
        "in_stop_out": False,
        "trading_status": "TRADE_STATUS_FULL",
        "trading_enabled": True,
    },
}
"""What the packs read of an account that nobody needs to hear of; everything else is as in the venue's sample."""
SOON, LATER = (venue_kinds()["architect"].sample.observed_at + timedelta(hours=hours) for hours in (20, 30))
OWING: dict[str, Value] = {"equity": Decimal(-1), "unrealized_pnl": Decimal(0), "day_pnl": Decimal(0)}


def load(*entries: str, venues: Mapping[str, str] | None = None) -> Loaded:
    kinds = venue_kinds()
    catalogues = {kind: found.catalogue for kind, found in kinds.items()}
    return load_rules(entries, Scene(catalogues, venues or {kind: kind for kind in KINDS}, templates_of(kinds)))


def observation(kind: str, changes: Mapping[str, Value]) -> Observation:
    sample = venue_kinds()[kind].sample
    fields = {**sample.fields, **HEALTHY[kind], **changes}
    if "metrics.equity" in fields:
        fields["metrics.equity"] = fields["equity"]
    return replace(sample, fields=fields)


def at(kind: str) -> VenueRules:
    """All packs, ready at one venue."""
    return VenueRules(kind, venue_kinds()[kind].catalogue, load(*PACKS).rules, calendars_of(()), "fx")


def told(kind: str, changes: Mapping[str, Value]) -> dict[str, int]:
    """The rules that say something of such an account seen after a healthy one, and their highest level that holds."""
    rules = at(kind)
    seen = observation(kind, changes)
    before = observation(kind, {})
    account = Account(AccountKey(kind, "1"), "1")
    state = AccountState(
        account,
        first_seen=before.fetched_at - timedelta(minutes=1),
        known={name: value for name, value in before.fields.items() if value is not None},
        observed_at=before.observed_at - timedelta(minutes=1),
    )
    found = evaluate(rules.for_account(account, {}), seen, state, ())
    assert not found.broken
    # What looks back over time has tests of its own, which have some.
    windowed = {each.rule.id for each in rules.applied if each.windows}
    assert set(found.unknown) <= windowed
    levels: dict[str, int] = {}
    for result in found.results:
        held = getattr(result.outcome, "held", (True,))
        levels[result.key.rule] = sum(held)
    return {rule: level for rule, level in levels.items() if rule not in windowed}


def test_every_pack_loads_for_all_venues_together() -> None:
    """The packs name only fields that exist, with units that fit, and no id twice."""
    loaded = load(*PACKS)
    assert loaded.problems == ()
    assert {path.parent.name for path in loaded.files} == {entry.removeprefix("builtin:") for entry in PACKS}
    for rule in loaded.rules:
        assert rule.title
        assert rule.summary or rule.kind is RuleKind.EVENT


@pytest.mark.parametrize("kind", KINDS)
def test_every_pack_loads_for_one_venue_alone(kind: str) -> None:
    """Whoever has one venue uses the packs unedited; where a rule does not apply is a note, not a problem."""
    loaded = load(*PACKS, venues={"mine": kind})
    assert loaded.problems == ()
    assert loaded.notes == ()
    assert all("does not apply at mine" in each.note.what for each in loaded.inapplicable)
    assert {venue for each in loaded.inapplicable for venue in each.venues} <= {"mine"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_healthy_account_is_told_of_by_nothing(kind: str) -> None:
    """No shipped rule cries wolf, and every one that applies can be evaluated."""
    assert told(kind, {}) == {}


@pytest.mark.parametrize(
    ("kind", "changes", "expected"),
    [
        *((kind, {"margin_usage": Decimal("0.81")}, {"margin-usage": 1}) for kind in KINDS),
        *((kind, {"margin_usage": Decimal("0.91")}, {"margin-usage": 2}) for kind in KINDS),
        *((kind, {"margin_excess": Decimal(-1)}, {"margin-excess-negative": 1}) for kind in KINDS),
        *((kind, OWING, {"equity-negative": 1}) for kind in KINDS),
        *((kind, {"in_margin_call": True}, {"margin-call": 1}) for kind in KINDS),
        *((kind, {"equity": Decimal(89000), "unrealized_pnl": Decimal(-11000)}, {"open-loss": 1}) for kind in KINDS),
        *(
            (kind, {"equity": Decimal("1e7"), "unrealized_pnl": Decimal(-200001)}, {"open-loss-amount": 2})
            for kind in KINDS
        ),
        ("architect", {"equity": Decimal(97000), "day_pnl": Decimal(-3000)}, {"day-loss": 1}),
        ("architect", {"equity": Decimal("1e7"), "day_pnl": Decimal(-100001)}, {"day-loss-amount": 2}),
        ("architect", {"trading_enabled": False}, {"trading-disabled": 1, "permissions-changed": 1}),
        ("architect", {"permissions": frozenset({"view", "list"})}, {"permissions-changed": 1}),
        (
            "architect",
            {"in_margin_call": True, "call_amount": Decimal(1500), "margin_calls": Decimal(1), "due_date": LATER},
            {"margin-call": 1, "open-margin-calls": 1},
        ),
        (
            "architect",
            {"in_margin_call": True, "call_amount": Decimal(1500), "margin_calls": Decimal(1), "due_date": SOON},
            {"margin-call": 1, "open-margin-calls": 1, "margin-call-due-soon": 1},
        ),
        ("stonex", {"in_margin_call": True, "fed_call": Decimal(5)}, {"margin-call": 1, "fed-call": 1}),
        ("stonex", {"maintenance_call": Decimal(5)}, {"maintenance-call": 1}),
        ("stonex", {"day_trade_call": Decimal(5)}, {"day-trade-call": 1}),
        ("stonex", {"accumFedAmount": Decimal(5)}, {"fed-call-accumulated": 1}),
        ("stonex", {"accumFedAmount": Decimal(5), "fedCallAmount": Decimal(5)}, {"calls-disagree": 1}),
        ("stonex", {"maintCallAmount": Decimal(5)}, {"calls-disagree": 1}),
        ("helio", {"in_stop_out": True}, {"margin-call": 1, "stop-out": 1}),
        (
            "helio",
            {"trading_status": "TRADE_STATUS_CLOSE_ONLY"},
            {"permissions-changed": 1, "trading-restricted": 1},
        ),
        (
            "helio",
            {"trading_status": "TRADE_STATUS_DISABLED"},
            {"permissions-changed": 1, "trading-disabled": 1},
        ),
    ],
)
def test_trouble_is_told_by_the_rule_it_belongs_to(
    kind: str, changes: dict[str, Value], expected: dict[str, int]
) -> None:
    """Each kind of trouble raises its own rules, at its level, and no others."""
    assert told(kind, changes) == expected


def test_a_rise_of_an_open_call_is_told_at_architect() -> None:
    """An open call that grows is an event; a further call is told by the rule that counts them."""
    rules = load("builtin:calls").rules
    raised = next(rule for rule in rules if rule.id == "margin-call-raised")
    assert raised.kind is RuleKind.EVENT
    assert "increased(call_amount)" in raised.expression


@pytest.mark.parametrize("kind", KINDS)
def test_every_summary_reads_well(kind: str) -> None:
    """With a realistic answer no summary of a rule that applies says unknown."""
    venue = venue_kinds()[kind]
    loaded = load(*PACKS)
    applying = {applied.rule.id for applied in at(kind).applied}
    worked_out = dict.fromkeys(venue.catalogue.defined, Decimal(-500))
    names: dict[str, template.Printable] = {"account": "ABC", "value": Decimal("0.5"), "limit": Decimal("0.4")}
    names |= {"subject": "ES", "as_of": venue.sample.observed_at}
    for rule in loaded.rules:
        parsed = template.parse(rule.summary)
        assert isinstance(parsed, template.Template)
        if rule.id in applying:
            assert template.UNKNOWN not in parsed.render({**venue.sample.fields, **worked_out, **names}), rule.id


@pytest.mark.parametrize("name", pack_names(packs_folder()))
def test_every_rule_is_in_its_packs_readme(name: str) -> None:
    """The README of a pack is the runbook of each of its rules."""
    readme = (packs_folder() / name / "README.md").read_text()
    for rule in load(f"builtin:{name}").rules:
        assert f"| `{rule.id}` |" in readme
    assert f"builtin:{name}" in readme


def test_a_pack_is_found_in_an_installed_package(tmp_path: Path) -> None:
    """A wheel carries the packs inside the package; a checkout has them beside it."""
    package = tmp_path / "site-packages" / "marginwatch"
    package.mkdir(parents=True)
    assert packs_folder(package) == tmp_path / "rules"
    (package / "rulepacks" / "margin").mkdir(parents=True)
    (package / "rulepacks" / "margin" / "b.toml").write_text("")
    (package / "rulepacks" / "margin" / "a.toml").write_text("")
    folder = packs_folder(package)
    assert folder == package / "rulepacks"
    assert pack_files("builtin:margin", folder) == (folder / "margin" / "a.toml", folder / "margin" / "b.toml")


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ("builtin:margn", "builtin:margn: there is no rule pack `margn`; did you mean margin?"),
        (
            "builtin:zzz",
            f"builtin:zzz: there is no rule pack `zzz`; the packs are {', '.join(pack_names(packs_folder()))}",
        ),
        ("builtin:../pnl", "builtin:../pnl: there is no rule pack `../pnl`; did you mean pnl?"),
    ],
)
def test_an_unknown_pack_is_one_sentence(entry: str, sentence: str) -> None:
    """A pack that does not exist is a problem with the nearest name, or with all of them."""
    loaded = load_rules([entry], Scene(CATALOGUES, {}, lambda _rule, _kind: None))
    assert [str(problem) for problem in loaded.problems] == [sentence]


def test_without_any_pack_the_sentence_says_so(tmp_path: Path) -> None:
    """A broken installation is told apart from a wrong name."""
    problem = pack_files("builtin:margin", tmp_path)
    assert isinstance(problem, Problem)
    assert str(problem) == "builtin:margin: there is no rule pack `margin`; the packs are not installed"
