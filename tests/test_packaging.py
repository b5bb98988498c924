"""What is built holds what a user needs, and the pinned dependencies name no host."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the source archive, built from this checkout without a network."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def names(built: Path) -> set[str]:
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        return set(wheel.namelist())


def test_the_wheel_holds_one_package(built: Path) -> None:
    """Only `marginwatch` is installed at the top: the name of its source folder belongs to others."""
    tops = {name.partition("/")[0] for name in names(built)}
    assert {top for top in tops if "dist-info" not in top and ".data" not in top} == {"marginwatch"}


def test_the_wheel_holds_every_module_and_type_marker(built: Path) -> None:
    """Each module of the checkout is in it."""
    source = ROOT / "daemon"
    modules = {str(path.relative_to(source)) for path in source.rglob("*.py")}
    assert modules <= names(built)
    assert "marginwatch/py.typed" in names(built)


def test_the_wheel_holds_the_rule_packs(built: Path) -> None:
    """Each file under `rules/` is inside the package, where the loader looks for `builtin:` packs."""
    packs = {str(path.relative_to(ROOT / "rules")) for path in (ROOT / "rules").rglob("*") if path.is_file()}
    assert packs
    assert {f"marginwatch/rulepacks/{name}" for name in packs} <= names(built)


def test_the_wheel_brings_the_example_the_schemas_and_the_units(built: Path) -> None:
    """They are installed under share/marginwatch of the environment."""
    shared = {name.partition(".data/data/")[2] for name in names(built) if ".data/data/" in name}
    assert shared == {
        "share/marginwatch/config.example.toml",
        "share/marginwatch/schemas/config.schema.json",
        "share/marginwatch/schemas/rules.schema.json",
        "share/marginwatch/schemas/tests.schema.json",
        "share/marginwatch/systemd/marginwatch.service",
        "share/marginwatch/systemd/marginwatch-failure@.service",
    }


def test_the_source_archive_builds_the_same(built: Path) -> None:
    """The wheel was built from it, and it has the licence and the changelog."""
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        files = {name.partition("/")[2] for name in archive.getnames()}
    assert {"LICENSE", "README.md", "CHANGELOG.md", "pyproject.toml"} <= files


def test_the_lock_files_agree() -> None:
    """What the program needs is pinned to the same versions and hashes as what its tests run with."""
    everything, needed = _pins("requirements.lock"), _pins("requirements-run.lock")
    assert needed.items() <= everything.items()
    assert len(needed) < len(everything)


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-run.lock"])
def test_the_lock_files_hold_hashes_and_no_hosts(name: str) -> None:
    """Every pin is checked against a hash, wherever it is fetched from."""
    text = (ROOT / name).read_text()
    assert "://" not in text
    assert "--index" not in text
    assert all(hashes for hashes in _pins(name).values())


def test_every_dependency_is_pinned() -> None:
    """What the project declares is in the lock file that its kind belongs to."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    runtime = [*project["project"]["dependencies"], *project["project"]["optional-dependencies"]["postgres"]]
    dev = [item for item in project["dependency-groups"]["dev"] if isinstance(item, str)]
    assert {_name(item) for item in runtime} <= {_name(pin) for pin in _pins("requirements-run.lock")}
    assert {_name(item) for item in dev} <= {_name(pin) for pin in _pins("requirements.lock")}


def _pins(name: str) -> dict[str, frozenset[str]]:
    """`name==version` to hashes; the markers of environments may differ from file to file."""
    pins: dict[str, frozenset[str]] = {}
    for block in re.split(r"\n(?=\S)", (ROOT / name).read_text().strip()):
        pin, *hashes = (line.strip(" \\") for line in block.splitlines())
        pins[pin.partition(" ;")[0]] = frozenset(hashes)
    return pins


def _name(requirement: str) -> str:
    found = re.match(r"[\w.-]+", requirement)
    assert found
    return re.sub(r"[-_.]+", "-", found[0]).lower()
