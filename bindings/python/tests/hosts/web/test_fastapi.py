"""The FastAPI dependency: what a route gets, what its client is answered, and what OpenAPI shows."""

from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, Request, Security, WebSocket
from fastapi.testclient import TestClient
from starlette.testclient import WebSocketDenialResponse

from authkit_verifier import Claims, ConfigError, MisuseError
from authkit_verifier.asgi import AuthKitMiddleware, require_scopes
from authkit_verifier.fastapi import AuthKit, Refused
from cases import RESOURCE, SUBJECT, good_token, good_verifier
from jwks_server import JwksServer

BEARER = {"Authorization": f"Bearer {good_token()}"}


def application(auth: AuthKit) -> FastAPI:
    app = FastAPI()

    @app.get("/me")
    async def me(claims: Annotated[Claims, Depends(auth)]) -> str:
        return claims.subject

    @app.get("/read")
    def read(claims: Annotated[Claims, Security(auth, scopes=["files:read"])]) -> str:
        return claims.subject

    @app.get("/write", dependencies=[auth.requires("files:write", "files:read")])
    async def write() -> str:
        return "written"

    router = APIRouter(dependencies=[auth.requires("admin")])

    @router.get("/admin/read")
    async def admin_read(claims: Annotated[Claims, auth.requires("files:read")]) -> str:
        return claims.subject

    @app.websocket("/talk")
    async def talk(websocket: WebSocket, claims: Annotated[Claims, Depends(auth)]) -> None:
        await websocket.accept()
        await websocket.send_text(claims.subject)
        await websocket.close()

    @app.get("/open")
    async def open_() -> str:
        return "open"

    app.include_router(router)
    return app


def installed(**settings: Any) -> TestClient:
    auth = AuthKit(good_verifier(**settings))
    app = application(auth)
    auth.install(app)
    return TestClient(app)


def test_a_route_gets_the_claims() -> None:
    client = installed()
    assert client.get("/me", headers=BEARER).json() == SUBJECT
    assert client.get("/open").json() == "open"
    assert client.get("/.well-known/oauth-protected-resource/mcp").json()["resource"] == RESOURCE
    with client.websocket_connect("/talk", headers=BEARER) as websocket:
        assert websocket.receive_text() == SUBJECT


@pytest.mark.parametrize(
    ("path", "headers", "scopes", "status"),
    [
        ("/me", {}, [], 401),
        ("/me", {"Authorization": "Bearer x.y.z"}, [], 401),
        ("/me", {"Authorization": "Bearer"}, [], 400),
        (f"/me?access_token={good_token()}", BEARER, [], 400),
        ("/read", BEARER, ["files:read"], 403),
        ("/write", BEARER, ["files:write", "files:read"], 403),
        ("/admin/read", BEARER, ["admin"], 403),
    ],
)
def test_a_refusal_is_the_decision(
    path: str, headers: dict[str, str], scopes: list[str], status: int
) -> None:
    _, _, query = path.partition("?")
    decision = good_verifier().authorize(headers.get("Authorization"), query=query, required_scopes=scopes)
    assert decision.status == status
    answer = installed().get(path, headers=headers)
    assert (answer.status_code, answer.content) == (status, decision.body)
    assert dict(answer.headers) == dict(decision.headers) | {"content-length": str(len(decision.body))}
    # Without the handler, FastAPI puts the body under "detail"; all else is the same.
    plain = TestClient(application(AuthKit(good_verifier()))).get(path, headers=headers)
    assert (plain.status_code, plain.json()) == (status, {"detail": answer.json()})
    assert {name: plain.headers[name] for name, _ in decision.headers} == dict(decision.headers)


def test_a_nested_dependencys_challenge_names_all_scopes_above_it() -> None:
    auth = AuthKit(good_verifier())
    app = FastAPI()

    async def reader(claims: Annotated[Claims, Security(auth, scopes=["files:read"])]) -> Claims:
        return claims

    @app.get("/")
    async def root(claims: Annotated[Claims, Security(reader, scopes=["files:write"])]) -> str:
        return claims.subject

    challenge = TestClient(app).get("/", headers=BEARER).headers["www-authenticate"]
    assert 'scope="files:write files:read"' in challenge


def test_without_keys_the_answer_is_503() -> None:
    with JwksServer() as server:
        server.status = 500
        auth = AuthKit(server.verifier())
        app = application(auth)
        auth.install(app)
        answer = TestClient(app).get("/me", headers=BEARER)
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) >= 1


def test_a_websocket_is_refused_before_it_is_accepted() -> None:
    with pytest.raises(WebSocketDenialResponse) as denied, installed().websocket_connect("/talk"):
        pytest.fail("was accepted")
    assert denied.value.status_code == 401
    assert "www-authenticate" in denied.value.headers


def test_openapi_shows_a_bearer_token_and_the_scopes() -> None:
    schema = installed().get("/openapi.json").json()
    assert schema["components"]["securitySchemes"] == {
        "AuthKit": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    }
    assert schema["paths"]["/me"]["get"]["security"] == [{"AuthKit": []}]
    assert schema["paths"]["/write"]["get"]["security"] == [{"AuthKit": ["files:write", "files:read"]}]
    assert "security" not in schema["paths"]["/open"]["get"]
    assert not any("well-known" in path for path in schema["paths"])


def test_a_whole_application_is_guarded_by_the_middleware() -> None:
    app = FastAPI()

    @app.get("/write")
    async def write(request: Request) -> str:
        return (await require_scopes(request, "files:write")).subject

    app.add_middleware(AuthKitMiddleware, verifier=good_verifier(), public=["/docs"])
    client = TestClient(app)
    assert client.get("/docs").status_code == 200
    assert client.get("/openapi.json").status_code == 401
    assert client.get("/write").status_code == 401
    assert client.get("/write", headers=BEARER).status_code == 403


def test_what_is_wrong_is_said_at_start() -> None:
    with pytest.raises(ConfigError):
        AuthKit()
    with pytest.raises(MisuseError):
        AuthKit(good_verifier()).requires("two words")
    decision = good_verifier().authorize(None)
    assert Refused(decision).decision is decision
