"""The WSGI middleware around an application without a framework: who gets through, what others get."""

from __future__ import annotations

import contextlib
import io
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import pytest

from authkit_verifier import ConfigError, MisuseError
from authkit_verifier.wsgi import AuthKitMiddleware, Refused, require_scopes
from cases import RESOURCE, SUBJECT, good_token, good_verifier
from jwks_server import JwksServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

BEARER = f"Bearer {good_token()}"
METADATA = good_verifier().resource_metadata_url


@dataclass
class Answer:
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


def environment(
    path: str = "/mcp", method: str = "GET", authorization: str | None = BEARER, **more: Any
) -> Any:
    environ: dict[str, Any] = {
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "REQUEST_METHOD": method,
        "wsgi.input": io.BytesIO(),
    }
    setup_testing_defaults(environ)
    if authorization is not None:
        environ["HTTP_AUTHORIZATION"] = authorization
    return environ | {"QUERY_STRING": ""} | more


def call(app: WSGIApplication, environ: WSGIEnvironment) -> Answer:
    """Calls an application as a server would, which wsgiref checks on both sides."""
    answer = Answer()

    def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> Any:
        answer.status, answer.headers = int(status[:3]), dict(headers)
        return lambda _: None

    body = app(environ, start_response)
    try:
        answer.body = b"".join(body)
    finally:
        close = getattr(body, "close", None)
        if close is not None:
            close()
    return answer


def inner(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
    claims = environ["authkit"]
    start_response("200 OK", [("Content-Type", "text/plain")])
    return (
        []
        if environ["REQUEST_METHOD"] == "HEAD"
        else [b"nobody" if claims is None else claims.subject.encode()]
    )


def guarded(app: WSGIApplication = inner, **options: Any) -> WSGIApplication:
    return AuthKitMiddleware(app, good_verifier(), **options)


def test_a_good_token_brings_its_claims_to_the_application() -> None:
    answer = call(validator(guarded()), environment())
    assert (answer.status, answer.body) == (200, SUBJECT.encode())


@pytest.mark.parametrize(
    ("environ", "status", "error"),
    [
        (environment(authorization=None), 401, None),
        (environment("/.well-known/other", authorization=None), 401, None),
        (environment(authorization="Bearer x.y.z"), 401, "invalid_token"),
        (environment(authorization=f"{BEARER},{BEARER}"), 400, "invalid_request"),
        (environment(authorization="Bearer \xe9"), 400, "invalid_request"),
        (environment(QUERY_STRING=f"access_token={good_token()}"), 400, "invalid_request"),
    ],
)
def test_without_one_nothing_reaches_the_application(environ: Any, status: int, error: str | None) -> None:
    def unreachable(*_: Any) -> list[bytes]:
        raise AssertionError

    answer = call(guarded(unreachable), environ)
    assert answer.status == status
    assert f'resource_metadata="{METADATA}"' in answer.headers["www-authenticate"]
    assert json.loads(answer.body).get("error") == error
    assert answer.headers["content-length"] == str(len(answer.body))
    head = call(guarded(unreachable), environ | {"REQUEST_METHOD": "HEAD"})
    assert (head.headers, head.body) == (answer.headers, b"")


def test_503_says_when_to_come_again() -> None:
    with JwksServer() as server:
        server.status = 500
        answer = call(AuthKitMiddleware(inner, server.verifier()), environment())
        assert answer.status == 503
        assert int(answer.headers["retry-after"]) >= 1


@pytest.mark.parametrize(
    ("script", "path"),
    [
        ("", "/.well-known/oauth-protected-resource"),
        ("", "/.well-known/oauth-protected-resource/mcp"),
        ("/prefix", "/.well-known/oauth-protected-resource/mcp"),
    ],
)
def test_the_well_known_documents_need_no_token(script: str, path: str) -> None:
    app = validator(guarded())
    answer = call(app, environment(path, authorization=None, SCRIPT_NAME=script))
    assert json.loads(answer.body)["resource"] == RESOURCE
    preflight = call(guarded(), environment(path, "OPTIONS", None, SCRIPT_NAME=script))
    assert (preflight.status, preflight.body) == (204, b"")
    assert "content-length" not in preflight.headers
    head = call(guarded(), environment(path, "HEAD", None, SCRIPT_NAME=script))
    assert (head.status, head.body) == (200, b"")
    assert call(guarded(), environment("/é".encode().decode("latin-1"), authorization=None)).status == 401


def test_public_paths_need_no_token_and_have_no_claims() -> None:
    app = guarded(public=["/health", "/static/*", "/é"])
    for path, status in (
        ("/health", 200),
        ("/static/x", 200),
        ("/static/../mcp", 401),
        ("/mcp", 401),
        ("", 401),
    ):
        assert call(app, environment(path, authorization=None)).status == status
    assert call(app, environment("/é".encode().decode("latin-1"), authorization=None)).status == 200
    assert call(app, environment("/health")).body == b"nobody"


def test_scopes_by_path_and_by_request() -> None:
    refused = call(guarded(required_scopes={"/admin": ["admin", "audit"]}), environment("/admin/x"))
    assert refused.status == 403
    assert 'scope="admin audit"' in refused.headers["www-authenticate"]
    by_request = guarded(
        required_scopes=lambda environ: ["admin"] if environ["REQUEST_METHOD"] == "POST" else []
    )
    assert call(by_request, environment()).status == 200
    assert call(by_request, environment(method="POST")).status == 403


@pytest.mark.parametrize("path", ["/mcp\n", "/api/mcp", "/MCP", "/mcp;x", "/x/../mcp", "//mcp", ""])
def test_a_place_is_met_however_its_path_is_spelled(path: str) -> None:
    app = guarded(required_scopes={"/mcp": ["mcp:write"]}, public=["/x/*", "/api/*"])
    assert call(app, environment(path)).status == 403
    assert call(app, environment(path, authorization=None)).status == 401
    assert call(app, environment("cp", SCRIPT_NAME="/m")).status == 403


def test_places_below_a_prefix() -> None:
    app = guarded(required_scopes={"/admin": ["admin"]}, public=["/health", "/docs/admin"], prefix="/api")
    assert call(app, environment("/health", authorization=None, SCRIPT_NAME="/mnt")).status == 200
    for path, status in (("/api/health", 200), ("/api/docs/admin", 200), ("/docs/api/health", 401)):
        assert call(app, environment(path, authorization=None)).status == status
    for path, status in (("/api/admin", 403), ("/admin/x", 403), ("/docs/x/admin", 200)):
        assert call(app, environment(path)).status == status
    with pytest.raises(ConfigError):
        guarded(public=["/docs"], required_scopes={"/docs": ["x"]})
    with pytest.raises(ConfigError):
        guarded(prefix="api")


def demanding(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
    claims = require_scopes(environ, *environ["demands"])
    start_response("200 OK", [])
    return [claims.subject.encode()]


class LikeAFramework:
    def __init__(self) -> None:
        self.closed = 0

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Any:
        try:
            return demanding(environ, start_response)
        except Refused:
            start_response("500 Internal Server Error", [("Content-Type", "text/plain")])(b"Internal ")
            return self

    def __iter__(self) -> Any:
        return iter([b"Server Error"])

    def close(self) -> None:
        self.closed += 1


def with_a_fallback(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
    try:
        return demanding(environ, start_response)
    except Refused:
        start_response("200 OK", [])
        return [b"less"]


def lazily_with_a_fallback(environ: WSGIEnvironment, start_response: StartResponse) -> Any:
    def less() -> Iterator[bytes]:
        start_response("200 OK", [])
        yield b"less"

    with contextlib.suppress(Refused):
        require_scopes(environ, *environ["demands"])
    return less()


@pytest.mark.parametrize("app", [demanding, LikeAFramework()])
def test_a_view_demands_scopes(app: WSGIApplication) -> None:
    guard = guarded(app, required_scopes={"/files": ["profile"]}, public=["/open"])
    assert call(guard, environment(demands=[])).body == SUBJECT.encode()
    refused = call(guard, environment(demands=["files:write"]))
    expected = good_verifier().authorize(BEARER, required_scopes=["files:write"])
    assert (refused.status, refused.body) == (403, expected.body)
    assert 'scope="files:write"' in refused.headers["www-authenticate"]
    assert call(guard, environment("/open", authorization=None, demands=[])).status == 401
    if isinstance(app, LikeAFramework):
        assert app.closed == 2


@pytest.mark.parametrize("app", [with_a_fallback, lazily_with_a_fallback])
def test_a_view_may_do_less_without_the_scope(app: WSGIApplication) -> None:
    answer = call(guarded(app), environment(demands=["files:write"]))
    assert (answer.status, answer.body) == (200, b"less")


def test_what_cannot_be_is_said() -> None:
    with pytest.raises(RuntimeError, match="AuthKitMiddleware"):
        require_scopes(environment(), "files:write")
    with pytest.raises(ConfigError):
        AuthKitMiddleware(inner)
    with pytest.raises(MisuseError):
        guarded(required_scopes=["two words"])
