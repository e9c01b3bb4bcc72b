"""The middleware around and within a Litestar application."""

from __future__ import annotations

from typing import Any

import pytest
from litestar import Litestar, Request, get
from litestar.middleware import DefineMiddleware
from litestar.testing import TestClient

from authkit_verifier.asgi import AuthKitMiddleware, require_scopes
from cases import RESOURCE, SUBJECT, good_token, good_verifier

BEARER = {"Authorization": f"Bearer {good_token()}"}


@get("/mcp")
async def whoami(request: Request[Any, Any, Any]) -> str:
    return str(request.scope["authkit"].subject)  # type: ignore[typeddict-item]


@get("/write")
async def write(request: Request[Any, Any, Any]) -> str:
    return (await require_scopes(request, "files:write")).subject


def wrapped() -> Any:
    return AuthKitMiddleware(Litestar([whoami, write]), good_verifier())  # type: ignore[arg-type]


def within() -> Any:
    middleware: Any = AuthKitMiddleware
    return Litestar([whoami, write], middleware=[DefineMiddleware(middleware, verifier=good_verifier())])


@pytest.mark.parametrize("app", [wrapped, within])
def test_a_request_is_let_through_or_answered(app: Any) -> None:
    with TestClient(app()) as client:
        assert client.get("/mcp", headers=BEARER).text == SUBJECT
        assert client.get("/mcp").status_code == 401
        refused = client.get("/write", headers=BEARER)
        assert refused.status_code == 403
        assert 'scope="files:write"' in refused.headers["www-authenticate"]


def test_around_the_application_it_serves_the_documents() -> None:
    with TestClient(wrapped()) as client:
        assert client.get("/.well-known/oauth-protected-resource").json()["resource"] == RESOURCE
