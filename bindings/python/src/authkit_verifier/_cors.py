"""Web pages of other origins (the Fetch standard's CORS protocol) at an endpoint that a token guards."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ._demands import scopes as _texts
from ._response import Response

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ._asgi import Message, Scope, Send

_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
# What MCP clients send, where a preflight names nothing that could be sent back.
_HEADERS = (
    "Authorization, Content-Type, Accept, Mcp-Protocol-Version, Mcp-Session-Id, Mcp-Method, Mcp-Name, "
    "Last-Event-ID, DPoP"
)
# Of an MCP server's answer, what a page may read beyond the usual.
_EXPOSED = "Mcp-Session-Id, WWW-Authenticate, Retry-After, DPoP-Nonce"
_FIELD_NAMES = re.compile(rb"[A-Za-z0-9!#$%&'*+.^_`|~, -]{1,1024}")


class Cors:
    """Answers preflights, which carry no token, and opens answers, for pages of the given origins."""

    def __init__(self, origins: Iterable[str]) -> None:
        self._origins = frozenset(origin.encode() for origin in _texts(origins))
        self._any = b"*" in self._origins

    def preflight(self, scope: Scope) -> Response | None:
        """The answer to a preflight; None to any other request."""
        origin = self._origin(scope)
        asked = _header(scope, b"access-control-request-method")
        if origin is None or asked is None or scope.get("method") != "OPTIONS":
            return None
        names = _header(scope, b"access-control-request-headers") or b""
        headers = names.decode() if _FIELD_NAMES.fullmatch(names) else _HEADERS
        return Response(
            204,
            (
                *((name.decode(), value.decode()) for name, value in self._open_to(origin)),
                ("access-control-allow-methods", _METHODS),
                ("access-control-allow-headers", headers),
                ("access-control-max-age", "600"),
            ),
            b"",
        )

    def opening(self, scope: Scope, send: Send) -> Send:
        """As `send`, opening the answer to the page that asked; an application's own word counts."""
        origin = self._origin(scope)
        if origin is None:
            return send
        ours = [*self._open_to(origin), (b"access-control-expose-headers", _EXPOSED.encode())]

        async def opened(message: Message) -> None:
            if message["type"] == "http.response.start":
                theirs = list(message.get("headers", []))
                said = {name.lower() for name, _ in theirs} - {b"vary"}
                message["headers"] = theirs + [header for header in ours if header[0] not in said]
            await send(message)

        return opened

    def _origin(self, scope: Scope) -> bytes | None:
        """The origin of the page that asks, if it is one of those to be opened to."""
        origin = _header(scope, b"origin") if self._origins and scope["type"] == "http" else None
        return origin if self._any or origin in self._origins else None

    def _open_to(self, origin: bytes) -> list[tuple[bytes, bytes]]:
        if self._any:
            return [(b"access-control-allow-origin", b"*")]
        return [(b"access-control-allow-origin", origin), (b"vary", b"Origin")]


def _header(scope: Scope, name: bytes) -> bytes | None:
    return next((value for field, value in scope["headers"] if field.lower() == name), None)
