"""The local authorization server as these tests want it: tokens for a resource, and bad ones of all kinds."""

from __future__ import annotations

from typing import Any

from authorization_server import AuthorizationServer


class Issuer(AuthorizationServer):
    """Issues a user's tokens for one resource or another."""

    def token(self, resource: str, scope: str = "openid mcp:read", **more: Any) -> str:
        """A token for a resource; `more` are further members of the mint endpoint."""
        usual = {"aud": resource, "scope": scope, "sub": "user_1", "client_id": "client_1"}
        claims = usual | more.pop("claims", {})
        return str(self._ask("mint", {"claims": claims, **more})["token"])
