"""Answers an outage with 503 or 429, also if FastMCP asks several providers, or another provider asks ours.

With several providers (MultiAuth), FastMCP 3 treats every exception of a token verifier as "no" and answers
401. From 4.2 on it raises `TokenVerificationError` again and answers 500. Both are wrong: the token could not
be judged, so the client must get 503 or 429 and try again.
"""

from __future__ import annotations

import functools
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from fastmcp.server.auth import auth as _host
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from starlette.middleware import Middleware

from .. import _asgi
from .._errors import AuthKitError, _restored
from .._response import Response

if TYPE_CHECKING:
    from .._asgi import ASGIApp, Message, Receive, Scope, Send

# Statuses that mean: the token or the request is at fault.
_REFUSALS = (400, 401, 403)
_NO_ANSWER = Response(503, (("cache-control", "no-store"), ("retry-after", "1")), b"")
_UNAVAILABLE: Any = getattr(_host, "TokenVerificationError", None)

# For each of our error classes, the class that MultiAuth raises again.
_raised_again: dict[type[AuthKitError], type[AuthKitError]] = {}

# The outages that our verifier has met in the current request, each with its answer. None if FastMCP judges
# no request.
_outages: ContextVar[list[tuple[AuthKitError, Response]] | None] = ContextVar("outages", default=None)


def is_outage(error: AuthKitError) -> bool:
    """Whether a failure says nothing about the token."""
    return error.http_status not in _REFUSALS


def raised(error: AuthKitError, answer: Response | None) -> AuthKitError:
    """The error to raise for an outage, in a class that MultiAuth raises again."""
    if isinstance(_UNAVAILABLE, type):
        kind = type(error)
        if kind not in _raised_again:
            members = {"__doc__": kind.__doc__, "__module__": __name__}
            _raised_again[kind] = type(kind.__name__, (kind, _UNAVAILABLE), members)
        error = _restored(_raised_again[kind], error.args, vars(error))
    noted = _outages.get()
    if noted is not None:
        noted.append((error, _NO_ANSWER if answer is None else answer))
    return error


class Outages:
    """Answers instead of FastMCP if no provider accepted the token and ours could not judge it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one connection, as ASGI has it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        met: list[tuple[AuthKitError, Response]] = []
        begun = answered = False

        async def watched(message: Message) -> None:
            nonlocal begun, answered
            if message["type"] == "http.response.start" and not begun:
                begun = True
                # The token was accepted, so this 401 is the application's own.
                if met and message["status"] == 401 and not isinstance(scope.get("user"), AuthenticatedUser):
                    answered = True
                    await _asgi.send_response(met[0][1], scope, receive, send)
            if not answered:
                await send(message)

        before = _outages.set(met)
        try:
            await self._app(scope, receive, watched)
        except AuthKitError as error:
            answer = next((answer for noted, answer in met if noted is error), None)
            if answer is None or begun:
                raise
            await _asgi.send_response(answer, scope, receive, send)
        finally:
            _outages.reset(before)


def _install() -> None:
    """Puts `Outages` around the middleware of FastMCP's own providers, which do not handle outages."""
    inherited = getattr(_host.AuthProvider, "get_middleware", None)
    if inherited is None:
        # FastMCP 2.12.0 has no providers that ask ours.
        return

    @functools.wraps(inherited)
    def get_middleware(self: Any) -> list[Any]:
        return [Middleware(Outages), *inherited(self)]

    _host.AuthProvider.get_middleware = get_middleware  # type: ignore[method-assign]


_install()
