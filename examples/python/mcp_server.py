"""A server of the official MCP SDK, guarded whole, one of its tools by a scope.

AUTHKIT_DOMAIN=https://… AUTHKIT_BASE_URL=https://… uvicorn mcp_server:app
"""

from typing import Any

try:
    from mcp.server.mcpserver import Context, MCPServer
except ImportError:  # mcp 1.x has it under its old name
    from mcp.server import fastmcp

    Context, MCPServer = fastmcp.Context, fastmcp.FastMCP  # type: ignore[attr-defined, misc]

from authkit_verifier.asgi import AuthKitMiddleware
from authkit_verifier.mcp import AuthKitTokenVerifier, claims_of

tokens = AuthKitTokenVerifier()  # from the environment; a wrong one stops the server here
server = MCPServer("Notes", token_verifier=tokens, auth=tokens.auth_settings())


@server.tool()
def whoami(context: Context) -> dict[str, Any]:
    """The claims of the caller's token."""
    return claims_of(context).to_dict()


@server.tool()
def write_note(text: str) -> str:
    """Needs the scope mcp:write: without it the client is told to ask its user for it."""
    return f"written: {text}"


app = AuthKitMiddleware(
    server.streamable_http_app(),
    tokens.verifier,
    tool_scopes={"write_note": ["mcp:write"]},
    cors_origins="*",  # so that clients in a browser can log in; a token is no cookie
)
