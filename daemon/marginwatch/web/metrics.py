"""`/metrics` for Prometheus: how the watching goes, and nothing of any account."""

from __future__ import annotations

import asyncio
import hmac
from typing import TYPE_CHECKING

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import SecretStr
    from starlette.requests import Request


def metrics_route(page: Callable[[], bytes], token: SecretStr | None) -> Route:
    """The route; `page` is made on a thread of its own. With a token, who asks sends it as `Authorization: Bearer`."""
    wanted = None if token is None else f"Bearer {token.get_secret_value()}".encode()

    async def metrics(request: Request) -> Response:
        given = request.headers.get("authorization", "").encode()
        if wanted is not None and not hmac.compare_digest(given, wanted):
            said = "Send the token of [web] as `Authorization: Bearer …`.\n"
            return PlainTextResponse(said, 401, {"WWW-Authenticate": "Bearer"})
        return Response(await asyncio.to_thread(page), media_type=CONTENT_TYPE_LATEST)

    return Route("/metrics", metrics)
