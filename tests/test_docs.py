"""What the guide says is so: every key, command, target and link in it exists."""

from __future__ import annotations

import re
import shutil
import subprocess
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from marginwatch.app.files import templates_of
from marginwatch.cli import COMMANDS
from marginwatch.config.calendars import CalendarSettings
from marginwatch.config.digests import DigestSettings
from marginwatch.config.environment import known_variables
from marginwatch.config.groups import GroupSettings, GroupSketch
from marginwatch.config.labels import AccountSettings
from marginwatch.config.load import SHARED_KEYS, load_settings
from marginwatch.config.maintenance import MaintenanceSettings
from marginwatch.config.quiet import QuietSettings
from marginwatch.config.reports import ReportSettings
from marginwatch.config.routes import FallbackSettings, RouteSettings, RungSettings
from marginwatch.config.rulecheck import Scene
from marginwatch.config.rulefile import load_rules
from marginwatch.config.settings import ReceiverSettings, Settings
from marginwatch.ops.redact import REDACTOR
from marginwatch.venues.registry import venue_kinds
from support.fieldtables import tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import BaseModel


ROOT = Path(__file__).parent.parent
EXAMPLE = (ROOT / "config.example.toml").read_text()
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("rules/**/*.md")])
TABLES = ("log", "store", "web", "heartbeat", "rules", "messages")


@pytest.fixture(scope="module")
def kinds() -> dict[str, type[BaseModel]]:
    return {entry.name: entry.load().settings for entry in entry_points(group="marginwatch.venues")}


@pytest.fixture(autouse=True)
def _forget_secrets() -> Iterator[None]:
    yield
    REDACTOR.forget()


def sections() -> list[tuple[str, str]]:
    """The example's tables in order: name and text."""
    parts = re.split(r"^\[+(\w+)\]+$", EXAMPLE, flags=re.MULTILINE)
    return list(zip(parts[1::2], parts[2::2], strict=True))


def keys(text: str) -> set[str]:
    """Keys shown in a table, those that are commented out included."""
    return set(re.findall(r"^(?:# )?(\w+) = ", text, flags=re.MULTILINE))


@pytest.mark.parametrize("table", TABLES)
def test_the_example_shows_every_key_of_a_table(table: str) -> None:
    """No key of the first tables is a secret of the source code."""
    model = Settings.model_fields[table].annotation
    assert model is not None
    shown = {key for name, text in sections() if name == table for key in keys(text)}
    assert shown == set(model.model_fields)


def test_the_example_shows_every_key_of_a_receiver() -> None:
    """A receiver's keys, too."""
    shown = {key for name, text in sections() if name == "receivers" for key in keys(text)}
    assert shown == set(ReceiverSettings.model_fields)


def test_the_example_shows_every_key_of_a_calendar() -> None:
    """A calendar's keys, too."""
    shown = {key for name, text in sections() if name == "calendars" for key in keys(text)}
    assert shown == set(CalendarSettings.model_fields)


def test_the_example_shows_every_key_of_a_group() -> None:
    """A group's keys, too."""
    shown = {key for name, text in sections() if name == "groups" for key in keys(text)}
    assert shown == set(GroupSettings.model_fields)


@pytest.mark.parametrize(
    ("table", "model"),
    [
        ("accounts", AccountSettings),
        ("routes", RouteSettings),
        ("maintenance", MaintenanceSettings),
        ("reports", ReportSettings),
    ],
)
def test_the_example_shows_every_key_of_accounts_routes_and_reports(table: str, model: type[BaseModel]) -> None:
    """The keys of accounts, routes, windows and reports, too."""
    shown = {key for name, text in sections() if name == table for key in keys(text)}
    assert shown == set(model.model_fields)


INLINE: dict[str, type[BaseModel]] = {
    "fallback": FallbackSettings,
    "quiet": QuietSettings,
    "digest": DigestSettings,
    "escalate": RungSettings,
}
"""Tables that are written in one line, as values of a key."""


@pytest.mark.parametrize("key", INLINE)
def test_the_example_shows_every_key_of_a_table_in_one_line(key: str) -> None:
    """Those of stand-ins, quiet hours, digests and ladders."""
    lines = re.findall(rf"^(?:# )?{key} = (.*)$", EXAMPLE, flags=re.MULTILINE)
    assert {name for line in lines for name in re.findall(r"(\w+) = ", line)} == set(INLINE[key].model_fields)


def test_the_example_shows_every_key_of_every_kind_of_venue(kinds: dict[str, type[BaseModel]]) -> None:
    """Each installed kind has a table in the example with all its keys, and the shared ones are shown together once."""
    venues = {re.search(r'^kind = "(\w+)"', text, re.MULTILINE): text for name, text in sections() if name == "venues"}
    by_kind = {kind[1]: keys(text) for kind, text in venues.items() if kind}
    assert set(by_kind) == set(kinds)
    for kind, model in kinds.items():
        assert by_kind[kind] - SHARED_KEYS == set(model.model_fields), kind
    assert any(shown >= SHARED_KEYS for shown in by_kind.values())


@pytest.mark.parametrize("commented", [False, True], ids=["as it is", "with every commented key"])
def test_the_example_loads(tmp_path: Path, kinds: dict[str, type[BaseModel]], *, commented: bool) -> None:
    """Given the secrets it names, the example is a good config as it stands, and so are its commented keys."""
    text = re.sub(r"^# (\w+ = )", r"\1", EXAMPLE, flags=re.MULTILINE) if commented else EXAMPLE
    (tmp_path / "config.toml").write_text(text.replace("/run/keys", str(tmp_path)))
    secrets = {"architect-key": "A" * 24, "architect-secret": "B" * 44, "helio": "dummy-password"}
    for name in ("slack-tokens", "mail-password", "database", "heartbeat-url", "page-token"):
        secrets[name] = "https://heartbeat.example.com/1" if name == "heartbeat-url" else "AAAA/BBBB/CCCC/DDDD"
    for name, secret in secrets.items():
        (tmp_path / name).write_text(f"{secret}\n")
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path), "STONEX_SECRET": "dummy-secret", "HOME": str(tmp_path)}

    loaded = load_settings(tmp_path / "config.toml", environ, kinds)

    assert [str(problem) for problem in loaded.problems] == []
    assert loaded.notes == ()


def test_the_guide_explains_every_key_and_variable(kinds: dict[str, type[BaseModel]]) -> None:
    """docs/configuration.md has a word on each."""
    guide = (ROOT / "docs" / "configuration.md").read_text()
    models = [Settings.model_fields[table].annotation for table in TABLES]
    models += [
        ReceiverSettings,
        CalendarSettings,
        GroupSettings,
        AccountSettings,
        RouteSettings,
        MaintenanceSettings,
        ReportSettings,
        *INLINE.values(),
        *kinds.values(),
    ]
    wanted = SHARED_KEYS | {key for model in models if model is not None for key in model.model_fields}
    assert {key for key in wanted if f"`{key}`" not in guide} == set()
    assert {name for name in known_variables() if f"`{name}`" not in guide} == set()


def test_make_targets_that_are_named_exist() -> None:
    """No page tells to make what cannot be made."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    for page in PAGES:
        named = set(re.findall(r"(?:^|`)make ([a-z]+)", page.read_text(), flags=re.MULTILINE))
        assert named <= targets, page


def test_commands_that_are_named_exist() -> None:
    """No page tells to run what cannot be run."""
    for page in PAGES:
        fenced = "\n".join(re.findall(r"^```sh\n(.*?)^```", page.read_text(), flags=re.MULTILINE | re.DOTALL))
        named = set(re.findall(r"`marginwatch ([a-z][a-z-]+)", page.read_text()))
        named |= set(re.findall(r"(?:^|/bin/)marginwatch ([a-z][a-z-]+)", fenced, flags=re.MULTILINE))
        assert named <= set(COMMANDS), page


def test_links_lead_somewhere() -> None:
    """Every link to another page of ours reaches it, heading included."""
    for page in PAGES:
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
            if "://" in target:
                continue
            path, _, heading = target.partition("#")
            linked = (page.parent / path).resolve() if path else page
            assert linked.exists(), f"{page}: {target}"
            if heading:
                assert heading in _headings(linked), f"{page}: {target}"


def test_every_page_of_the_guide_is_in_its_index() -> None:
    """A page nobody links to is a page nobody reads."""
    index = (ROOT / "docs" / "index.md").read_text()
    pages = {str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("*.md")} - {"index.md"}
    assert {page for page in pages if page not in index} == set()


@pytest.mark.parametrize("name", tables())
def test_the_guide_lists_the_fields_of_every_venue(name: str) -> None:
    """Each table of docs/venues.md is what the catalogues say; after a change, put what is expected there."""
    page = (ROOT / "docs" / "venues.md").read_text()
    shown = re.search(rf"^<!-- table: {name} -->\n\n(.*?)\n\n<!-- end -->$", page, re.MULTILINE | re.DOTALL)
    assert shown
    assert shown[1] == tables()[name]


def test_the_guide_has_every_kind_of_venue(kinds: dict[str, type[BaseModel]]) -> None:
    """A venue without a chapter is a venue nobody can set up."""
    assert set(kinds) <= set(tables())


def tracked() -> list[Path]:
    """The project's own text files."""
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("this checkout has no git history to list its files from, or this machine no git")
    # The checkout may belong to another user than the one who tests it, as in a container.
    command = ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    paths = [ROOT / name for name in done.stdout.split("\0") if name]
    return [path for path in paths if path.is_file() and path.suffix not in {".png", ".gz"}]


def test_no_file_names_a_package_registry() -> None:
    """Where packages come from is the machine's own setting, so no file of ours names a place."""
    hosts = [
        ".".join(parts) for parts in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("npmjs", "com"))
    ]
    hosts += [
        ".".join(parts) for parts in (("docker", "io"), ("ghcr", "io"), ("crates", "io"), ("proxy.golang", "org"))
    ]
    found = [f"{path}: {host}" for path in tracked() for host in hosts if host in path.read_text()]
    assert found == []


def test_no_file_leaves_work_undone_or_points_outside() -> None:
    """No marks for later, no paths of the machine it was written on, no capital-letter document that is not here."""
    later = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|X" r"XX)\b")
    outside = re.compile(r"(?<![\w.-])/(?:work|home/\w+|Users)/")
    found = []
    names = {path.name for path in tracked()}
    for path in tracked():
        text = path.read_text()
        found += [f"{path}: {match[0]}" for pattern in (later, outside) for match in pattern.finditer(text)]
        for name in set(re.findall(r"\b[A-Z]{4,}\.md\b", text)):
            found += [] if name in names else [f"{path}: {name}"]
    assert found == []


def _headings(page: Path) -> set[str]:
    lines = re.findall(r"^#+ (.+)$", page.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^\w\s-]", "", line).strip().lower().replace(" ", "-") for line in lines}


@pytest.mark.parametrize("language", ["toml", "yaml"])
def test_the_rules_in_the_guide_load(tmp_path: Path, language: str) -> None:
    """What the page on rules shows is a rule file as it stands."""
    shown = re.findall(
        rf"^```{language}\n(.*?)^```", (ROOT / "docs" / "rules.md").read_text(), re.MULTILINE | re.DOTALL
    )
    file = tmp_path / f"shown.{language}"
    file.write_text("\n".join(shown))
    pages = re.findall(r"^```markdown\n(.*?)^```", (ROOT / "docs" / "rules.md").read_text(), re.MULTILINE | re.DOTALL)
    (tmp_path / "desk.md").write_text("\n".join(pages))
    found = venue_kinds()
    catalogues = {name: kind.catalogue for name, kind in found.items()}

    venues = {"a": "architect", "b": "stonex", "c": "helio"}
    groups = {"family-office": GroupSketch(tuple(venues))}

    loaded = load_rules([str(file)], Scene(catalogues, venues, templates_of(found), groups=groups))

    assert loaded.problems == ()
    assert loaded.rules
