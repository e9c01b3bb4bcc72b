"""The middleware, `routes` and `require_scopes` in Starlette applications."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.testclient import TestClient, WebSocketDenialResponse

from authkit_verifier.asgi import AuthKitMiddleware, require_scopes, routes
from cases import RESOURCE, SUBJECT, good_token, good_verifier

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

BEARER = {"Authorization": f"Bearer {good_token()}"}


async def whoami(request: Request) -> JSONResponse:
    return JSONResponse({"subject": request.scope["authkit"].subject})


async def write(request: Request) -> JSONResponse:
    claims = await require_scopes(request, "files:write")
    return JSONResponse({"subject": claims.subject})


async def echo(request: Request) -> PlainTextResponse:
    return PlainTextResponse(await request.body())


async def talk(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text(websocket.scope["authkit"].subject)
    await websocket.close()


ROUTES = [
    Route("/mcp", whoami),
    Route("/write", write),
    Route("/echo", echo, methods=["POST"]),
    WebSocketRoute("/talk", talk),
]


def added() -> Starlette:
    app = Starlette(routes=ROUTES)
    app.add_middleware(AuthKitMiddleware, verifier=good_verifier(), tool_scopes={"write": ["files:write"]})
    return app


def listed() -> Starlette:
    return Starlette(
        routes=ROUTES,
        middleware=[
            Middleware(AuthKitMiddleware, verifier=good_verifier(), tool_scopes={"write": ["files:write"]})
        ],
    )


def wrapped() -> AuthKitMiddleware:
    return AuthKitMiddleware(
        Starlette(routes=ROUTES), good_verifier(), tool_scopes={"write": ["files:write"]}
    )


@pytest.fixture(params=[added, listed, wrapped])
def client(request: pytest.FixtureRequest) -> TestClient:
    return TestClient(request.param())


def test_a_request_is_let_through_or_answered(client: TestClient) -> None:
    assert client.get("/mcp", headers=BEARER).json() == {"subject": SUBJECT}
    refused = client.get("/mcp")
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("Bearer ")
    assert client.head("/mcp").headers == refused.headers
    assert client.get("/nowhere").status_code == 401
    assert client.get("/nowhere", headers=BEARER).status_code == 404
    assert client.get("/.well-known/oauth-protected-resource/mcp").json()["resource"] == RESOURCE


def test_a_handler_that_demands_a_scope_is_answered_for(client: TestClient) -> None:
    refused = client.get("/write", headers=BEARER)
    expected = good_verifier().authorize(BEARER["Authorization"], required_scopes=["files:write"])
    assert (refused.status_code, refused.content) == (403, expected.body)
    assert {name: refused.headers[name] for name, _ in expected.headers} == dict(expected.headers)


def test_a_body_that_was_looked_at_arrives(client: TestClient) -> None:
    body = json.dumps({"method": "tools/call", "params": {"name": "read", "text": "x" * 100_000}})
    assert client.post("/echo", content=body, headers=BEARER).text == body
    assert client.post("/echo", content=body.replace("read", "write"), headers=BEARER).status_code == 403


def test_a_websocket_is_accepted_with_a_token_alone() -> None:
    client = TestClient(AuthKitMiddleware(Starlette(routes=ROUTES), good_verifier()))
    with client.websocket_connect("/talk", headers=BEARER) as websocket:
        assert websocket.receive_text() == SUBJECT
    with pytest.raises(WebSocketDenialResponse) as denied, client.websocket_connect("/talk"):
        pytest.fail("was accepted")
    assert denied.value.status_code == 401
    assert "www-authenticate" in denied.value.headers


def test_a_mount_is_guarded_and_the_root_serves_the_documents() -> None:
    verifier = good_verifier()
    guarded = AuthKitMiddleware(Starlette(routes=[Route("/", whoami), Route("/health", echo)]), verifier)
    app = Starlette(
        routes=[*routes(verifier), Mount("/mcp", guarded), Route("/open", lambda _: JSONResponse(1))]
    )
    client = TestClient(app)
    assert client.get("/open").status_code == 200
    assert client.get("/mcp/").status_code == 401
    assert client.get("/mcp/", headers=BEARER).json() == {"subject": SUBJECT}
    for path in ("", "/", "/mcp"):
        assert client.get(f"/.well-known/oauth-protected-resource{path}").json()["resource"] == RESOURCE
    assert client.post("/.well-known/oauth-protected-resource").status_code == 405
    assert client.options("/.well-known/oauth-protected-resource").status_code == 204
    assert client.get("/.well-known/oauth-protected-resource/other").status_code == 404
    # Below the mount, for those who look there.
    assert client.get("/mcp/.well-known/openid-configuration").status_code == 401


def test_it_gets_along_with_starlettes_own_cors() -> None:
    app = Starlette(
        routes=ROUTES,
        middleware=[
            Middleware(CORSMiddleware, allow_origins=["https://a.example"], allow_methods=["POST"]),
            Middleware(AuthKitMiddleware, verifier=good_verifier()),
        ],
    )
    client = TestClient(app)
    origin = {"Origin": "https://a.example"}
    preflight = client.options("/mcp", headers=origin | {"Access-Control-Request-Method": "POST"})
    assert preflight.status_code == 200
    assert client.get("/mcp", headers=origin).headers["access-control-allow-origin"] == "https://a.example"
