"""Verifies tokens for servers of the official MCP SDK (`mcp` 1.x and 2.x). Needs `mcp`.

    from authkit_verifier.asgi import AuthKitMiddleware
    from authkit_verifier.mcp import AuthKitTokenVerifier

    tokens = AuthKitTokenVerifier(verifier)
    server = MCPServer("Files", token_verifier=tokens, auth=tokens.auth_settings())   # FastMCP in 1.x
    app = AuthKitMiddleware(server.streamable_http_app(), verifier)

The SDK by itself answers every refusal with a 401. The middleware around it answers with what is due: 403
with the scopes to ask for, 503 while the issuer's keys cannot be had, 400.
"""

from __future__ import annotations

import json
import logging
from typing import Any

from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings

from . import _log
from ._access_token import facts, fitting
from ._claims import Claims
from ._verifier import Verifier

__all__ = ["AuthKitTokenVerifier", "claims_of"]

_logger = logging.getLogger(__name__)


class AuthKitTokenVerifier:
    """The SDK's `TokenVerifier` over a `Verifier`, which judges everything: scopes and audience as well.

    Args:
        verifier: Who decides. None makes one with `Verifier.from_env()`.

    Raises:
        ConfigError: No verifier was given, and the environment configures none.
    """

    def __init__(self, verifier: Verifier | None = None) -> None:
        self._verifier = Verifier.from_env() if verifier is None else verifier

    @property
    def verifier(self) -> Verifier:
        """Who decides: for the middleware around the server."""
        return self._verifier

    async def verify_token(self, token: str) -> AccessToken | None:
        """What the SDK asks for each request.

        Returns:
            The token's facts, as many as the installed SDK has fields for; None if it is refused, and why is
            logged. The SDK makes a 401 of that, also where a scope is missing.

        Raises:
            AuthKitError: The token could not be judged, since the issuer's keys are missing
                (`KeysUnavailableError`) or the verifier is closed. The SDK would answer 500; the middleware
                around it answers first, with 503 and `Retry-After`. After a 401, a client would throw away a
                good token and send its user to log in again.
        """
        _log.begin(_logger, self._verifier)
        decision = await self._verifier.authorize_async(b"Bearer " + token.encode("utf-8", "replace"))
        if decision.claims is None:
            _log.write_refusal(_logger, decision, self._verifier)
            if decision.status in (400, 401, 403) or decision.error is None:
                return None
            raise decision.error
        return AccessToken(**fitting(AccessToken.model_fields, facts(token, decision.claims)))

    def auth_settings(self) -> AuthSettings:
        """The SDK's settings that go with the verifier: its issuer and its resource.

        They name no scopes: those are the verifier's to demand.

        Raises:
            ValueError: The verifier has no `resource`, so that there are no metadata to announce.
        """
        metadata = self._verifier.well_known("GET", "/.well-known/oauth-protected-resource")
        if metadata is None or metadata.status != 200:
            raise ValueError("the verifier has no resource: set base_url or resource")
        document = json.loads(metadata.body)
        settings: dict[str, Any] = {
            "issuer_url": document["authorization_servers"][0],
            "resource_server_url": document["resource"],
            # The verifier has checked the audience already.
            "validate_token_resource": False,
        }
        return AuthSettings(**fitting(AuthSettings.model_fields, settings))


def claims_of(context: Any) -> Claims:
    """The claims of the request that a tool is called by, given the tool's `Context`.

    What the SDK's `get_access_token()` gives is in 1.x the token that its session began with: another than
    this request's once the client has refreshed it or asked for more scopes.

    Raises:
        LookupError: No `AuthKitMiddleware` guards the server, or it is called otherwise than by HTTP.
    """
    request = context.request_context.request
    claims = None if request is None else request.scope.get("authkit")
    if not isinstance(claims, Claims):
        raise LookupError("the call came by no request that AuthKitMiddleware let through")
    return claims
