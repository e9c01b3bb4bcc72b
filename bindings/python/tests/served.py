"""Two applications with one module-level verifier each request goes through, for servers that fork or spawn.

`wsgi` is for gunicorn, `asgi` for uvicorn. Settings and token come from the environment. Each answers with
the verdict's HTTP status and the id of the process that gave it.
"""

from __future__ import annotations

import contextlib
import json
import os
from typing import TYPE_CHECKING, Any

from authkit_verifier import AuthKitError, Verifier, WouldBlockError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

verifier = Verifier(**json.loads(os.environ["SERVED_SETTINGS"]))

# While the module is loaded, which is in gunicorn's parent under --preload.
match os.environ["SERVED_AT_IMPORT"]:
    case "refresh":
        verifier.refresh()
    case "start":
        with contextlib.suppress(WouldBlockError):
            verifier.try_verify(os.environ["SERVED_TOKEN"])


def bearer(authorization: str) -> str:
    return authorization.removeprefix("Bearer ")


def wsgi(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    status = 200
    try:
        verifier.verify(bearer(environ["HTTP_AUTHORIZATION"]))
    except AuthKitError as refusal:
        status = refusal.http_status
    body = str(os.getpid()).encode()
    start_response(f"{status} Verdict", [("Content-Length", str(len(body)))])
    return [body]


async def asgi(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    status = 200
    try:
        await verifier.verify_async(bearer(dict(scope["headers"])[b"authorization"].decode()))
    except AuthKitError as refusal:
        status = refusal.http_status
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": str(os.getpid()).encode()})
