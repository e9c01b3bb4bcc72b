"""Secures FastMCP servers with AuthKit: FastMCP's own provider with one import changed.

    from fastmcp import FastMCP
    from authkit_verifier.fastmcp import AuthKitProvider

    auth = AuthKitProvider(authkit_domain="https://your-project-12345.authkit.app", base_url="http://localhost:8000")
    mcp = FastMCP(name="AuthKit Secured App", auth=auth)

FastMCP 2.12 to 4. Every decision is the library's; FastMCP gets the accepted token, as from any provider.
"""

from ._provider import AuthKitProvider, auth_from_env
from ._scopes import ScopeRequirement, require_scopes
from ._token import AuthKitAccessToken, claims

__all__ = [
    "AuthKitAccessToken",
    "AuthKitProvider",
    "ScopeRequirement",
    "auth_from_env",
    "claims",
    "require_scopes",
]
