"""Guards WSGI applications: Flask, Django, any other.

    from authkit_verifier.wsgi import AuthKitMiddleware

    app.wsgi_app = AuthKitMiddleware(app.wsgi_app, verifier)          # Flask
    application = AuthKitMiddleware(get_wsgi_application(), verifier)  # Django

Everything needs a token but the well-known documents, which it serves, and what is named public. A view finds
the token's claims in `environ["authkit"]`: Flask's `request.environ`, Django's `request.META`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_from_bytes

from . import _demands, _log
from ._refused import Refused
from ._verifier import Verifier

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from ._claims import Claims
    from ._response import Decision, Response

__all__ = ["AuthKitMiddleware", "Refused", "require_scopes"]

_logger = logging.getLogger(__name__)

# The part that the path of every well-known document has.
_WELL_KNOWN = "/.well-known/"
# Where in an environment a request's own record lies, for `require_scopes`.
_REQUEST = "authkit.request"


class AuthKitMiddleware:
    """Lets a request through to a WSGI application if its token is good, and answers it otherwise.

    The answers are the library's: 401, 403 and 400 with their challenge, 503 with `Retry-After` while the
    issuer's keys cannot be had.

    Sets `environ["authkit"]` to the `Claims`, or to None if the request needs no token.

    Args:
        app: The application.
        verifier: Who decides. None makes one with `Verifier.from_env()`.
        public: Paths that need no token, or a plain function of the environment that decides: only
            True opens. They are compared
            exactly with the path as received, without `SCRIPT_NAME` and `prefix`. `/*` at the end means all
            paths below. A demand always wins: a place or a function of `required_scopes`. A path that routers
            could read in two ways is never public.
        required_scopes: Scopes that requests need beyond the verifier's: a list for every token, a mapping
            from places (path prefixes such as `/admin`), or a function of the environment. A place matches
            every path that has its segments in it, ignoring ASCII case. A path that routers could read in
            two ways matches every place.
        prefix: The part of the path that a proxy, a mount or the framework strips before it routes, such as
            `/api` (Django's `FORCE_SCRIPT_NAME`). With it a place matches only at the start of the path or
            after the prefix.

    Raises:
        ConfigError: No verifier was given, and the environment configures none. No path can match a
            place, or a place of `required_scopes` always keeps a public path closed.
        MisuseError: A scope is not one.
    """

    def __init__(
        self,
        app: WSGIApplication,
        verifier: Verifier | None = None,
        *,
        public: Iterable[str] | Callable[[WSGIEnvironment], bool] = (),
        required_scopes: Iterable[str]
        | Mapping[str, Iterable[str]]
        | Callable[[WSGIEnvironment], Iterable[str]] = (),
        prefix: str = "",
    ) -> None:
        self._app = app
        self._verifier = Verifier.from_env() if verifier is None else verifier
        self._demands = _demands.Demands(public, required_scopes, prefix, self._verifier, _paths)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serves one request, as PEP 3333 has it."""
        _log.begin(_logger, self._verifier)
        document = self._well_known(environ)
        if document is not None:
            return _send(document, environ, start_response)
        request = _Request(self._verifier, environ)
        environ["authkit"] = None
        environ[_REQUEST] = request
        is_public, request.needed = self._demands.of(environ)
        if not is_public:
            decision = request.decide(())
            if not decision:
                _log.write_refusal(_logger, decision, self._verifier)
                return _send(decision, environ, start_response)
            environ["authkit"] = decision.claims
        return request.handled(self._app, environ, start_response)

    def _well_known(self, environ: WSGIEnvironment) -> Response | None:
        # Where it is mounted, or a proxy's prefix stands in SCRIPT_NAME, the path below is asked for as well.
        script, path = (environ.get(name, "") for name in ("SCRIPT_NAME", "PATH_INFO"))
        for target in dict.fromkeys((script + path, path)):
            if _WELL_KNOWN not in target:
                # RFC 8615: none of the library's documents lies elsewhere.
                continue
            octets = quote_from_bytes(_octets(target), safe="/!$&'()*+,;=:@~")
            response = self._verifier.well_known(environ["REQUEST_METHOD"], octets)
            if response is not None:
                return response
        return None


class _Request:
    """One request: what it is decided by, also again, and what became of it."""

    def __init__(self, verifier: Verifier, environ: WSGIEnvironment) -> None:
        authorization = environ.get("HTTP_AUTHORIZATION")
        self._verifier = verifier
        self._authorization = None if authorization is None else _octets(authorization)
        self._query = _octets(environ.get("QUERY_STRING", ""))
        # The scopes of its path, and those of every token.
        self.needed: _demands.Scopes = ()
        self._refusal: Decision | None = None
        self._begun = False
        self._replaced = False

    def decide(self, more: Iterable[str]) -> Decision:
        """Decides about the request, which needs more scopes than its path's: a challenge names them all."""
        return self._verifier.authorize(
            self._authorization, query=self._query, required_scopes=(*self.needed, *more)
        )

    def require(self, more: Iterable[str]) -> Claims:
        decision = self.decide(more)
        if decision.claims is None:
            _log.write_refusal(_logger, decision, self._verifier)
            self._refusal = decision
            raise Refused(decision)
        return decision.claims

    def handled(
        self, app: WSGIApplication, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Has the application handle the request, and answers where it was refused on the way."""

        def starting(
            status: str, headers: list[tuple[str, str]], *exc_info: Any
        ) -> Callable[[bytes], object]:
            # What a framework makes of an exception that it does not know: of `Refused`.
            self._replaced = self._refusal is not None and not self._begun and status.startswith("500")
            if self._replaced:
                return _discard
            self._begun = True
            return start_response(status, headers, *exc_info)

        try:
            body = app(environ, starting)
        except Refused:
            if self._begun or self._refusal is None:
                raise
            return _send(self._refusal, environ, start_response)
        if self._refusal is None or not self._replaced:
            return body
        close = getattr(body, "close", None)
        if close is not None:
            close()
        return _send(self._refusal, environ, start_response)


def require_scopes(request: Any, *scopes: str) -> Claims:
    """Demands scopes beyond the verifier's and the path's, of a request that came through the middleware.

    Args:
        request: Flask's or Django's request, or the WSGI environment.
        scopes: The scopes, all of which the token must carry.

    Returns:
        The claims.

    Raises:
        Refused: The token lacks one. Let it pass: the middleware answers 403 with the whole challenge.
        MisuseError: A scope is not one.
        RuntimeError: The request did not come through `AuthKitMiddleware`.
    """
    record = getattr(request, "environ", request).get(_REQUEST)
    if record is None:
        raise RuntimeError("require_scopes needs AuthKitMiddleware around the application")
    claims: Claims = record.require(scopes)
    return claims


def _send(response: Response, environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
    headers = list(response.headers)
    is_head = environ["REQUEST_METHOD"] == "HEAD"
    # RFC 9110 section 8.6: none with a 204. To a HEAD request, of which the library has left the body out
    # already, its length is not known.
    if (response.body or not is_head) and response.status != 204:
        headers.append(("content-length", str(len(response.body))))
    start_response(f"{response.status} {HTTPStatus(response.status).phrase}", headers)
    return [] if is_head else [response.body]


def _paths(environ: WSGIEnvironment) -> tuple[None, bytes, bytes]:
    """The path, which servers decode, and the prefix of the mount or the proxy."""
    script = _octets(environ.get("SCRIPT_NAME", ""))
    return None, script + _octets(environ.get("PATH_INFO", "")), script


def _octets(text: str) -> bytes:
    """What the request held: PEP 3333 hands it over as latin-1."""
    return text.encode("latin-1")


def _discard(_: bytes) -> None:
    """Takes what is written to an answer that is not sent."""
