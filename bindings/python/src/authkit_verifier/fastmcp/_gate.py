"""Where a request is let through or answered: right in front of FastMCP's own check, which stays in place.

FastMCP puts a provider's routes before those that it protects, in every version. The gate is such a route: it
takes the requests for the protected ones, answers what the library refuses, and hands on what it accepts.
What the host puts around its routes (CORS, custom middleware) is around the gate's answers, too.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from fastmcp import settings
from fastmcp.utilities.logging import get_logger
from mcp.server.auth.middleware.auth_context import AuthContextMiddleware
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser, RequireAuthMiddleware
from starlette.authentication import AuthCredentials, UnauthenticatedUser
from starlette.routing import BaseRoute, Match, NoMatchFound

from .. import _asgi, _demands, _log
from .._response import Response
from ._scopes import in_use, scopes_of
from ._token import AuthKitAccessToken

if TYPE_CHECKING:
    from starlette.datastructures import URLPath

    from .._asgi import ASGIApp, Receive, Scope, Send
    from .._response import Decision
    from .._verifier import Verifier

# Among FastMCP's, so that its settings of levels hold.
logger = get_logger("authkit_verifier")
if not settings.log_enabled:
    # FASTMCP_LOG_ENABLED=false: nothing goes to standard error by itself.
    logger.addHandler(logging.NullHandler())

# Where in a scope the gate leaves its decision and itself, and the route that it stands before.
_JUDGED = "authkit_verifier.judged"
_BEHIND = "authkit_verifier.behind"


class Gate(BaseRoute):
    """Stands before the routes that one application protects with one provider."""

    def __init__(self, provider: object, verifier: Verifier, required_scopes: Iterable[str]) -> None:
        self._provider = provider
        self._verifier = verifier
        # The library grants them with every token that it accepts, be it by a hierarchy.
        self._required_scopes = tuple(required_scopes)
        # The routes of the application that were looked through, how many, and those that it protects.
        self._found: tuple[object, int, list[BaseRoute]] = (None, 0, [])

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Takes what would otherwise reach a route that FastMCP protects."""
        app = scope.get("app")
        # Of several providers in one (MultiAuth), another may accept what this one does not.
        auth = getattr(getattr(app, "state", None), "fastmcp_auth", self._provider)
        if auth is self._provider:
            for route in self._protected(getattr(app, "routes", [])):
                match, more = route.matches(scope)
                if match is Match.FULL:
                    return match, {_BEHIND: (route, more)}
        return Match.NONE, {}

    def _protected(self, routes: list[BaseRoute]) -> list[BaseRoute]:
        """The application's routes that FastMCP checks; looked for again when it gets more."""
        looked_through, count, found = self._found
        if looked_through is not routes or count != len(routes):
            found = [
                route for route in routes if isinstance(getattr(route, "app", None), RequireAuthMiddleware)
            ]
            self._found = (routes, len(routes), found)
        return found

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hands the request on, or answers it."""
        route, more = scope.pop(_BEHIND)
        scope.update(more)
        inner: ASGIApp = route.handle
        decision = self._judged(scope)
        if decision is None:
            decision = await self.judge(scope, _asgi.authorization(scope))
            inner = AuthContextMiddleware(route.handle)
        if decision and scope.get("method") == "POST" and in_use():
            decision, receive = await self._judge_tools(scope, receive, decision)
        if decision:
            await inner(scope, receive, send)
        else:
            _log.write_refusal(logger, decision, self._verifier)
            await _asgi.send_response(decision, scope, receive, send)

    async def judge(self, scope: Scope, header: bytes | None) -> Decision:
        """Asks the library about a request, and leaves in its scope what FastMCP looks for there."""
        self.begin()
        decision = await self._verifier.authorize_async(header, query=_asgi.query(scope))
        scope[_JUDGED] = (self, decision)
        if decision.claims is None or header is None:
            scope["auth"], scope["user"] = AuthCredentials(), UnauthenticatedUser()
            return decision
        # Accepted, it is a scheme, spaces and the token.
        text = header.strip().rpartition(b" ")[2].decode("ascii")
        token = AuthKitAccessToken.of(text, decision.claims, self._verifier)
        scope["auth"] = AuthCredentials([*token.scopes, *self._required_scopes])
        scope["user"] = AuthenticatedUser(token)
        return decision

    def _judged(self, scope: Scope) -> Decision | None:
        by, decision = scope.get(_JUDGED, (None, None))
        return decision if by is self else None

    async def _judge_tools(
        self, scope: Scope, receive: Receive, decision: Decision
    ) -> tuple[Decision, Receive]:
        """Asks again, about the scopes of the tools that the request calls."""
        body, messages, whole = await _asgi.read_body(receive)
        receive = _asgi.again(messages, receive)
        # Of a body that is too long to be read here, or unclear, the tools themselves judge.
        names = set((_demands.called_tools(body) if whole else None) or ())
        server = getattr(scope["app"].state, "fastmcp_server", None)
        wanted = await scopes_of(server, names) if names and server is not None else set()
        if not wanted:
            return decision, receive
        header, query = _asgi.authorization(scope), _asgi.query(scope)
        # Names of tools that the server has, since only those have scopes.
        tool = next(iter(names)) if len(names) == 1 else None
        decision = await self._verifier.authorize_async(
            header, query=query, required_scopes=sorted(wanted), tool=tool
        )
        if decision:
            scope["user"].access_token.grant(wanted)
        return decision, receive

    def begin(self) -> None:
        """Begins the log, and has the keys fetched, so that the first request need not wait."""
        _log.begin(logger, self._verifier)

    def url_path_for(self, name: str, /, **path_params: Any) -> URLPath:
        """Has no name to be found by."""
        raise NoMatchFound(name, path_params)


class Authentication:
    """Names the user of every request with a token, for middleware and custom routes; refuses nobody."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        # The application's, which it is made for: looked for on the first connection.
        self._gate: Gate | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one connection, as ASGI has it."""
        gate = self._gate
        if gate is None:
            gate = self._gate = next(
                (route for route in scope["app"].routes if isinstance(route, Gate)), None
            )
        if scope["type"] == "lifespan" and gate is not None:
            gate.begin()
        elif scope["type"] == "http":
            header = _asgi.authorization(scope)
            if gate is not None and header is not None:
                await gate.judge(scope, header)
            else:
                scope["auth"], scope["user"] = AuthCredentials(), UnauthenticatedUser()
        await self._app(scope, receive, send)


class WellKnown:
    """Serves the well-known documents of a verifier's resource."""

    def __init__(self, verifier: Verifier) -> None:
        self._verifier = verifier

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request, as ASGI has it."""
        document = await _asgi.well_known(self._verifier, scope)
        await _asgi.send_response(document or Response(404, (), b""), scope, receive, send)
