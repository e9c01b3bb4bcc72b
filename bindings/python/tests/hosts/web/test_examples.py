"""The example servers for FastAPI and Flask, as a user runs them, against the local issuer."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
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


def test_a_cold_server_fetches_keys_once_for_all_who_wait(
    issuer: AuthorizationServer, server: ServedApp
) -> None:
    token = issuer.mint(aud=f"{server.url}/mcp")
    issuer.forget_requests()
    with ThreadPoolExecutor(30) as pool:
        answers = list(pool.map(lambda _: server.ask("GET", "/mcp", token), range(30)))
    assert {answer.status for answer in answers} == {200}
    # gunicorn has two workers.
    assert issuer.requests()["/oauth2/jwks"] <= 2


def test_hostile_requests_open_nothing(issuer: AuthorizationServer, server: ServedApp) -> None:
    token = issuer.mint(aud=f"{server.url}/mcp")
    bearer = f"Authorization: Bearer {token}".encode()
    for target, lines in (
        (b"/mcp", [bearer, bearer]),
        (b"/mcp", [b"authorization: Bearer x.y.z", bearer]),
        (b"/mcp", [bearer + b", Basic eDp5"]),
        (b"/mcp", [bearer + b"\xff"]),
        (b"/mcp", [bearer + b"\x00"]),
        (b"/mcp", [bearer.replace(b":", b" :")]),
        (b"/mcp", [bearer.replace(b"-", b"_").replace(b"Authorization", b"X-Authorization")]),
        (b"/mcp?access_token=" + token.encode(), [bearer]),
        (b"/mcp?%61ccess_token=" + token.encode(), [bearer]),
        (b"/mcp?access_token=" + token.encode(), []),
        (b"/health/../mcp", []),
        (b"/health%2f..%2fmcp", []),
        (b"//mcp", []),
        (b"/./mcp", []),
        (b"/.well-known/oauth-protected-resource/../../mcp", []),
    ):
        status = server.ask_raw(target, lines)
        assert 400 <= status < 500, (target, lines, status)
    assert server.ask_raw(b"/mcp", [bearer]) == 200


@pytest.mark.parametrize("application", ["fastapi_server:app", "flask_server:app", "mcp_server:app"])
def test_half_a_configuration_stops_an_example(
    application: str, issuer: AuthorizationServer, tmp_path: Path
) -> None:
    with ServedApp(
        application, tmp_path / "log", AUTHKIT_DOMAIN=issuer.issuer, AUTHKIT_BASE_URL=""
    ) as server:
        assert server.wait() != 0
        assert "CONFIG" in server.log()
