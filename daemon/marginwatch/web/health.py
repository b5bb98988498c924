"""`/healthz` (is it alive) and `/readyz` (is it doing its job), as JSON for probes and people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse
from starlette.routing import Route

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must be well."""

    name: str
    """`venue futures`, `receiver desk`, `store`, `tick`."""
    good: bool
    detail: str
    """For a person: `last good answer 12 s ago`."""


@dataclass(frozen=True, slots=True)
class Health:
    """How the daemon is, at one instant."""

    alive: bool
    """The tick loop makes progress."""
    checks: tuple[Check, ...]

    @property
    def ready(self) -> bool:
        """True when it is alive and every check is good."""
        return self.alive and all(check.good for check in self.checks)


def health_routes(health: Callable[[], Health]) -> list[Route]:
    """The two probes; `health` is asked on every request."""

    def healthz(_: Request) -> JSONResponse:
        alive = health().alive
        return _answer({"status": "alive" if alive else "stuck"}, good=alive)

    def readyz(_: Request) -> JSONResponse:
        now = health()
        checks = [{"name": check.name, "good": check.good, "detail": check.detail} for check in now.checks]
        return _answer({"status": "ready" if now.ready else "not ready", "checks": checks}, good=now.ready)

    return [Route("/healthz", healthz), Route("/readyz", readyz)]


def _answer(body: dict[str, object], *, good: bool) -> JSONResponse:
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return JSONResponse(body, status_code=200 if good else 503, headers=headers)
