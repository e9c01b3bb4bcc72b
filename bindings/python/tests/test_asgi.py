"""The ASGI middleware around an application without a framework: who gets through, what others get."""

from __future__ import annotations

import json
import logging
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from asgi_calls import call, http_scope, websocket_scope
from authkit_verifier import ConfigError, MisuseError
from authkit_verifier.asgi import AuthKitMiddleware, Refused, require_scopes
from cases import ISSUER, NOW, RESOURCE, SUBJECT, good_jwks, good_token, good_verifier
from jwks_server import JwksServer

if TYPE_CHECKING:
    from authkit_verifier._asgi import ASGIApp, Message, Receive, Scope, Send

BEARER = f"Bearer {good_token()}"
METADATA = good_verifier().resource_metadata_url


class Inner:
    """Answers with the caller's subject, and remembers what reached it."""

    def __init__(self) -> None:
        self.scopes: list[Scope] = []
        self.received: list[Message] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scopes.append(scope)
        if scope["type"] == "lifespan":
            await send({"type": "lifespan.startup.complete"})
            return
        self.received.append(await receive())
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept"})
            return
        claims = scope["authkit"]
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-app", b"1")]})
        await send(
            {"type": "http.response.body", "body": b"nobody" if claims is None else claims.subject.encode()}
        )


def guarded(**options: Any) -> tuple[Inner, ASGIApp]:
    inner = Inner()
    return inner, AuthKitMiddleware(inner, good_verifier(), **options)


def body_of(*names: str) -> dict[str, Any]:
    calls = [{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name}} for name in names]
    return {"type": "http.request", "body": json.dumps(calls[0] if len(calls) == 1 else calls).encode()}


def test_a_good_token_brings_its_claims_to_the_application() -> None:
    inner, app = guarded()
    answer = call(app, http_scope("/mcp", "POST", BEARER))
    assert (answer.status, answer.body) == (200, SUBJECT.encode())
    assert inner.scopes[0]["authkit"]["sub"] == SUBJECT


@pytest.mark.parametrize(
    ("path", "lines", "query", "status", "error"),
    [
        ("/mcp", [], b"", 401, None),
        ("/", [], b"", 401, None),
        ("/.well-known/other", [], b"", 401, None),
        ("/mcp", ["Bearer x.y.z"], b"", 401, "invalid_token"),
        ("/mcp", [BEARER, BEARER], b"", 400, "invalid_request"),
        ("/mcp", [BEARER], f"access_token={good_token()}".encode(), 400, "invalid_request"),
    ],
)
def test_without_one_nothing_reaches_the_application(
    path: str, lines: list[str], query: bytes, status: int, error: str | None
) -> None:
    inner, app = guarded()
    answer = call(app, http_scope(path, "GET", *lines, query_string=query))
    assert answer.status == status
    assert f'resource_metadata="{METADATA}"' in answer.headers["www-authenticate"]
    assert json.loads(answer.body).get("error") == error
    assert inner.scopes == []


def test_the_answers_are_the_decisions_bit_by_bit() -> None:
    _, app = guarded(required_scopes=["admin"])
    answer = call(app, http_scope("/mcp", "POST", BEARER))
    decision = good_verifier().authorize(BEARER, required_scopes=["admin"])
    assert answer.status == decision.status == 403
    assert answer.headers == dict(decision.headers) | {"content-length": str(len(decision.body))}
    assert answer.body == decision.body


def test_503_says_when_to_come_again() -> None:
    with JwksServer() as server:
        server.status = 500
        inner = Inner()
        answer = call(AuthKitMiddleware(inner, server.verifier()), http_scope("/mcp", "POST", BEARER))
        assert answer.status == 503
        assert int(answer.headers["retry-after"]) >= 1
        assert inner.scopes == []


def test_the_well_known_documents_need_no_token() -> None:
    _, app = guarded()
    for path in ("/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp"):
        assert json.loads(call(app, http_scope(path)).body)["resource"] == RESOURCE
        assert call(app, http_scope(path, "OPTIONS")).status == 204


def test_public_paths_need_no_token_and_have_no_claims() -> None:
    _, app = guarded(public=["/health", "/static/*"])
    for path, status in (("/health", 200), ("/static/x", 200), ("/static/../mcp", 401), ("/mcp", 401)):
        assert call(app, http_scope(path)).status == status
    assert call(app, http_scope("/health", "GET", BEARER)).body == b"nobody"
    assert call(app, http_scope("/prefix/health", root_path="/prefix")).status == 200
    assert call(app, http_scope("/health", root_path="/prefix")).status == 200
    assert call(app, http_scope("/health/health", root_path="/health/health")).status == 401
    _, chosen = guarded(public=lambda scope: scope["method"] == "HEAD")
    assert call(chosen, http_scope("/mcp", "HEAD")).status == 200
    assert call(chosen, http_scope("/mcp", "GET")).status == 401


def test_scopes_by_path_and_by_request() -> None:
    _, by_path = guarded(required_scopes={"/admin": ["admin", "audit"]})
    assert call(by_path, http_scope("/mcp", "GET", BEARER)).status == 200
    refused = call(by_path, http_scope("/admin/x", "GET", BEARER))
    assert refused.status == 403
    assert 'scope="admin audit"' in refused.headers["www-authenticate"]
    _, by_request = guarded(required_scopes=lambda scope: ["admin"] if scope["method"] == "POST" else [])
    assert call(by_request, http_scope("/mcp", "GET", BEARER)).status == 200
    assert call(by_request, http_scope("/mcp", "POST", BEARER)).status == 403


def test_a_tool_that_needs_scopes_is_not_called_without_them() -> None:
    inner, app = guarded(tool_scopes={"write": ["files:write"]}, required_scopes={"/mcp": ["read"]})
    assert call(app, http_scope("/x", "POST", BEARER), body_of("read")).status == 200
    for received in (
        [body_of("write")],
        [body_of("read", "write")],
        [{"type": "http.request", "body": b"\xff"}],
        [{"type": "http.request", "body": b" " * 2**20, "more_body": True}] * 5,
        [{"type": "http.disconnect"}],
    ):
        reached = len(inner.scopes)
        answer = call(app, http_scope("/x", "POST", BEARER), *received)
        assert (answer.status, len(inner.scopes)) == (403, reached)
        assert 'scope="files:write"' in answer.headers["www-authenticate"]
    # Those of the path as well, in one challenge.
    answer = call(app, http_scope("/mcp", "POST", BEARER), body_of("write"))
    assert 'scope="read files:write"' in answer.headers["www-authenticate"]
    assert call(app, websocket_scope("/x", BEARER)).messages == [{"type": "websocket.close", "code": 1008}]
    # Nobody makes it read a body without a token.
    assert call(app, http_scope("/x", "POST"), {"type": "never asked for"}).status == 401


def test_a_demanded_tool_is_not_called_on_a_public_path() -> None:
    for public in (["/mcp"], ["/*"], lambda _: True):
        inner, app = guarded(public=public, tool_scopes={"save": ["mcp:write"], "mine": []})
        assert call(app, http_scope("/mcp", "POST"), body_of("list")).body == b"nobody"
        assert call(app, http_scope("/mcp")).body == b"nobody"
        reached = len(inner.scopes)
        for received in (
            [body_of("save")],
            [body_of("list", "save")],
            [body_of("mine")],
            [{"type": "http.request", "body": b"\xff"}],
        ):
            assert call(app, http_scope("/mcp", "POST"), *received).status == 401
        assert call(app, http_scope("/mcp", "POST", BEARER), body_of("save")).status == 403
        assert call(app, websocket_scope("/mcp")).types == ["websocket.close"]
        assert len(inner.scopes) == reached
        assert call(app, http_scope("/mcp", "POST", BEARER), body_of("mine")).body == SUBJECT.encode()


@pytest.mark.parametrize("path", ["/mcp\n", "/api/mcp", "/MCP", "/mcp;x", "/x/../mcp", "//mcp"])
def test_a_place_is_met_however_its_path_is_spelled(path: str) -> None:
    inner, app = guarded(required_scopes={"/mcp": ["mcp:write"]}, public=["/x/*", "/api/*"])
    assert call(app, http_scope(path, "POST", BEARER)).status == 403
    assert call(app, http_scope("/y", "POST", BEARER, raw_path=path.encode())).status == 403
    assert call(app, http_scope(path, "POST", BEARER, raw_path=b"/y")).status == 403
    assert call(app, http_scope(path, "POST")).status == 401
    assert inner.scopes == []


def test_what_could_never_be_public_does_not_start() -> None:
    for options in (
        {"public": ["/mcp"], "required_scopes": {"/mcp": ["x"]}},
        {"public": ["/api/mcp/*"], "required_scopes": {"/mcp": ["x"]}},
        {"public": ["mcp"]},
        {"required_scopes": {"/users/{id}": ["x"]}},
    ):
        with pytest.raises(ConfigError):
            guarded(**options)
    _, app = guarded(public=["/api/mcp"], required_scopes={"/mcp": ["x"]}, prefix="/v1")
    assert call(app, http_scope("/v1/api/mcp")).status == 200
    assert call(app, http_scope("/v1/mcp", "GET", BEARER)).status == 403


class Answering:
    """A callable object whose answers are awaited."""

    async def __call__(self, _: Scope) -> bool:
        return False


async def nothing_is_public(_: Scope) -> bool:
    return False


@pytest.mark.parametrize("function", [nothing_is_public, partial(nothing_is_public), Answering()])
def test_an_async_function_whose_result_nobody_awaits_does_not_start(function: Any) -> None:
    for name in ("public", "required_scopes"):
        with pytest.raises(MisuseError, match=f"{name} is an async function"):
            guarded(**{name: function})


@pytest.mark.parametrize("answer", [1, "yes", [0], object(), None, 0])
def test_a_function_opens_a_path_by_true_only(answer: Any) -> None:
    inner, app = guarded(public=lambda _: answer)
    assert call(app, http_scope("/mcp")).status == 401
    assert inner.scopes == []


def test_a_challenge_names_the_scopes_of_the_path_and_of_the_tool_at_once() -> None:
    _, app = guarded(required_scopes={"/mcp": ["mcp:read"]}, tool_scopes={"save": ["mcp:write"]})
    answer = call(app, http_scope("/mcp", "POST", BEARER), body_of("save"))
    assert answer.status == 403
    assert 'scope="mcp:read mcp:write"' in answer.headers["www-authenticate"]


def test_a_body_that_was_looked_at_reaches_the_application_whole() -> None:
    async def echo(_: Scope, receive: Receive, send: Send) -> None:
        parts = [await receive() for _ in range(3)]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send(
            {"type": "http.response.body", "body": json.dumps([part["type"] for part in parts]).encode()}
        )
        assert b"".join(part.get("body", b"") for part in parts) == body_of("read")["body"]

    app = AuthKitMiddleware(echo, good_verifier(), tool_scopes={"write": ["files:write"]})
    whole: bytes = body_of("read")["body"]
    parts: list[Message] = [
        {"type": "http.request", "body": whole[:10], "more_body": True},
        {"type": "http.request", "body": whole[10:]},
        {"type": "http.disconnect"},
    ]
    answer = call(app, http_scope("/mcp", "POST", BEARER), *parts)
    assert json.loads(answer.body) == ["http.request", "http.request", "http.disconnect"]


async def demanding(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
    claims = await require_scopes(scope, *scope["demands"])
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": claims.subject.encode()})


async def like_a_framework(scope: Scope, receive: Receive, send: Send) -> None:
    try:
        await demanding(scope, receive, send)
    except Refused:
        await send({"type": "http.response.start", "status": 500, "headers": []})
        await send({"type": "http.response.body", "body": b"Internal"})
        await send({"type": "http.response.body", "body": b" Server Error"})
        raise


async def with_a_fallback(scope: Scope, receive: Receive, send: Send) -> None:
    try:
        await demanding(scope, receive, send)
    except Refused:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"less"})


@pytest.mark.parametrize("inner", [demanding, like_a_framework])
def test_a_handler_demands_scopes(inner: ASGIApp) -> None:
    app = AuthKitMiddleware(inner, good_verifier(), required_scopes={"/files": ["profile"]}, public=["/open"])
    assert call(app, http_scope("/mcp", "GET", BEARER, demands=[])).body == SUBJECT.encode()
    refused = call(app, http_scope("/mcp", "GET", BEARER, demands=["files:write", "files:read"]))
    expected = good_verifier().authorize(BEARER, required_scopes=["files:write", "files:read"])
    assert (refused.status, refused.body) == (403, expected.body)
    assert 'scope="files:write files:read"' in refused.headers["www-authenticate"]
    # A public path's handler may demand a token for a part of what it does.
    assert call(app, http_scope("/open", "GET", demands=["files:write"])).status == 401


def test_a_handler_may_do_less_without_the_scope() -> None:
    app = AuthKitMiddleware(with_a_fallback, good_verifier())
    answer = call(app, http_scope("/mcp", "GET", BEARER, demands=["files:write"]))
    assert (answer.status, answer.body) == (200, b"less")


def test_a_websocket_that_turns_out_to_lack_a_scope_is_closed() -> None:
    app = AuthKitMiddleware(demanding, good_verifier())
    answer = call(app, websocket_scope("/mcp", BEARER, demands=["files:write"]))
    assert answer.messages == [{"type": "websocket.accept"}, {"type": "websocket.close", "code": 1008}]


def test_scopes_cannot_be_demanded_without_the_middleware() -> None:
    with pytest.raises(RuntimeError, match="AuthKitMiddleware"):
        call(demanding, http_scope("/mcp", "GET", BEARER, demands=[]))


def test_a_websocket_needs_a_token_too() -> None:
    inner, app = guarded()
    assert call(app, websocket_scope("/mcp", BEARER)).types == ["websocket.accept"]
    assert call(app, websocket_scope("/mcp")).types == ["websocket.close"]
    # A path that reads like a document's is no document over a websocket.
    assert call(app, websocket_scope("/.well-known/oauth-protected-resource")).types == ["websocket.close"]
    told = call(app, websocket_scope("/mcp", extensions={"websocket.http.response": {}}))
    assert told.status == 401
    assert len(inner.scopes) == 1


def test_only_what_can_be_guarded_gets_through() -> None:
    inner, app = guarded()
    assert call(app, {"type": "lifespan"}).types == ["lifespan.startup.complete"]
    with pytest.raises(RuntimeError, match="cannot be guarded"):
        call(app, {"type": "webtransport"})
    assert len(inner.scopes) == 1


def browser(method: str, origin: str, *lines: str, asked: bytes | None = None) -> Scope:
    scope = http_scope("/mcp", method, *lines)
    scope["headers"] += [(b"Origin", origin.encode()), (b"access-control-request-method", b"POST")]
    if asked is not None:
        scope["headers"].append((b"access-control-request-headers", asked))
    return scope


def test_pages_of_the_given_origins_may_call() -> None:
    inner, app = guarded(cors_origins=["https://a.example", "https://b.example"])
    preflight = call(app, browser("OPTIONS", "https://a.example", asked=b"authorization,mcp-x"))
    assert (preflight.status, inner.scopes) == (204, [])
    assert preflight.headers["access-control-allow-origin"] == "https://a.example"
    assert preflight.headers["access-control-allow-headers"] == "authorization,mcp-x"
    assert preflight.headers["vary"] == "Origin"
    hostile = call(app, browser("OPTIONS", "https://a.example", asked=b"x\r\nset-cookie: a"))
    assert "Authorization" in hostile.headers["access-control-allow-headers"]
    refused = call(app, browser("POST", "https://b.example"))
    assert (refused.status, refused.headers["access-control-allow-origin"]) == (401, "https://b.example")
    assert refused.headers["access-control-expose-headers"] == "WWW-Authenticate"
    served = call(app, browser("POST", "https://b.example", BEARER))
    assert served.headers["access-control-allow-origin"] == "https://b.example"
    assert "Mcp-Session-Id" in served.headers["access-control-expose-headers"]
    for method in ("OPTIONS", "POST"):
        other = call(app, browser(method, "https://evil.example"))
        assert other.status == 401
        assert "access-control-allow-origin" not in other.headers
    _, any_page = guarded(cors_origins="*")
    assert call(any_page, browser("OPTIONS", "null")).headers["access-control-allow-origin"] == "*"
    _, none = guarded()
    assert call(none, browser("OPTIONS", "https://a.example")).status == 401


def test_half_a_configuration_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError):
        AuthKitMiddleware(Inner())
    monkeypatch.setenv("AUTHKIT_DOMAIN", ISSUER)
    with pytest.raises(ConfigError):
        AuthKitMiddleware(Inner())
    monkeypatch.setenv("AUTHKIT_RESOURCE", RESOURCE)
    monkeypatch.setenv("AUTHKIT_JWKS", json.dumps(good_jwks()))
    monkeypatch.setenv("AUTHKIT_NOW", str(NOW))
    assert call(AuthKitMiddleware(Inner()), http_scope("/mcp", "GET", BEARER)).status == 200
    for options in ({"required_scopes": ["two words"]}, {"tool_scopes": {"x": ["two words"]}}):
        with pytest.raises(MisuseError):
            guarded(**options)


def test_the_log_says_why_and_tells_no_token(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "authkit_verifier")
    _, app = guarded()
    call(app, http_scope("/mcp", "GET", "Bearer x.y.z"))
    call(app, http_scope("/mcp", "GET", BEARER, BEARER))
    call(app, http_scope("/mcp", "GET"))
    start, refusals = caplog.records[:-2], caplog.records[-2:]
    assert [record.getMessage().partition(": ")[0] for record in start] == [
        "resource indicator",
        "trusted issuer",
        "required scopes",
        "now",
    ]
    assert [record.getMessage().split(": ")[:2] for record in refusals] == [
        ["answered 401", "MALFORMED"],
        ["answered 400", "INVALID_REQUEST"],
    ]
    assert {(record.levelname, record.name) for record in refusals} == {("INFO", "authkit_verifier.asgi")}
    assert good_token() not in caplog.text
    assert SUBJECT not in caplog.text
