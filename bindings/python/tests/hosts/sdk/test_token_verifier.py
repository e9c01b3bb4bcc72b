"""AuthKitTokenVerifier as the official SDK calls it, and the SDK's server with nothing else around it."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import pytest
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings

from asgi_calls import Answer, call, http_scope
from authkit_verifier import ConfigError, KeysUnavailableError, MisuseError, Verifier
from authkit_verifier._response import Decision
from authkit_verifier.asgi import AuthKitMiddleware
from authkit_verifier.mcp import AuthKitTokenVerifier
from cases import CLIENT_ID, EXPIRES_AT, ISSUER, RESOURCE, SUBJECT, good_token, good_verifier
from jwks_server import JwksServer

try:
    from mcp.server.mcpserver import MCPServer
except ImportError:
    from mcp.server.fastmcp import FastMCP as MCPServer  # type: ignore[attr-defined, no-redef]


def verify(token: str, **settings: Any) -> AccessToken | None:
    return asyncio.run(AuthKitTokenVerifier(good_verifier(**settings)).verify_token(token))


def test_a_good_token_is_told_whole() -> None:
    token = verify(good_token())
    assert isinstance(token, AccessToken)
    assert (token.token, token.client_id, token.expires_at) == (good_token(), CLIENT_ID, EXPIRES_AT)
    told = token.model_dump()
    assert told["resource"] == RESOURCE
    assert told["subject"] == SUBJECT
    assert told["claims"] == good_verifier().verify(good_token()).to_dict()
    assert told["scopes"] == list(good_verifier().verify(good_token()).scopes)


@pytest.mark.parametrize("token", ["", "x.y.z", "é\0", "\udcff", "." * 100_000])
def test_whatever_is_sent_as_a_token_raises_nothing(token: str) -> None:
    assert verify(token) is None


def test_a_refusal_is_none_and_its_reason_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "authkit_verifier.mcp")
    assert verify(good_token(), now=EXPIRES_AT + 100) is None
    assert verify(good_token(), required_scopes=["admin"]) is None
    assert verify(good_token()[:-8] + "AAAAAAAA") is None
    reasons = [record.getMessage() for record in caplog.records]
    reasons = [reason for reason in reasons if reason.startswith("answered ")]
    assert [reason.split(": ")[1] for reason in reasons] == ["EXPIRED", "SCOPE", "SIGNATURE"]
    assert good_token()[:-8] not in caplog.text
    assert SUBJECT not in caplog.text


def test_without_keys_it_raises_for_a_401_would_be_a_lie(caplog: pytest.LogCaptureFixture) -> None:
    with JwksServer() as server:
        server.status = 500
        verifier = AuthKitTokenVerifier(server.verifier())
        with pytest.raises(KeysUnavailableError):
            asyncio.run(verifier.verify_token(good_token()))
    levels = {record.levelname for record in caplog.records if record.getMessage().startswith("answered 503")}
    assert levels == {"WARNING"}


@pytest.mark.parametrize(
    ("status", "is_no"), [(400, True), (401, True), (403, True), (429, False), (500, False)]
)
def test_what_says_nothing_about_the_token_is_raised(
    monkeypatch: pytest.MonkeyPatch, status: int, is_no: bool
) -> None:
    error = KeysUnavailableError("nobody knows", status=5)
    error.http_status = status

    async def authorize_async(*_: Any) -> Decision:
        return Decision(status, (), b"", None, error)

    monkeypatch.setattr(Verifier, "authorize_async", authorize_async)
    if is_no:
        assert verify("token") is None
        return
    with pytest.raises(KeysUnavailableError):
        verify("token")


def test_the_settings_are_the_verifiers() -> None:
    settings = AuthKitTokenVerifier(good_verifier()).auth_settings()
    assert isinstance(settings, AuthSettings)
    assert str(settings.issuer_url).rstrip("/") == ISSUER
    assert str(settings.resource_server_url) == RESOURCE
    with pytest.raises(ValueError, match="resource"):
        AuthKitTokenVerifier(Verifier(authkit_domain=ISSUER, audiences=[RESOURCE])).auth_settings()


def test_half_a_configuration_does_not_start() -> None:
    with pytest.raises(ConfigError):
        AuthKitTokenVerifier()
    verifier = AuthKitTokenVerifier(good_verifier())
    verifier.verifier.close()
    with pytest.raises(MisuseError):
        asyncio.run(verifier.verify_token(good_token()))


def sdk_server(verifier: Verifier) -> Any:
    tokens = AuthKitTokenVerifier(verifier)
    return MCPServer("test", token_verifier=tokens, auth=tokens.auth_settings()).streamable_http_app()


def ask(app: Any, token: str | None) -> Answer:
    return call(app, http_scope("/mcp", "POST", *([f"Bearer {token}"] if token else []), query_string=b""))


def test_the_sdk_alone_lets_nobody_in_who_is_refused() -> None:
    app = sdk_server(good_verifier(required_scopes=["admin"]))
    for token in (None, "x.y.z", good_token()):
        assert ask(app, token).status == 401


def test_the_middleware_around_it_says_what_the_sdk_cannot() -> None:
    verifier = good_verifier(required_scopes=["admin"])
    answer = ask(AuthKitMiddleware(sdk_server(verifier), verifier), good_token())
    assert answer.status == 403
    assert 'scope="admin"' in answer.headers["www-authenticate"]
    with JwksServer() as server:
        server.status = 500
        verifier = server.verifier()
        app = sdk_server(verifier)
        assert ask(AuthKitMiddleware(app, verifier), good_token()).status == 503
        # By itself it fails, for want of a better word: the token is not said to be bad.
        with pytest.raises(KeysUnavailableError):
            ask(app, good_token())
    document = call(AuthKitMiddleware(app, verifier), http_scope("/.well-known/oauth-protected-resource/mcp"))
    assert json.loads(document.body)["resource"] == RESOURCE
