"""Guards FastAPI's routes by a dependency that gives the claims. Needs FastAPI.

    from authkit_verifier.fastapi import AuthKit

    auth = AuthKit(verifier)
    app = FastAPI()
    auth.install(app)

    @app.get("/files")
    async def files(claims: Annotated[Claims, auth.requires("files:read")]): ...

A route without the dependency is open; to guard a whole application, see `authkit_verifier.asgi`.
"""

import json
import logging
from typing import Any

from fastapi import FastAPI, HTTPException, Security
from fastapi.openapi.models import HTTPBearer
from fastapi.responses import Response
from fastapi.security import SecurityScopes
from fastapi.security.base import SecurityBase
from starlette.requests import HTTPConnection

from . import _asgi, _log, asgi
from ._claims import Claims
from ._response import Decision
from ._verifier import Verifier

__all__ = ["AuthKit", "Refused"]

_logger = logging.getLogger(__name__)


class Refused(asgi.Refused, HTTPException):
    """Ends a route whose request may not go on.

    FastAPI answers it with the status and headers of `decision` and puts its body under `detail`; an
    application that `AuthKit.install` was called with answers the decision as it is.
    """

    def __init__(self, decision: Decision) -> None:
        # Not Refused's own: the next class after it is FastAPI's, which wants more than a sentence.
        HTTPException.__init__(
            self, decision.status, detail=json.loads(decision.body), headers=dict(decision.headers)
        )
        self.decision = decision


class AuthKit(SecurityBase):
    """A dependency that lets a request go on if its token is good, and gives the `Claims`.

    As `Depends(auth)`, as `Security(auth, scopes=[...])`, or as `auth.requires(...)`. The scopes of all
    dependencies above it are demanded with its own, and named in one challenge. Shown in OpenAPI as bearer
    token.

    Args:
        verifier: Who decides. None makes one with `Verifier.from_env()`.
        scheme_name: The name of the security scheme in OpenAPI.

    Raises:
        ConfigError: No verifier was given, and the environment configures none.
    """

    def __init__(self, verifier: Verifier | None = None, *, scheme_name: str = "AuthKit") -> None:
        self.model = HTTPBearer(bearerFormat="JWT")
        self.scheme_name = scheme_name
        self._verifier = Verifier.from_env() if verifier is None else verifier

    def requires(self, *scopes: str) -> Any:
        """The dependency with scopes that a route needs, all of them.

        For `Annotated[Claims, auth.requires("files:read")]` and for a route's `dependencies=[...]`.

        Raises:
            MisuseError: A scope is not one.
        """
        # Refused here, it fails no request.
        self._verifier.authorize(None, required_scopes=scopes)
        return Security(self, scopes=scopes)

    def install(self, app: FastAPI) -> None:
        """Has an application serve the well-known documents, and answer refusals with their own body."""
        app.router.routes.extend(asgi.routes(self._verifier))
        app.add_exception_handler(Refused, _answer)

    async def __call__(self, connection: HTTPConnection, security_scopes: SecurityScopes) -> Claims:
        """Called by FastAPI.

        Raises:
            Refused: The request may not go on.
        """
        _log.begin(_logger, self._verifier)
        decision = await self._verifier.authorize_async(
            _asgi.authorization(connection.scope),
            query=_asgi.query(connection.scope),
            required_scopes=security_scopes.scopes,
        )
        if decision.claims is None:
            _log.write_refusal(_logger, decision, self._verifier)
            raise Refused(decision)
        return decision.claims


async def _answer(_: HTTPConnection, refused: Exception) -> Response:
    assert isinstance(refused, Refused)
    decision = refused.decision
    return Response(decision.body, decision.status, headers=dict(decision.headers))
