"""The two commands of the README set themselves up, or say in one sentence what is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TOOLS = ("sh", "cat", "cp", "dirname", "mkdir", "rm", "sha256sum")
PYTHON = 'case "$*" in *"-m venv"*) mkdir -p .venv/bin && cp python .venv/bin/python;; esac'
"""Stands for a Python that makes an environment; in it is the script `python` of the folder."""
OWN = '#!/bin/sh\necho "$*" >>calls\ncase "$*" in *require-hashes*) [ ! -e broken ];; esac\n'
"""Stands for the environment's own, which notes what is asked of it and cannot install while `broken` is there."""


def setup(folder: Path, python: str | None) -> subprocess.CompletedProcess[str]:
    """Run the set-up in a copy of the checkout, on a machine whose only python3 is this script (None: has none)."""
    (folder / ".ci").mkdir()
    for name in (".ci/setup", "requirements-run.lock", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, folder / name)
    tools = folder / "bin"
    tools.mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found
        (tools / tool).symlink_to(found)
    if python is not None:
        (tools / "python3").write_text(f"#!/bin/sh\n{python}\n")
        (tools / "python3").chmod(0o755)
    return again(folder)


def again(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run it there as it is."""
    command, path = ["sh", str(folder / ".ci/setup"), "requirements-run.lock"], str(folder / "bin")
    return subprocess.run(command, env={"PATH": path}, capture_output=True, text=True, check=False, timeout=60)


def test_it_is_set_up_once_and_works_when_run_again(tmp_path: Path) -> None:
    """A second run installs nothing, one after an edit does, and one after a failure mends what that left."""
    (tmp_path / "python").write_text(OWN)
    (tmp_path / "python").chmod(0o755)
    calls = tmp_path / "calls"

    def installed() -> list[str]:
        found = [line.partition(" -qq ")[2] for line in calls.read_text().splitlines() if "install" in line]
        calls.write_text("")
        return found

    both = [
        "install --require-hashes --requirement requirements-run.lock",
        "install --no-deps --no-build-isolation --editable .",
    ]
    assert setup(tmp_path, PYTHON).returncode == 0
    assert installed() == both
    assert again(tmp_path).returncode == 0
    assert installed() == []

    (tmp_path / "requirements-run.lock").write_text("# edited\n")
    (tmp_path / "broken").touch()
    failed = again(tmp_path)
    assert failed.returncode == 1
    assert failed.stderr.splitlines()[-1].startswith("The dependencies could not be installed")
    assert installed() == both[:1]
    (tmp_path / "broken").unlink()
    assert again(tmp_path).returncode == 0
    assert installed() == both


@pytest.mark.parametrize(
    ("python", "sentence"),
    [
        (None, "Python 3.11 or newer is missing: install it"),
        ("exit 1", "Python 3.11 or newer is missing: install it"),
        (
            'case "$*" in *ensurepip*) exit 1;; -V) echo Python 3.11.2;; esac',
            "The venv module of Python 3.11.2 is missing: install it (Debian, Ubuntu: apt install python3-venv).",
        ),
        (
            'case "$*" in *"-m venv"*) exit 1;; esac',
            "Python could not make a virtual environment in .venv; its own words are above.",
        ),
    ],
    ids=["none", "too old", "without venv", "broken"],
)
def test_what_is_missing_is_one_sentence(tmp_path: Path, python: str | None, sentence: str) -> None:
    """A machine that lacks something is told what, and nothing is left half made that looks ready."""
    done = setup(tmp_path, python)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(sentence)
    assert not list(tmp_path.glob(".venv/.ready*"))


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
@pytest.mark.parametrize(
    ("user", "others", "said"),
    [
        ("0", {}, "apt-get install -qq -y --no-install-recommends make"),
        ("1000", {"sudo": 'shift; exec "$@"'}, "apt-get install -qq -y --no-install-recommends make"),
        ("1000", {"sudo": "exit 1"}, "missing, and only root can install them here: make git python3 python3-venv"),
        ("1000", {}, "missing, and only root can install them here: make git python3 python3-venv"),
    ],
    ids=["root", "sudo", "sudo with a password", "neither"],
)
def test_a_bare_machine_is_told_what_it_lacks(tmp_path: Path, user: str, others: dict[str, str], said: str) -> None:
    """What continuous integration lacks it installs where it may, and where nothing helps it ends with a sentence."""
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci/run", tmp_path / ".ci/run")
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in ("bash", "dirname", "env", "true"):
        found = shutil.which(tool)
        assert found
        (tools / tool).symlink_to(found)
    harmless = dict.fromkeys(("chmod", "ln", "mkdir", "rm", "tee"), ":")
    scripts = {**harmless, "id": f"echo {user}", "apt-get": 'echo "apt-get $*"', **others}
    for name, script in scripts.items():
        (tools / name).write_text(f"#!{tools}/bash\n{script}\n")
        (tools / name).chmod(0o755)
    command = [str(tools / "bash"), str(tmp_path / ".ci/run")]
    done = subprocess.run(command, env={"PATH": str(tools)}, capture_output=True, text=True, check=False, timeout=60)

    assert done.returncode == 1
    assert any(line.startswith(said) for line in done.stdout.splitlines())
    assert done.stderr == "make is missing: install it (Debian, Ubuntu: apt install make).\n"


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_options_go_through() -> None:
    """ARGS reaches the command itself."""
    for target, command in (("demo", ".venv/bin/marginwatch demo"), ("test", ".venv/bin/python -m pytest -n auto")):
        done = subprocess.run(
            ["make", "--dry-run", "--no-print-directory", target, "ARGS=--once --fast"],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            check=True,
        )
        line = next(line for line in done.stdout.splitlines() if line.startswith(command))
        assert line.endswith("--once --fast")
