"""A FastMCP server behind AuthKit, configured by the environment (AUTHKIT_DOMAIN, AUTHKIT_BASE_URL ...).

fastmcp run fastmcp_server.py --transport http --port 8000
"""

from fastmcp import FastMCP

from authkit_verifier.fastmcp import auth_from_env, claims, require_scopes

# [readme]
mcp = FastMCP(name="AuthKit Secured App", auth=auth_from_env())


@mcp.tool
def whoami() -> str:
    """Names the user that calls."""
    caller = claims()
    return f"{caller.subject} of {caller.org_id or 'no organization'}, by {caller.client_id}"


@mcp.tool
@require_scopes("mcp:write")
def save(note: str) -> str:
    """Keeps a note; a token without mcp:write gets a 403 that asks for it."""
    return f"saved {len(note)} characters"
    # [/readme]
