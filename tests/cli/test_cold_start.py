"""What a command does not wait for: the modules it has no use for."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from support import ledger

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("url", "needed"), [("json://127.0.0.1:1/", ["apprise"]), ("slack://${credential:tokens}", [])]
)
def test_a_check_imports_nothing_heavy_in_vain(tmp_path: Path, url: str, needed: list[str]) -> None:
    """What runs, stores, serves and logs is not waited for, and what sends only where there is a URL to judge."""
    config = ledger.write(tmp_path)
    config.write_text(config.read_text().replace("json://127.0.0.1:1/", url))
    heavy = "apprise apscheduler alembic httpx grpc sqlalchemy structlog rich uvicorn starlette"
    code = (
        "import sys\nfrom marginwatch.cli import main\ntry:\n    main(['check', '--config', sys.argv[1]])\n"
        f"except SystemExit:\n    print(*sorted(set('{heavy}'.split()) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(config)], capture_output=True, text=True, check=True)

    assert "is good" in done.stdout
    assert done.stdout.splitlines()[-1].split() == needed


@pytest.mark.parametrize(("command", "looks"), [("check", False), ("test", True)])
def test_only_a_command_that_ends_soon_leaves_its_garbage(command: str, *, looks: bool) -> None:
    """One that may take long gives memory back, and so does the process of somebody else."""
    code = (
        "import gc, sys\nfrom marginwatch.cli import main\ntry:\n    main(*eval(sys.argv.pop()))\n"
        "except SystemExit:\n    print(gc.isenabled())"
    )

    def after(arguments: str) -> str:
        words = [sys.executable, "-c", code, command, "--help", arguments]
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()[-1]

    assert after("()") == str(looks)
    assert after(f"([{command!r}, '--help'],)") == "True"
