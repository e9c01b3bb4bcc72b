"""The example servers for FastAPI and Flask, as a user runs them, against the local issuer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from authorization_server import AuthorizationServer
from served_app import ServedApp

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(params=["fastapi_server:app", "flask_server:app"])
def server(
    issuer: AuthorizationServer, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[ServedApp]:
    settings = {"AUTHKIT_DOMAIN": issuer.issuer, "AUTHKIT_ALLOW_INSECURE_LOOPBACK": "true"}
    with ServedApp(request.param, tmp_path / "log", **settings) as running:
        yield running


def test_an_example_serves_whom_it_should(issuer: AuthorizationServer, server: ServedApp) -> None:
    resource = f"{server.url}/mcp"
    narrow = issuer.mint(aud=resource, scope="mcp:read", sub="user_of_the_example")
    wide = issuer.mint(aud=resource, scope="mcp:read mcp:write", sub="user_of_the_example")
    assert server.ask("GET", "/health").status == 200
    document = server.ask("GET", "/.well-known/oauth-protected-resource/mcp")
    assert json.loads(document.body)["resource"] == resource
    assert json.loads(server.ask("GET", "/mcp", narrow).body) == {"subject": "user_of_the_example"}
    assert json.loads(server.ask("POST", "/mcp/notes", wide).body) == {"written_by": "user_of_the_example"}
    refused = server.ask("POST", "/mcp/notes", narrow)
    assert (refused.status, json.loads(refused.body)["error"]) == (403, "insufficient_scope")
    assert 'scope="mcp:write"' in refused.headers["www-authenticate"]
    nobody = server.ask("GET", "/mcp")
    assert nobody.status == 401
    assert "resource_metadata=" in nobody.headers["www-authenticate"]
    assert server.ask("GET", "/mcp", issuer.mint(aud="https://other.example/mcp")).status == 401
    assert "Traceback" not in server.log()
    assert narrow not in server.log()


@pytest.mark.parametrize("application", ["fastapi_server:app", "flask_server:app", "mcp_server:app"])
def test_half_a_configuration_stops_an_example(
    application: str, issuer: AuthorizationServer, tmp_path: Path
) -> None:
    with ServedApp(
        application, tmp_path / "log", AUTHKIT_DOMAIN=issuer.issuer, AUTHKIT_BASE_URL=""
    ) as server:
        assert server.wait() != 0
        assert "CONFIG" in server.log()
