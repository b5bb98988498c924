"""The tokens a simulated venue has given out."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from marginwatch.simulator.world import World


class Tokens:
    """Gives tokens of a certain life, by the world's clock."""

    def __init__(self, world: World, life: timedelta) -> None:
        self.life = life
        self._world = world
        self._until: dict[str, datetime] = {}

    def give(self) -> tuple[str, datetime]:
        """A new token, and when it expires."""
        token, until = secrets.token_urlsafe(24), self._world.now() + self.life
        self._until[token] = until
        return token, until

    def good(self, token: str) -> bool:
        """Whether the token was given out, has not expired and is not revoked."""
        until = self._until.get(token)
        return until is not None and self._world.now() < until

    def revoke(self) -> None:
        """Refuse every token given out so far."""
        self._until.clear()
