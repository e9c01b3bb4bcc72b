"""What the MCP SDK's access token, and FastMCP's, which is made of it, are told of an accepted token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Container

    from ._claims import Claims


def facts(token: str, claims: Claims) -> dict[str, Any]:
    """By the names of the newest one's fields. Older ones lack some: see `fitting`."""
    return {
        "token": token,
        "client_id": claims.client_id,
        "scopes": list(claims.scopes),
        "expires_at": claims.expires_at,
        "resource": claims.resource,
        "subject": claims.subject,
        "claims": claims.to_dict(),
    }


def fitting(fields: Container[str], values: dict[str, Any]) -> dict[str, Any]:
    """Of the values, those that the installed version has a field for."""
    return {name: value for name, value in values.items() if name in fields}
