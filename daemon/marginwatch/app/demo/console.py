"""The demo's receiver: a webhook on loopback that prints what it is told."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request

_STYLES = {
    "critical": "bold red",
    "warning": "bold yellow",
    "info": "bold cyan",
}
_ENDINGS = frozenset({"resolved", "closed"})


@dataclass(slots=True)
class Board:
    """Prints the story and the alerts, and remembers what was told."""

    console: Console = field(default_factory=lambda: Console(highlight=False, soft_wrap=True))
    told: list[tuple[str, str, str]] = field(default_factory=list)
    """Venue, rule and state of each message, as told."""

    def say(self, note: str) -> None:
        """What happens in the simulated world."""
        self.console.print(Text(f"~ {note}", style="dim"))

    def show(self, message: dict[str, str]) -> None:
        """What a person would have received."""
        state = message["state"]
        style = "bold green" if state in _ENDINGS else _STYLES.get(message["severity"], "bold")
        self.told.append((message["venue"], message["rule"], state))
        self.console.print(Text(message["title"], style=style))
        for line in message["message"].splitlines():
            self.console.print(Text(f"    {line}"))
        self.console.print()

    def app(self) -> Starlette:
        """The webhook, as an ASGI application."""

        async def hook(request: Request) -> Response:
            self.show(json.loads(await request.body()))
            return Response(status_code=204)

        return Starlette(routes=[Route("/", hook, methods=["POST"])])
