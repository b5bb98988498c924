"""A receiver for benchmarks, in a process of its own: takes `json://` messages and says when each first came."""

from __future__ import annotations

import asyncio
import json
import time

from httpd import reply, serve
from processes import say


def take(_: bytes, body: bytes) -> bytes:
    """Note a message."""
    at = time.monotonic()
    said = json.loads(body) if body.startswith(b"{") else {}  # a form is no JSON
    say(at=at, account=said.get("account"), state=said.get("state"), rule=said.get("rule"))
    return reply(b"{}")


if __name__ == "__main__":
    asyncio.run(serve(take, lambda _: None))
