"""Every way a request can be answered, by an application that FastMCP made with our provider."""

from __future__ import annotations

import importlib
import json
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from fastmcp import FastMCP
from fastmcp.server.dependencies import get_access_token
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount

from authkit_verifier import InsufficientScopeError, Verifier
from authkit_verifier.events import log_to
from authkit_verifier.fastmcp import AuthKitProvider, _token, claims
from authkit_verifier.fastmcp._token import AuthKitAccessToken
from serving import Connection, serving, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from issuing import Issuer

SCOPE = "mcp:read"
PRM = "/.well-known/oauth-protected-resource"
AS_METADATA = "/.well-known/oauth-authorization-server"


def provider(issuer: Issuer, base_url: str, **settings: Any) -> AuthKitProvider:
    usual: dict[str, Any] = {"required_scopes": [SCOPE], "allow_insecure_loopback": True}
    return AuthKitProvider(authkit_domain=issuer.issuer, base_url=base_url, **usual | settings)


def server(auth: Any) -> FastMCP[Any]:
    mcp: FastMCP[Any] = FastMCP("served", auth=auth)

    @mcp.tool
    def whoami() -> dict[str, Any]:
        token = get_access_token()
        assert token is not None
        shown = {"client_id": token.client_id, "scopes": token.scopes, "claims": token.claims}
        return shown | {"ours": claims().to_dict()}

    @mcp.custom_route("/health", methods=["GET", "POST"])
    async def health(request: Request) -> Response:
        return PlainTextResponse(request.user.display_name or "nobody")

    return mcp


@pytest.fixture
def served(issuer: Issuer) -> Iterator[Connection]:
    with serving(lambda base_url: server(provider(issuer, base_url)).http_app()) as connection:
        yield connection


def resource(connection: Connection, path: str = "/mcp") -> str:
    return connection.base_url + path


def metadata(connection: Connection, path: str = "/mcp") -> str:
    return f'resource_metadata="{connection.base_url}{PRM}{path}"'


def test_an_access_token_is_as_pydantic_makes_it(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    with Verifier(
        authkit_domain=issuer.issuer, resource="https://a.example/mcp", allow_insecure_loopback=True
    ) as verifier:
        token = issuer.token("https://a.example/mcp")
        accepted = verifier.verify(token)
        made = AuthKitAccessToken.of(token, accepted, verifier)
        told = {name: getattr(accepted, name) for name in ("client_id", "expires_at", "resource", "subject")}
        checked = AuthKitAccessToken(
            token=token, scopes=list(accepted.scopes), claims=accepted.to_dict(), **told
        )
        assert made.model_dump() == checked.model_dump()
        assert made.model_dump(exclude_unset=True) == checked.model_dump(exclude_unset=True)
        assert made.model_dump_json() == checked.model_dump_json()
        assert AuthKitAccessToken.model_validate(made.model_dump()).model_dump() == made.model_dump()
        assert made.model_copy().verified is accepted
        # Each has what can be changed to itself.
        another = AuthKitAccessToken.of(token, accepted, verifier)
        another.scopes.append("more")
        another.claims["more"] = True
        another.grant(["more"])
        assert made.model_dump() == checked.model_dump()
        with pytest.raises(InsufficientScopeError):
            made.demand(["more"])
        # A field that an older FastMCP does not know is left out.
        older = {name: value for name, value in _token._TEMPLATE._fields.items() if name != "subject"}
        monkeypatch.setattr(_token._TEMPLATE, "_fields", older)
        unaware = AuthKitAccessToken.of(token, accepted, verifier)
        assert unaware.model_dump(exclude_unset=True) == made.model_dump(
            exclude={"subject"}, exclude_unset=True
        )


def test_a_tool_sees_the_access_token_with_all_its_claims(issuer: Issuer, served: Connection) -> None:
    token = issuer.token(resource(served), claims={"org_id": "org_1", "nested": {"a": [1]}})
    told = json.loads(text(served.call(token, "whoami")))
    assert told["claims"]["nested"] == {"a": [1]}
    assert told["claims"]["iss"] == issuer.issuer
    assert told["ours"] == told["claims"]
    assert told["client_id"] == told["claims"]["client_id"]
    assert told["scopes"] == ["openid", SCOPE]


@pytest.mark.parametrize("headers", [{}, {"authorization": "Basic dXNlcjpwYXNz"}])
def test_without_credentials_the_challenge_names_no_error(
    served: Connection, headers: dict[str, str]
) -> None:
    answer = served.begin(None, **headers)
    assert answer.status == 401
    assert answer.challenge == f'Bearer scope="{SCOPE}", {metadata(served)}'


def test_a_token_for_another_resource_is_refused(issuer: Issuer, served: Connection) -> None:
    now = int(time.time())
    good = issuer.token(resource(served))
    assert served.begin(good).status == 200
    for refused in (
        issuer.token("https://other.example/mcp"),
        issuer.token(resource(served, "")),
        issuer.token(resource(served, "/mcp/")),
        issuer.token(resource(served), remove=["aud"]),
        issuer.token(resource(served), claims={"exp": now - 100}),
        issuer.token(resource(served), remove=["exp"]),
        issuer.token(resource(served), claims={"nbf": now + 1000}),
        issuer.token(resource(served), claims={"iat": now + 1000}),
        issuer.token(resource(served), claims={"iss": "https://other.example"}),
        issuer.token(resource(served), header={"typ": "dpop+jwt"}),
        issuer.token(resource(served), signer="none"),
        issuer.token(resource(served), signer="foreign"),
        issuer.token(resource(served), signer="hs256-public-key"),
        issuer.token(resource(served), tamper=True),
        "not-a-jwt",
    ):
        answer = served.begin(refused)
        assert answer.status == 401, refused
        assert answer.challenge.startswith('Bearer error="invalid_token", error_description="')
        assert answer.challenge.endswith(f'scope="{SCOPE}", {metadata(served)}')
        assert answer.headers["cache-control"] == "no-store"
        assert answer.json["error"] == "invalid_token"


def test_a_missing_scope_is_forbidden_and_named(issuer: Issuer, served: Connection) -> None:
    answer = served.begin(issuer.token(resource(served), scope="openid"))
    assert answer.status == 403
    assert answer.challenge.startswith('Bearer error="insufficient_scope"')
    assert answer.challenge.endswith(f'scope="{SCOPE}", {metadata(served)}')


def test_a_malformed_request_is_400(issuer: Issuer, served: Connection) -> None:
    good = f"Bearer {issuer.token(resource(served))}"
    for lines in (
        [("authorization", good), ("authorization", good)],
        [("authorization", "Bearer")],
        [("authorization", f"{good} x")],
        [("authorization", "Bearer \xff\x01")],
    ):
        answer = served.send("POST", "/mcp", lines)
        assert answer.status == 400, lines
        assert answer.challenge.startswith('Bearer error="invalid_request"')
    query = served.send("POST", "/mcp?access_token=" + good[7:], [("authorization", good)])
    assert query.status == 400


@pytest.mark.parametrize("method", ["GET", "DELETE", "POST"])
def test_every_method_needs_a_token(issuer: Issuer, served: Connection, method: str) -> None:
    assert served.send(method, "/mcp").status == 401
    narrow = issuer.token(resource(served), scope="openid")
    assert served.send(method, "/mcp", {"authorization": f"Bearer {narrow}"}).status == 403


def test_a_browser_can_read_the_challenge(issuer: Issuer) -> None:
    cors = Middleware(CORSMiddleware, allow_origins=["https://app.example"], allow_methods=["POST"])

    def make(base_url: str) -> Any:
        return server(provider(issuer, base_url)).http_app(middleware=[cors])

    with serving(make) as served:
        answer = served.begin(None, origin="https://app.example")
        assert answer.status == 401
        assert answer.headers["access-control-allow-origin"] == "https://app.example"
        assert answer.headers["access-control-expose-headers"] == "WWW-Authenticate"
        preflight = {
            "origin": "https://app.example",
            "access-control-request-method": "POST",
        }
        assert served.send("OPTIONS", "/mcp", preflight).status == 200


def test_the_resource_metadata_lie_at_the_path_and_at_the_root(issuer: Issuer, served: Connection) -> None:
    for path in (PRM, f"{PRM}/mcp"):
        answer = served.send("GET", path)
        assert answer.status == 200
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.json["resource"] == resource(served)
        assert answer.json["authorization_servers"] == [issuer.issuer]
        assert answer.json["scopes_supported"] == [SCOPE]
        assert served.send("OPTIONS", path).status == 204
        assert served.send("POST", path).status == 405
        head = served.send("HEAD", path)
        assert (head.status, head.body) == (200, b"")
    assert served.send("GET", f"{PRM}/other").status == 404


def test_the_authorization_servers_metadata_are_forwarded_from_the_cache(
    issuer: Issuer, served: Connection
) -> None:
    before = issuer.requests()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: served.send("GET", AS_METADATA), range(16)))
    for answer in [*answers, served.send("GET", f"{AS_METADATA}/mcp")]:
        assert answer.status == 200
        assert answer.json["issuer"] == issuer.issuer
        assert answer.headers["access-control-allow-origin"] == "*"
    fetched = {path: count - before.get(path, 0) for path, count in issuer.requests().items()}
    assert sum(count for path, count in fetched.items() if path.startswith("/.well-known")) == 1


def test_without_keys_the_answer_is_503_and_recovers(issuer: Issuer) -> None:
    issuer.fail(500)
    with serving(lambda base_url: server(provider(issuer, base_url)).http_app()) as served:
        token = issuer.token(resource(served))
        answer = served.begin(token)
        assert answer.status == 503
        assert int(answer.headers["retry-after"]) >= 1
        assert "www-authenticate" not in answer.headers
        assert served.begin(None).status == 401
        issuer.fail(0)
        time.sleep(int(answer.headers["retry-after"]))
        assert served.begin(token).status == 200
        # And through the next one with the keys it has.
        issuer.fail(500)
        assert served.begin(token).status == 200


def test_a_cold_flood_asks_the_issuer_once(issuer: Issuer, served: Connection) -> None:
    before = issuer.requests().get("/oauth2/jwks", 0)
    token = issuer.token(resource(served))
    with ThreadPoolExecutor(16) as pool:
        assert {answer.status for answer in pool.map(served.begin, [token] * 32)} == {200}
    assert issuer.requests()["/oauth2/jwks"] - before <= 1


def test_a_rotation_costs_nobody_a_refusal(issuer: Issuer, served: Connection) -> None:
    old = issuer.token(resource(served))
    assert served.begin(old).status == 200
    issuer.rotate()
    assert served.begin(issuer.token(resource(served))).status == 200
    assert served.begin(old).status == 401


def test_custom_routes_stay_open_and_know_the_user(issuer: Issuer, served: Connection) -> None:
    assert served.send("GET", "/health").body == b"nobody"
    token = issuer.token(resource(served), claims={"client_id": "client_1"})
    assert served.send("GET", "/health", {"authorization": f"Bearer {token}"}).body == b"client_1"
    assert served.send("GET", "/health", {"authorization": "Bearer forged"}).body == b"nobody"
    assert served.send("POST", "/health", body=b"x" * 100_000).status == 200


@pytest.mark.parametrize("path", ["/", "/deep/endpoint", "/mcp/"])
def test_the_resource_follows_the_path_that_is_served(issuer: Issuer, path: str) -> None:
    def make(base_url: str) -> Any:
        # FastMCP 2.12.0 does not tell its providers the path.
        told = {} if hasattr(AuthKitProvider.__mro__[1], "get_middleware") else {"mcp_path": path}
        return server(provider(issuer, base_url, **told)).http_app(path=path)

    with serving(make) as served:
        place = path.rstrip("/")
        assert served.begin(issuer.token(resource(served, place)), path).status == 200
        assert served.begin(issuer.token(resource(served, "/other")), path).status == 401
        assert metadata(served, place) in served.begin(None, path).challenge
        assert served.send("GET", PRM + place).json["resource"] == resource(served, place)


def test_mounted_below_a_path(issuer: Issuer) -> None:
    def make(base_url: str) -> Any:
        auth = provider(issuer, f"{base_url}/api")
        app = server(auth).http_app(path="/mcp")
        places = [route for route in auth.get_routes("/mcp") if "well-known" in getattr(route, "path", "")]
        if hasattr(auth, "get_well_known_routes"):
            places = auth.get_well_known_routes(mcp_path="/mcp")
        return Starlette(routes=[*places, Mount("/api", app)], lifespan=app.lifespan)

    with serving(make) as served:
        token = issuer.token(resource(served, "/api/mcp"))
        assert issuer.issuer in text(served.call(token, "whoami", path="/api/mcp"))
        assert metadata(served, "/api/mcp") in served.begin(None, "/api/mcp").challenge
        for path in (PRM, f"{PRM}/api/mcp", f"/api{PRM}", f"/api{PRM}/api/mcp"):
            assert served.send("GET", path).json["resource"] == resource(served, "/api/mcp"), path
        assert served.send("GET", AS_METADATA).status == 200


def test_two_applications_of_one_provider(issuer: Issuer) -> None:
    def make(base_url: str) -> Any:
        mcp = server(provider(issuer, base_url))
        first, second = mcp.http_app(path="/first"), mcp.http_app(path="/sse", transport="sse")
        return Starlette(routes=[Mount("/old", second), Mount("/", first)], lifespan=first.lifespan)

    if not hasattr(AuthKitProvider.__mro__[1], "get_middleware"):
        pytest.skip("FastMCP 2.12.0 does not tell its providers the path")
    with serving(make) as served:
        assert served.begin(issuer.token(resource(served, "/first")), "/first").status == 200
        assert served.begin(issuer.token(resource(served, "/sse")), "/first").status == 401
        assert served.send("GET", "/old/sse").status == 401


def test_the_sse_transport(issuer: Issuer) -> None:
    def make(base_url: str) -> Any:
        return server(provider(issuer, base_url, mcp_path="/sse")).http_app(path="/sse", transport="sse")

    with serving(make) as served:
        bearer = {"authorization": f"Bearer {issuer.token(resource(served, '/sse'))}"}
        narrow = {"authorization": f"Bearer {issuer.token(resource(served, '/sse'), scope='openid')}"}
        assert served.send("GET", "/sse").status == 401
        assert served.send("GET", "/sse", narrow).status == 403
        stream = served.send("GET", "/sse", bearer)
        assert (stream.status, stream.headers["content-type"].partition(";")[0]) == (200, "text/event-stream")
        for path in ("/messages/", "/messages/?session_id=00000000000000000000000000000000"):
            assert served.send("POST", path, body=b"{}").status == 401
            assert served.send("POST", path, narrow, b"{}").status == 403
            assert served.send("POST", path, bearer, b"{}").status in (400, 404)


def test_a_request_is_its_own_tokens_whosever_session_it_names(issuer: Issuer, served: Connection) -> None:
    mine = issuer.token(resource(served), claims={"sub": "user_a", "client_id": "client_a"})
    others = issuer.token(resource(served), claims={"sub": "user_b", "client_id": "client_b"})
    answer = served.call(mine, "whoami", then=others)
    # Old SDKs bind no session to its user.
    assert answer.status == 404 or json.loads(text(answer))["ours"]["sub"] == "user_b"


def test_further_settings_are_the_verifiers(issuer: Issuer) -> None:
    settings = {
        "required_scopes": ["mcp:read"],
        "scope_hierarchy": {"mcp:all": ["mcp:read", "mcp:write"]},
        "accept_client_id_audience": ["client_of_ours"],
        "resource_name": "Files",
        "scopes_supported": ["mcp:read", "mcp:all"],
    }
    with serving(lambda base_url: server(provider(issuer, base_url, **settings)).http_app()) as served:
        assert served.begin(issuer.token(resource(served), scope="mcp:all")).status == 200
        assert served.begin(issuer.token("client_of_ours")).status == 200
        document = served.send("GET", PRM).json
        assert document["resource_name"] == "Files"
        assert document["scopes_supported"] == ["mcp:read", "mcp:all"]


def test_a_ready_verifier(issuer: Issuer) -> None:
    def make(base_url: str) -> Any:
        verifier = Verifier(
            authkit_domain=issuer.issuer,
            resource=f"{base_url}/public",
            required_scopes=[SCOPE],
            allow_insecure_loopback=True,
        )
        return server(AuthKitProvider(verifier=verifier)).http_app()

    with serving(make) as served:
        assert served.begin(issuer.token(resource(served, "/public"))).status == 200
        assert served.begin(issuer.token(resource(served))).status == 401
        assert metadata(served, "/public") in served.begin(None).challenge


def test_beside_another_provider(issuer: Issuer) -> None:
    auth = pytest.importorskip("fastmcp.server.auth.auth")
    if not hasattr(auth, "MultiAuth"):
        pytest.skip("FastMCP joins providers from 3 on")
    keys = importlib.import_module("fastmcp.server.auth.providers.jwt").StaticTokenVerifier
    other = {"other": {"client_id": "machine", "scopes": [SCOPE], "sub": "machine"}}

    def make(base_url: str) -> Any:
        ours = provider(issuer, base_url)
        return server(auth.MultiAuth(server=ours, verifiers=[keys(tokens=other)])).http_app()

    with serving(make) as served:
        # FastMCP's own middleware answers; what ours refuses, the other may take.
        assert issuer.issuer in text(served.call(issuer.token(resource(served)), "whoami"))
        assert served.begin("other").status == 200
        for refused in (None, "neither", issuer.token("https://other.example/mcp")):
            assert served.begin(refused).status == 401
        assert served.begin(issuer.token(resource(served), scope="openid")).status == 401
        assert served.send("GET", f"{PRM}/mcp").json["resource"] == resource(served)


def test_the_log_says_why_and_what_is_in_force(issuer: Issuer, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("fastmcp", "FastMCP"):
        logging.getLogger(name).addHandler(caplog.handler)
        logging.getLogger(name).setLevel(logging.INFO)
    caplog.set_level(logging.INFO)
    with serving(lambda base_url: server(provider(issuer, base_url)).http_app()) as served:
        token = issuer.token("https://other.example/mcp")
        served.begin(token)
        # When it starts; under FastMCP 2.12.0 with the first request.
        assert caplog.text.count(f"resource indicator: {resource(served)}") >= 1
    assert "AUDIENCE" in caplog.text
    assert token not in caplog.text


@pytest.mark.parametrize("settings", [{"refresh_mode": "manual"}, {"refresh_mode": "inline"}])
def test_the_start_depends_on_no_fetch(issuer: Issuer, settings: dict[str, str]) -> None:
    with serving(lambda base_url: server(provider(issuer, base_url, **settings)).http_app()) as served:
        assert served.begin(None).status == 401


def test_a_log_of_events_that_began_before_the_path_was_known_loses_none(issuer: Issuer) -> None:
    if not hasattr(AuthKitProvider.__mro__[1], "get_middleware"):
        pytest.skip("FastMCP 2.12.0 does not tell its providers the path")
    records: list[logging.LogRecord] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append(record)

    logger = logging.Logger("events")
    logger.addHandler(Kept())
    logs = []

    def make(base_url: str) -> Any:
        auth = provider(issuer, base_url)
        logs.append(log_to(logger, auth.verifier))
        return server(auth).http_app(path="/elsewhere")

    with serving(make) as served:
        served.begin(issuer.token(resource(served, "/elsewhere")), "/elsewhere")
        logs[0].drain()
    assert any("fetched the keys" in record.getMessage() for record in records)
