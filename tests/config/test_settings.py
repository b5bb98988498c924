"""A config is loaded whole or refused whole, with every mistake at its place and no secret in any sentence."""

from __future__ import annotations

from datetime import timedelta
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from marginwatch.config.document import Source
from marginwatch.config.load import Loaded, load_settings
from marginwatch.config.location import NoConfigError
from marginwatch.config.tomlfile import parse_toml
from marginwatch.core.model import Severity
from marginwatch.errors import MarginwatchError
from marginwatch.ops.redact import REDACTOR
from marginwatch.venues.registry import venue_kinds
from marginwatch.venues.stonex.settings import StonexSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syrupy.assertion import SnapshotAssertion

    from marginwatch.config.document import Node
    from marginwatch.config.settings import Settings


class HouseSettings(BaseModel):
    """The keys of an invented kind of venue."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: str
    api_secret: SecretStr
    paper: bool = False
    speed: float = Field(default=1.0, ge=0.5)

    @field_validator("api_secret")
    @classmethod
    def _check(cls, secret: SecretStr) -> SecretStr:
        if len(secret.get_secret_value()) < 8:
            msg = f"{secret.get_secret_value()} is too short for a secret"
            raise ValueError(msg)
        return secret


class BankSettings(BaseModel):
    """Another, whose accounts must be named, and which has an opinion on its keys together."""

    accounts_required: ClassVar[bool] = True
    model_config = ConfigDict(extra="forbid")

    user: str
    pin: SecretStr

    @model_validator(mode="after")
    def _check(self) -> BankSettings:
        if self.user == "nobody":
            raise _TogetherError
        return self


class _TogetherError(MarginwatchError):
    def __init__(self) -> None:
        super().__init__("nobody has no pin")


KINDS: dict[str, type[BaseModel]] = {"house": HouseSettings, "bank": BankSettings}

GOOD = """
[rules]
files = ["builtin:margin"]
[[venues]]
name = "futures"
kind = "house"
base_url = "https://api.example.com"
api_secret = "hunter22hunter22"
[[receivers]]
name = "desk"
url = "json://127.0.0.1:9/hook"
"""


@pytest.fixture(autouse=True)
def _forget_secrets() -> Iterator[None]:
    yield
    REDACTOR.forget()


def load(folder: Path, text: str, environ: dict[str, str] | None = None, *, need_secrets: bool = True) -> Loaded:
    file = folder / "config.toml"
    file.write_text(text)
    file.chmod(0o600)
    return load_settings(file, {"HOME": str(folder), **(environ or {})}, KINDS, need_secrets=need_secrets)


def good(loaded: Loaded) -> Settings:
    assert loaded.problems == ()
    assert loaded.settings is not None
    return loaded.settings


def shown(loaded: Loaded, folder: Path) -> str:
    assert loaded.settings is None
    return "\n".join(str(problem) for problem in loaded.problems).replace(f"{folder}/", "")


def test_defaults_are_those_of_the_guide(tmp_path: Path) -> None:
    """What is left out has the documented default."""
    settings = good(load(tmp_path, GOOD))
    assert settings.log.level == "info"
    assert settings.store.url.get_secret_value() == f"sqlite:///{tmp_path}/.local/state/marginwatch/marginwatch.db"
    assert (settings.store.keep, settings.store.keep_observations) == (timedelta(days=400), timedelta(days=14))
    assert settings.web.address == ("127.0.0.1", 8470)
    assert settings.heartbeat.url is None
    (venue,) = settings.venues
    assert (venue.accounts, venue.every, venue.stale_after) == ((), timedelta(seconds=10), timedelta(minutes=1))
    assert venue.max_age == timedelta(minutes=15)
    assert isinstance(venue.options, HouseSettings)
    assert venue.options.speed == 1.0
    assert settings.receivers[0].min_severity is Severity.INFO


def test_every_key_is_taken(tmp_path: Path) -> None:
    """What is written is what is used."""
    text = """
        log.level = "debug"
        store = { url = "postgresql://db/mw", keep = "30d", keep_observations = "1d" }
        web.listen = "[::1]:0"
        heartbeat.url = "https://hc.example.com/x"
        [rules]
        files = ["builtin:pnl", "mine.toml", "/abs/*.yaml"]
        [[venues]]
        name = "büro.2"
        kind = "house"
        accounts = ["A*", "B1"]
        every = "1m"
        stale_after = "1m"
        max_age = "1h"
        base_url = "x"
        api_secret = "long enough"
        paper = true
        speed = 2
        [[receivers]]
        name = "desk"
        url = "json://127.0.0.1:9"
        min_severity = "critical"
    """
    settings = good(load(tmp_path, text))
    assert settings.log.level == "debug"
    assert settings.store.keep_observations == timedelta(days=1)
    assert settings.web.address == ("::1", 0)
    assert settings.heartbeat.url == SecretStr("https://hc.example.com/x")
    assert settings.rules.files == ("builtin:pnl", f"{tmp_path}/mine.toml", "/abs/*.yaml")
    (venue,) = settings.venues
    assert (venue.name, venue.accounts, venue.every) == ("büro.2", ("A*", "B1"), timedelta(minutes=1))
    assert (venue.stale_after, venue.max_age) == (timedelta(minutes=1), timedelta(hours=1))
    expected = HouseSettings(base_url="x", api_secret=SecretStr("long enough"), paper=True, speed=2)
    assert venue.options == expected
    assert settings.receivers[0].min_severity is Severity.CRITICAL


@pytest.mark.parametrize(("every", "stale_after"), [("1s", "1m"), ("30s", "1m30s"), ("20s", "1m"), ("1h", "3h")])
def test_stale_after_follows_the_pace(tmp_path: Path, every: str, stale_after: str) -> None:
    """Without a key of its own it is three cycles, and at least a minute."""
    settings = good(load(tmp_path, GOOD.replace('kind = "house"', f'kind = "house"\nevery = "{every}"')))
    written = GOOD.replace('kind = "house"', f'kind = "house"\nevery = "{every}"\nstale_after = "{stale_after}"')
    assert settings == good(load(tmp_path, written))


def test_paces_are_the_usual_one_unless_given(tmp_path: Path) -> None:
    """`stale_after` follows the slowest of them."""
    (plain,) = good(load(tmp_path, GOOD)).venues[:1]
    assert (plain.fastest, plain.slowest, plain.confirm) == (plain.every, plain.every, True)
    keys = 'kind = "house"\nevery = "10s"\nfastest = "2s"\nslowest = "1m"\nconfirm = false'
    (given,) = good(load(tmp_path, GOOD.replace('kind = "house"', keys))).venues[:1]
    spans = (given.fastest, given.slowest, given.stale_after)
    assert [span.total_seconds() for span in spans] == [2, 60, 180]
    assert not given.confirm


@pytest.mark.parametrize(
    ("keys", "what"),
    [
        ('fastest = "11s"', "`fastest` must be at most `every` (10s)"),
        ('fastest = "0s"', "`fastest` must be at least 1s"),
        ('slowest = "9s"', "`slowest` must be at least `every` (10s)"),
        (
            'slowest = "1m"\nstale_after = "1m59s"',
            "`stale_after` must be at least twice `slowest` (1m), not `1m59s`",
        ),
    ],
)
def test_paces_out_of_bounds_are_refused(tmp_path: Path, keys: str, what: str) -> None:
    """Each at its place."""
    loaded = load(tmp_path, GOOD.replace('kind = "house"', f'kind = "house"\nevery = "10s"\n{keys}'))
    (problem,) = loaded.problems
    assert what in problem.what


def test_every_mistake_is_reported_at_once(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    """Each has its place, one sentence and a hint, in the order of the file."""
    text = """top = 1
[log]
level = "inf"
levl = "debug"
[store]
url = "abc"
keep = 5
keep_observations = "900d"
[web]
listen = "8470"
[heartbeat]
url = "ftp://hunter22"
[rules]
files = ["${env:NOPE}/x"]
[[venues]]
name = "a b"
kind = 3
every = "0s"
[[venues]]
name = "fx"
kind = "hose"
api_secret = "hunter22hunter22"
[[venues]]
name = "fx"
kind = "house"
every = "5 minutes"
stale_after = "1s"
accounts = "A*"
base_url = 3
api_secret = "hunter2"
speed = 0.1
paper = "perhaps"
acounts = []
colour = 1
[[venues]]
name = "bank"
kind = "bank"
every = "1m"
stale_after = "30s"
user = "nobody"
pin = "hunter22"
[[receivers]]
name = "desk"
url = "slack://${vault:hunter22}"
min_severity = "warn"
[[receivers]]
nme = "x"
[receiver]
name = "x"
"""
    environ = {"MARGINWATCH_STORE_URL": "hunter22", "MARGINWATCH_STORE__KEEP_OBSERVATIONS": "1 day"}
    sentences = shown(load(tmp_path, text, environ), tmp_path)
    assert "hunter2" not in sentences
    assert sentences == snapshot


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "config.toml:1:1: there is nothing to watch; add a [[venues]] table"),
        ("", "config.toml:1:1: there is nobody to tell; add a [[receivers]] table"),
        ("", 'config.toml:1:1: there are no rules; write files = ["builtin:margin"] in a [rules] table'),
        ("rules.files = []", "config.toml:1:15: there are no rules"),
        ("venues = []", "config.toml:1:10: there is nothing to watch"),
        ("rules = 3", "config.toml:1:9: `rules` must be a table"),
        ("[venues]\nname = 'x'", "config.toml:1:1: `venues` must be a list, not a table; write [[venues]]"),
        ("venues = [3]", "config.toml:1:11: `venues` must be a table"),
        ("store = 1", "config.toml:1:9: `store` must be a table"),
        ("log = {level = 'info'", "config.toml:1:22: "),
        ("x", "config.toml:1:2: a key must be followed by = and its value"),
    ],
)
def test_odd_shapes_are_one_sentence_each(tmp_path: Path, text: str, sentence: str) -> None:
    """What is missing, empty, of a wrong shape or no TOML at all is said where it is."""
    assert sentence in shown(load(tmp_path, text, {"MARGINWATCH_STORE__KEEP": "30d"}), tmp_path)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "receivers = [{name = 'a'}, {name = ''}, {name = 3}, {}]\nroutes = [{receivers = ['x']}]",
            "receivers are a",
        ),
        ("venues = [{name = {}}, {name = 'fx'}]\ngroups = [{accounts = ['a/*']}]", "the venues are fx"),
        ("routes = [{receivers = ''}]", "`receivers` is empty; it must be a list"),
        ("routes = [{escalate = 'x'}]", "`escalate` must be a list, not `x`; put it in [ ]"),
        ("routes = [{labels = 2026-01-01}]", "`labels` must be a table, not a date or time"),
        ("calendars = [{name = 'x', open = 08:00:00}]", "`open` must be a time of day; put it in quotes"),
        ("[[venues]]\nevery = -1", "`every`: a duration is written like 10s, 5m, 2h, 1d or 1h30m"),
    ],
)
def test_nothing_is_suggested_that_would_be_refused(tmp_path: Path, text: str, sentence: str) -> None:
    """What to write instead is shown where it is known, and names are those that tables have."""
    assert any(str(problem).endswith(sentence) for problem in load(tmp_path, text).problems)


@given(st.recursive(st.text(max_size=3) | st.integers(0, 9) | st.booleans(), lambda of: st.lists(of, max_size=2)))
def test_no_value_anywhere_is_a_traceback(tmp_path_factory: pytest.TempPathFactory, value: object) -> None:
    """Whatever stands where a key wants something else, loading ends in settings or in problems."""
    folder = tmp_path_factory.getbasetemp()
    written = repr(value).replace("True", "true").replace("False", "false")
    for key in ("rules.files", "venues", "receivers", "log", "log.level", "web.listen", "store.keep", "x"):
        load(folder, f"{key} = {written}")
    for key in ("name", "kind", "every", "accounts", "options", "api_secret"):
        load(folder, f"[[venues]]\nkind = 'house'\n{key}.x = {written}\n[[venues]]\n{key} = {written}")


FLAGS = """
[[venues]]
name = "clearing"
kind = "stonex"
base_url = "http://127.0.0.1:9"
client_id = "risk"
client_secret = "dummy-secret"
accounts = ["1"]
{venue}
"""
STONEX: dict[str, type[BaseModel]] = {**KINDS, "stonex": StonexSettings}


@pytest.mark.parametrize(
    ("venue", "receiver", "sentence"),
    [
        ('confirm = "yes"', "", "`confirm` must be true or false, not `yes`"),
        ('confirm = "true"', "", "`confirm` must be true or false, not `true`; write it without quotes"),
        ("confirm = 1", "", "`confirm` must be true or false, not 1"),
        ("send_grant_type = 0", "", "`send_grant_type` must be true or false, not 0"),
        ("", 'chart = "on"', "`chart` must be true or false, not `on`"),
        ("", 'digest = { after = "10" }', "`after` must be a number, not `10`; write it without quotes"),
        ("", "digest = { after = true }", "`after` must be a number, not true"),
        ('concurrency = "8"', "", "`concurrency` must be a number, not `8`; write it without quotes"),
        ("calls_per_second = true", "", "`calls_per_second` must be a number, not true"),
        ('confirm = "${env:WORD}"', "", "`confirm` must be true or false"),
    ],
)
def test_a_flag_is_no_word_and_a_number_no_text(tmp_path: Path, venue: str, receiver: str, sentence: str) -> None:
    """What looks like one is not guessed at."""
    file = tmp_path / "config.toml"
    file.write_text(GOOD + receiver + FLAGS.format(venue=venue))
    found = load_settings(file, {"HOME": str(tmp_path), "WORD": "perhaps"}, STONEX).problems
    assert [str(problem).partition(": ")[2] for problem in found] == [sentence]


def test_behind_a_reference_flags_and_numbers_are_text(tmp_path: Path) -> None:
    """As an environment variable has nothing else."""
    venue = 'confirm = "${env:ASK}"\nsend_grant_type = "${env:SAY}"\nconcurrency = "${env:MANY}"'
    file = tmp_path / "config.toml"
    file.write_text(GOOD + FLAGS.format(venue=venue))
    for no, yes in (("false", "true"), ("0", "1"), ("False", "True"), ("no", "yes"), ("off", "on")):
        environ = {"HOME": str(tmp_path), "ASK": no, "SAY": yes, "MANY": "3"}
        clearing = good(load_settings(file, environ, STONEX)).venues[1]
        assert isinstance(clearing.options, StonexSettings)
        assert (clearing.confirm, clearing.options.send_grant_type, clearing.options.concurrency) == (False, True, 3)


@pytest.mark.parametrize(
    ("zone", "hint"),
    [
        ("Europe/Londn", "did you mean Europe/London?"),
        ("new york", "did you mean America/New_York?"),
        ("utc", "did you mean UTC?"),
        ("CEST", 'write it like "America/Chicago"'),
    ],
)
def test_a_zone_is_found_by_its_city(tmp_path: Path, zone: str, hint: str) -> None:
    """As people say it."""
    report = f'[[reports]]\nname = "weekly"\nreceivers = ["desk"]\nat = "08:00"\nzone = "{zone}"\n'
    (problem,) = load(tmp_path, GOOD + report).problems
    assert (problem.what, problem.hint) == (f"`zone` must be a time zone, not `{zone}`", hint)


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ('accounts = [""]', ["an entry of `accounts` is empty"]),
        ('every = ""', ["`every` is empty; a duration is written like 10s, 5m, 2h, 1d or 1h30m"]),
    ],
)
def test_what_is_empty_is_said_to_be(tmp_path: Path, text: str, sentences: list[str]) -> None:
    """Not shown between quotes with nothing between them."""
    found = load(tmp_path, GOOD.replace("[[receivers]]", f"{text}\n[[receivers]]")).problems
    assert [str(problem).partition(": ")[2] for problem in found] == sentences


def test_every_missing_reference_of_a_text_is_told_at_once(tmp_path: Path) -> None:
    """Each at its place, and a malformed one before any is looked up."""
    url = "json://${env:USER_X}:${env:WORD_X}@127.0.0.1:9/${env:USER_X}"
    found = load(tmp_path, GOOD.replace("json://127.0.0.1:9/hook", url)).problems
    assert [(problem.place.col, problem.what) for problem in found] == [
        (15, "${env:USER_X}: the environment variable is not set"),
        (29, "${env:WORD_X}: the environment variable is not set"),
    ]
    (problem,) = load(tmp_path, GOOD.replace("json://127.0.0.1:9/hook", f"{url}${{emv:X}}")).problems
    assert problem.what.startswith("${emv:…} is no reference; write")


EXAMPLE = Path(__file__).resolve().parents[2] / "config.example.toml"
ODD_VALUES = ("true", "5", "-1e400", '""', '"x"', "[]", '["x"]', "[[1]]", "{}", '{ "ü" = 1 }', "2026-12-25", "nan")


def _leaves(node: Node) -> Iterator[Node]:
    inner = node.value.values() if isinstance(node.value, dict) else node.value if isinstance(node.value, tuple) else ()
    yield node
    for child in inner:
        yield from _leaves(child)


@pytest.mark.parametrize("first", [0, 5, 10])
def test_no_odd_value_in_any_key_is_a_traceback(tmp_path: Path, first: int) -> None:
    """Every value of the example in turn is another: what is said is one line each, with a place in the file."""
    odd = cycle((*ODD_VALUES[first:], *ODD_VALUES[:first]))
    text = EXAMPLE.read_text()
    root = parse_toml(Source("config.toml", text)).root
    assert root is not None
    kinds = {name: kind.settings for name, kind in venue_kinds().items()}
    for node in _leaves(root):
        if text[node.start : node.start + 1] in {'"', "[", "{"} and not text[node.start :].startswith("[["):
            (tmp_path / "config.toml").write_text(text[: node.start] + next(odd) + text[node.end :])
            for problem in load_settings(tmp_path / "config.toml", {"HOME": "/"}, kinds, need_secrets=False).problems:
                assert problem.place.line
                assert "\n" not in str(problem)


def test_a_named_file_must_be_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Named on the command line or in the environment, a missing file is an error, not an empty config."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.toml").write_text(GOOD)
    named = load_settings(tmp_path / "nope.toml", {}, KINDS)
    assert [str(problem) for problem in named.problems] == [f"{tmp_path}/nope.toml: there is no such file"]
    by_variable = load_settings(None, {"MARGINWATCH_CONFIG": "other.toml"}, KINDS)
    assert [str(problem) for problem in by_variable.problems] == ["other.toml: there is no such file"]


def test_the_first_default_that_exists_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Named nowhere, the config is the one of the folder we are in; without any, the sentence says where it looked."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("marginwatch.config.location.DEFAULTS", (Path("config.toml"), tmp_path / "etc/config.toml"))
    with pytest.raises(NoConfigError, match=r"no config file: looked for \./config\.toml and .*; name one with"):
        load_settings(None, {}, KINDS)
    (tmp_path / "config.toml").write_text(GOOD)
    loaded = load_settings(None, {"STATE_DIRECTORY": "/var/lib/a:/var/lib/b"}, KINDS)
    assert loaded.file == Path("config.toml")
    assert good(loaded).store.url.get_secret_value() == "sqlite:////var/lib/a/marginwatch.db"


def test_the_users_state_folder_is_the_desktops(tmp_path: Path) -> None:
    """XDG_STATE_HOME says where a user's state lives."""
    settings = good(load(tmp_path, GOOD, {"XDG_STATE_HOME": "/s"}))
    assert settings.store.url.get_secret_value() == "sqlite:////s/marginwatch/marginwatch.db"


def test_the_environment_overrides_the_file(tmp_path: Path) -> None:
    """Each key of a table can be set by its variable, lists by commas, and empty means empty."""
    environ = {
        "MARGINWATCH_LOG__LEVEL": "debug",
        "MARGINWATCH_STORE__URL": "postgresql://db/${env:DATABASE}",
        "DATABASE": "prod",
        "MARGINWATCH_WEB__LISTEN": "",
        "MARGINWATCH_RULES__FILES": "builtin:pnl, /abs.toml",
        "MARGINWATCH_HEARTBEAT__URL": "https://hc.example.com/x",
    }
    settings = good(load(tmp_path, f"[log]\nlevel = 'error'\n{GOOD}", environ))
    assert settings.log.level == "debug"
    assert settings.store.url == SecretStr("postgresql://db/prod")
    assert settings.web.address is None
    assert settings.rules.files == ("builtin:pnl", "/abs.toml")
    assert settings.heartbeat.url == SecretStr("https://hc.example.com/x")


def test_a_mistake_in_the_environment_names_its_variable(tmp_path: Path) -> None:
    """The place of an overridden value is its variable, and an unknown variable is never ignored."""
    environ = {"MARGINWATCH_LOG__LEVEL": "loud", "MARGINWATCH_STORE_URL": "x", "MARGINWATCH_VENUES": "[]"}
    assert shown(load(tmp_path, GOOD, environ), tmp_path).splitlines() == [
        '$MARGINWATCH_LOG__LEVEL: `level` must be "debug", "info", "warning" or "error", not `loud`',
        "$MARGINWATCH_STORE_URL: this environment variable means nothing; did you mean MARGINWATCH_STORE__URL?",
        (
            "$MARGINWATCH_VENUES: this environment variable means nothing; "
            "only keys of [log] [store] [web] [heartbeat] [rules] have one"
        ),
    ]


def test_references_are_resolved_anywhere(tmp_path: Path) -> None:
    """In secrets and plain settings alike; what came from one is masked from then on."""
    (tmp_path / "secret").write_text("from-a-file\n")
    text = (
        GOOD.replace("hunter22hunter22", f"${{file:{tmp_path}/secret}}")
        .replace("api.example.com", "${env:API_HOST}")
        .replace('"builtin:margin"', '"${env:RULES}/*.toml"')
    )
    settings = good(load(tmp_path, text, {"API_HOST": "api.example.org", "RULES": "/srv/rules"}))
    options = settings.venues[0].options
    assert isinstance(options, HouseSettings)
    assert options.base_url == "https://api.example.org"
    assert options.api_secret == SecretStr("from-a-file")
    assert settings.rules.files == ("/srv/rules/*.toml",)
    assert REDACTOR.text("it was from-a-file") == "it was ***"


def test_a_value_from_a_reference_is_never_shown(tmp_path: Path) -> None:
    """A wrong value that came from the environment may be the wrong secret: its sentence does not quote it."""
    text = GOOD.replace('kind = "house"', 'kind = "house"\nevery = "${env:EVERY}"').replace(
        "hunter22hunter22", "${env:SHORT}"
    )
    sentences = shown(load(tmp_path, text, {"EVERY": "abc", "SHORT": "xyz"}), tmp_path)
    assert "abc" not in sentences
    assert "xyz" not in sentences
    assert "config.toml:7:9: `every`: a duration is written like" in sentences
    assert "config.toml:9:14: `api_secret`: *** is too short for a secret" in sentences


def test_a_missing_secret_has_its_place_in_the_text(tmp_path: Path) -> None:
    """The column is that of the reference inside its string."""
    sentences = shown(load(tmp_path, GOOD.replace("127.0.0.1:9", "u:${env:NOPE}@h")), tmp_path)
    assert sentences == "config.toml:11:17: ${env:NOPE}: the environment variable is not set"


def test_a_config_can_be_checked_without_its_secrets(tmp_path: Path) -> None:
    """Away from the service, a missing secret is a note; whatever else is wrong is still wrong."""
    text = GOOD.replace("hunter22hunter22", "${credential:key}").replace("json://127", "json://${credential:user}@127")
    loaded = load(tmp_path, text, need_secrets=False)
    assert [venue.kind for venue in good(loaded).venues] == ["house"]
    why = "$CREDENTIALS_DIRECTORY is not set; systemd sets it for a unit that has LoadCredential="
    assert [str(note).replace(f"{tmp_path}/", "") for note in loaded.notes] == [
        f"config.toml:8:15: ${{credential:key}}: {why}",
        f"config.toml:11:15: ${{credential:user}}: {why}",
    ]
    wrong = text.replace("base_url", "bas_url").replace('"builtin:margin"', '"${env:NOPE}"')
    assert shown(load(tmp_path, wrong, need_secrets=False), tmp_path).splitlines() == [
        "config.toml:3:11: ${env:NOPE}: the environment variable is not set",
        "config.toml:4:1: venue futures needs `base_url`",
        "config.toml:7:1: venue futures has no key `bas_url`; did you mean base_url?",
    ]


def test_secrets_written_out_are_masked_after_loading(tmp_path: Path) -> None:
    """A secret needs no reference to be kept out of the log, and settings print none."""
    settings = good(load(tmp_path, GOOD))
    assert REDACTOR.text("hunter22hunter22") == "***"
    assert "hunter22" not in repr(settings)
    assert "hunter22" not in settings.model_dump_json()


def test_a_file_that_shows_its_secrets_is_noted(tmp_path: Path) -> None:
    """Secrets written out in a file that others may read are worth a word; references are not."""
    loaded = load(tmp_path, GOOD)
    assert loaded.notes == ()
    loaded.file.chmod(0o644)
    (note,) = load_settings(loaded.file, {"HOME": "/"}, KINDS).notes
    assert "others on this machine can read this file; chmod 600" in str(note)


@pytest.mark.parametrize(
    "listen", ["8470", "127.0.0.1", "127.0.0.1:", ":80", "::1:80", "h:99999", "h:٣", " h:80", "h:-1"]
)
def test_an_address_is_host_and_port(tmp_path: Path, listen: str) -> None:
    """Anything else is refused with an example."""
    sentences = shown(load(tmp_path, f'web.listen = "{listen}"\n{GOOD}'), tmp_path)
    assert sentences.startswith('config.toml:1:14: `listen` must be host:port, like "127.0.0.1:8470"')


def test_settings_do_not_change(tmp_path: Path) -> None:
    """What was loaded stays what it was: a change comes by loading anew."""
    settings = good(load(tmp_path, GOOD))
    with pytest.raises(ValueError, match="frozen"):
        settings.venues[0].name = "x"


def test_a_place_can_be_found_for_later_checks(tmp_path: Path) -> None:
    """Whoever finds a setting wrong later can say where it stands."""
    places = load(tmp_path, GOOD).places
    assert places is not None
    assert places.value(("receivers", 0, "url")).line == 11
    assert str(places.value(("receivers", 7, "url"))).endswith("config.toml:9:1")


@pytest.mark.parametrize(
    ("keep", "sentence"),
    [
        ('keep = "1h"', "config.toml:1:14: `keep` must be at least 1d, not `1h`"),
        ('keep_observations = "5m"', "config.toml:1:27: `keep_observations` must be at least 1h, not `5m`"),
        (
            'keep_observations = "900d"',
            "config.toml:1:27: `keep_observations` must be at most `keep` (400d), not `900d`",
        ),
    ],
)
def test_what_is_kept_has_limits(tmp_path: Path, keep: str, sentence: str) -> None:
    """History too short to explain an alert with is refused, and so is more detail than history."""
    assert shown(load(tmp_path, f"store.{keep}\n{GOOD}"), tmp_path) == sentence
