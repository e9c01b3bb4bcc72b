"""Guards ASGI applications: Starlette, FastAPI, Litestar, the MCP SDK's server, any other.

    from authkit_verifier.asgi import AuthKitMiddleware

    app.add_middleware(AuthKitMiddleware, verifier=verifier)   # or AuthKitMiddleware(app, verifier)

Everything needs a token but the well-known documents, which it serves, and what is named public. A handler
finds the token's claims in `request.scope["authkit"]`. Needs no framework; `routes` needs Starlette.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from . import _asgi, _demands, _log
from ._asgi import ASGIApp, Message, Receive, Scope, Send
from ._cors import Cors
from ._errors import InsufficientScopeError
from ._refused import Refused
from ._response import Response
from ._verifier import Verifier

if TYPE_CHECKING:
    from starlette.routing import Route

    from ._claims import Claims
    from ._response import Decision

__all__ = ["AuthKitMiddleware", "Refused", "require_scopes", "routes"]

_logger = logging.getLogger(__name__)


# Where the well-known documents lie (RFC 9728 section 3.1, RFC 8414 section 3, OpenID Connect Discovery).
_PLACES = ("oauth-protected-resource", "oauth-authorization-server", "openid-configuration")


class AuthKitMiddleware:
    """Lets a request through to an ASGI application if its token is good, and answers it otherwise.

    The answers are the library's: 401, 403 and 400 with their challenge, 503 with `Retry-After` while the
    issuer's keys cannot be had. A websocket is refused before it is accepted.

    Sets `scope["authkit"]` to the `Claims`, or to None if the request needs no token.

    Args:
        app: The application.
        verifier: Who decides. None makes one with `Verifier.from_env()`.
        public: Paths that need no token, or a plain function of the scope that decides: only True
            opens. They are compared exactly
            with the path as received, without `root_path` and `prefix`. `/*` at the end means all paths
            below. A demand always wins: a place or a function of `required_scopes`, a tool of `tool_scopes`.
            A path that routers could read in two ways is never public.
        required_scopes: Scopes that requests need beyond the verifier's: a list for every token, a mapping
            from places (path prefixes such as `/admin`), or a function of the scope. A place matches every
            path that has its segments in it, ignoring ASCII case. A path that routers could read in two ways
            matches every place.
        tool_scopes: By an MCP tool's name, the scopes that calling it needs. The body of a request is read
            for that, up to 4 MiB. A longer or unreadable body, and a websocket, need the scopes of all tools.
        prefix: The part of the path that a proxy, a mount or the framework strips before it routes, such as
            `/api` (FastAPI's own `root_path`, Django's `FORCE_SCRIPT_NAME`). With it a place matches only at
            the start of the path or after the prefix.
        cors_origins: Origins whose web pages may call, `*` for any: their preflights are answered and the
            answers opened to them. Empty leaves that to the application.

    Raises:
        ConfigError: No verifier was given, and the environment configures none. No path can match a
            place, or a place of `required_scopes` always keeps a public path closed.
        MisuseError: A scope is not one, or a function is async.
    """

    def __init__(
        self,
        app: ASGIApp,
        verifier: Verifier | None = None,
        *,
        public: Iterable[str] | Callable[[Scope], bool] = (),
        required_scopes: Iterable[str] | Mapping[str, Iterable[str]] | Callable[[Scope], Iterable[str]] = (),
        tool_scopes: Mapping[str, Iterable[str]] | None = None,
        prefix: str = "",
        cors_origins: Iterable[str] = (),
    ) -> None:
        self._app = app
        self._verifier = Verifier.from_env() if verifier is None else verifier
        self._demands = _demands.Demands(public, required_scopes, prefix, self._verifier, _asgi.paths)
        self._tools = _demands.named({} if tool_scopes is None else tool_scopes, self._verifier)
        self._cors = Cors(cors_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one connection, as ASGI has it."""
        _log.begin(_logger, self._verifier)
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] not in ("http", "websocket"):
            raise RuntimeError(f"a connection of type {scope['type']!r} cannot be guarded")
        document = await _asgi.well_known(self._verifier, scope)
        if document is not None:
            await _asgi.send_response(document, scope, receive, send)
            return
        preflight = self._cors.preflight(scope)
        if preflight is not None:
            await _asgi.send_response(preflight, scope, receive, send)
            return
        await self._guard(scope, receive, self._cors.opening(scope, send))

    async def _guard(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = _Request(self._verifier, scope)
        scope["authkit"] = None
        scope[_REQUEST] = request
        is_public, request.needed = self._demands.of(scope)
        decision = None if is_public else await request.decide(())
        # Also of a token that lacks a scope of the path: a challenge names all that the request needs.
        if self._tools and (
            decision is None or decision or isinstance(decision.error, InsufficientScopeError)
        ):
            called, receive = await self._called(scope, receive)
            if called.scopes is not None:
                decision = await request.decide(called.scopes, called.name)
        if decision is not None:
            if not decision:
                _log.write_refusal(_logger, decision, self._verifier)
                await _asgi.send_response(decision, scope, receive, send)
                return
            scope["authkit"] = decision.claims
        await request.handled(self._app, scope, receive, send)

    async def _called(self, scope: Scope, receive: Receive) -> tuple[_demands.Called, Receive]:
        """The tools with scopes that a request calls; the request, unread."""
        if scope["type"] == "websocket":
            return _demands.all_of(self._tools), receive
        body, read, whole = await _asgi.read_body(receive)
        called = _demands.of_tools(body, self._tools) if whole else _demands.all_of(self._tools)
        return called, _asgi.again(read, receive)


# Where in a scope a request's own record lies, for `require_scopes`.
_REQUEST = "authkit.request"


class _Request:
    """One request: what it is decided by, also again, and what became of it."""

    def __init__(self, verifier: Verifier, scope: Scope) -> None:
        self._verifier = verifier
        self._authorization = _asgi.authorization(scope)
        self._query = _asgi.query(scope)
        self._scope = scope
        # The scopes of its path, and those of every token.
        self.needed: _demands.Scopes = ()
        self._refusal: Decision | None = None
        self._begun = False
        self._answered = False

    async def decide(self, more: Iterable[str], tool: str | None = None) -> Decision:
        """Decides about the request, which needs more scopes than its path's: a challenge names them all."""
        return await self._verifier.authorize_async(
            self._authorization, query=self._query, required_scopes=(*self.needed, *more), tool=tool
        )

    async def require(self, more: Iterable[str]) -> Claims:
        decision = await self.decide(more)
        if decision.claims is None:
            _log.write_refusal(_logger, decision, self._verifier)
            self._refusal = decision
            raise Refused(decision)
        return decision.claims

    async def handled(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Has the application handle the request, and answers where it was refused on the way."""

        async def sending(message: Message) -> None:
            if self._answered:
                # The rest of what was replaced.
                return
            if message["type"] == "http.response.start" and self._replaces(message["status"]):
                await self._answer(receive, send)
                return
            self._begun = True
            await send(message)

        try:
            await app(scope, receive, sending)
        except Refused:
            if self._refusal is None or (self._begun and scope["type"] == "http"):
                raise
            if not self._answered:
                await self._answer(receive, send)

    def _replaces(self, status: int) -> bool:
        """Whether an answer is what a framework makes of an exception it does not know: of `Refused`."""
        return self._refusal is not None and status == 500

    async def _answer(self, receive: Receive, send: Send) -> None:
        assert self._refusal is not None
        self._answered = True
        if self._scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": _asgi.POLICY_VIOLATION})
        else:
            await _asgi.send_response(self._refusal, self._scope, receive, send)


async def require_scopes(connection: Any, *scopes: str) -> Claims:
    """Demands scopes beyond the verifier's and the path's, of a request that came through the middleware.

    Args:
        connection: The framework's request or websocket, or its ASGI scope.
        scopes: The scopes, all of which the token must carry.

    Returns:
        The claims.

    Raises:
        Refused: The token lacks one. Let it pass: the middleware answers 403 with the whole challenge. (In
            an MCP tool it becomes the tool's error; for a 403 there, see `tool_scopes`.)
        MisuseError: A scope is not one.
        RuntimeError: The request did not come through `AuthKitMiddleware`.
    """
    request = getattr(connection, "scope", connection).get(_REQUEST)
    if request is None:
        raise RuntimeError("require_scopes needs AuthKitMiddleware around the application")
    claims: Claims = await request.require(scopes)
    return claims


def routes(verifier: Verifier) -> list[Route]:
    """The well-known documents as Starlette routes, for the root of an application that guards a mount.

    Starlette(routes=[*routes(verifier), Mount("/mcp", AuthKitMiddleware(mcp, verifier))])
    """
    from starlette.routing import Route

    return [Route(f"/.well-known/{place}{{rest:path}}", endpoint=_Documents(verifier)) for place in _PLACES]


class _Documents:
    """Serves the well-known documents, and nothing else."""

    def __init__(self, verifier: Verifier) -> None:
        self._verifier = verifier

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        _log.begin(_logger, self._verifier)
        document = await _asgi.well_known(self._verifier, scope)
        await _asgi.send_response(document or Response(404, (), b""), scope, receive, send)
