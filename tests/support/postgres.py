"""A PostgreSQL server of our own for tests: a socket in a temporary folder, no TCP, gone afterwards."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

if TYPE_CHECKING:
    from collections.abc import Iterator

NO_SERVER = "PostgreSQL's server programs (initdb, pg_ctl) are not installed; with them these tests run too"
_UNPRIVILEGED = 65534
"""nobody: PostgreSQL refuses to run as root."""


@dataclass(frozen=True)
class Postgres:
    """A running server."""

    folder: Path

    def url(self, schema: str) -> str:
        """A URL whose tables live in that schema."""
        return f"postgresql://marginwatch@/postgres?host={self.folder}&options=-csearch_path%3D{schema}"

    @contextlib.contextmanager
    def schema(self) -> Iterator[str]:
        """The URL of a fresh schema: half a millisecond, where a database takes 25."""
        name = f"test_{uuid.uuid4().hex}"
        engine = sa.create_engine(
            f"postgresql+psycopg://marginwatch@/postgres?host={self.folder}", isolation_level="AUTOCOMMIT"
        )
        with engine.connect() as connection:
            connection.execute(sa.text(f"CREATE SCHEMA {name}"))
            try:
                yield self.url(name)
            finally:
                connection.execute(sa.text(f"DROP SCHEMA {name} CASCADE"))
        engine.dispose()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """The server, started once per test process."""
    programs = _programs()
    if programs is None:
        pytest.skip(NO_SERVER)
    folder = Path(tempfile.mkdtemp(prefix="mw-pg-"))  # short: a socket's path has at most 107 bytes
    try:
        if os.geteuid() == 0:
            os.chown(folder, _UNPRIVILEGED, _UNPRIVILEGED)
        data = folder / "data"
        _run(programs / "initdb", "-D", data, "-U", "marginwatch", "-A", "trust", "-E", "UTF8", "--no-sync")
        options = f"-c listen_addresses='' -c unix_socket_directories='{folder}' -c fsync=off"
        _run(programs / "pg_ctl", "start", "-w", "-D", data, "-o", options, "-l", folder / "log")
        try:
            yield Postgres(folder)
        finally:
            _run(programs / "pg_ctl", "stop", "-w", "-m", "immediate", "-D", data)
    finally:
        shutil.rmtree(folder)


def _programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    candidates = [*(path.parent for path in reversed(found)), *([Path(on_path).parent] if on_path else [])]
    return next((folder for folder in candidates if (folder / "pg_ctl").exists()), None)


def _run(program: Path, *arguments: str | Path) -> None:
    drop = ["setpriv", f"--reuid={_UNPRIVILEGED}", f"--regid={_UNPRIVILEGED}", "--clear-groups"]
    command = [*(drop if os.geteuid() == 0 else []), str(program), *map(str, arguments)]
    done = subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd="/", text=True)
    if done.returncode:
        pytest.fail(f"{program.name} failed: {done.stderr}")
