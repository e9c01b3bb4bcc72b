"""The request as input: what the library decides about it, carried over whole."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from authkit_verifier import (
    Decision,
    InsufficientScopeError,
    InvalidRequestError,
    KeysUnavailableError,
    MisuseError,
    NoCredentialsError,
    TokenError,
    Verifier,
)
from cases import EXPIRES_AT, ISSUER, NOW, RESOURCE, SUBJECT, good_token, good_verifier
from jwks_server import JwksServer

METADATA = good_verifier().resource_metadata_url
BEARER = f"Bearer {good_token()}"


def challenge(headers: tuple[tuple[str, str], ...]) -> str | None:
    return dict(headers).get("www-authenticate")


@pytest.mark.parametrize(
    ("authorization", "options", "status", "kind", "error"),
    [
        (None, {}, 401, NoCredentialsError, None),
        ("", {}, 401, NoCredentialsError, None),
        ("Basic dXNlcjpwYXNz", {}, 401, NoCredentialsError, None),
        ("Bearer", {}, 400, InvalidRequestError, "invalid_request"),
        (f"{BEARER}, {BEARER}", {}, 400, InvalidRequestError, "invalid_request"),
        (f"{BEARER} x", {}, 400, InvalidRequestError, "invalid_request"),
        (f"{BEARER}\r\nset-cookie: x", {}, 400, InvalidRequestError, "invalid_request"),
        ("Bearer é\0", {}, 400, InvalidRequestError, "invalid_request"),
        (BEARER, {"query": f"access_token={good_token()}"}, 400, InvalidRequestError, "invalid_request"),
        (BEARER, {"query": b"a=1&access_token=x"}, 400, InvalidRequestError, "invalid_request"),
        ("Bearer x.y.z", {}, 401, TokenError, "invalid_token"),
        (BEARER, {"now": EXPIRES_AT + 100}, 401, TokenError, "invalid_token"),
        (BEARER, {"required_scopes": ["admin"]}, 403, InsufficientScopeError, "insufficient_scope"),
        (BEARER, {"any_scopes": ["admin", "owner"]}, 403, InsufficientScopeError, "insufficient_scope"),
    ],
)
def test_a_refusal_is_the_response_to_send(
    authorization: str | None, options: dict[str, Any], status: int, kind: type[Exception], error: str | None
) -> None:
    verifier = good_verifier()
    decision = verifier.authorize(authorization, **options)
    assert not decision
    assert decision.claims is None
    assert (decision.status, type(decision.error)) == (status, kind)
    told = challenge(decision.headers)
    assert told is not None
    assert told.startswith("Bearer ")
    assert told.endswith(f'resource_metadata="{METADATA}"')
    assert (f'error="{error}"' in told) is (error is not None)
    assert all(text.isascii() and text.isprintable() for header in decision.headers for text in header)
    assert json.loads(decision.body).get("error") == error
    assert good_token() not in told + decision.body.decode() + str(decision.error)
    assert asyncio.run(verifier.authorize_async(authorization, **options)).headers == decision.headers


@pytest.mark.parametrize(
    "authorization", [BEARER, f"bEARER   {good_token()}", f" {BEARER} ", BEARER.encode()]
)
def test_a_good_token_lets_the_request_go_on(authorization: str | bytes) -> None:
    decision = good_verifier().authorize(authorization, query="session=1")
    assert good_verifier().authorize(authorization, query=b"session=\xff")
    assert decision
    assert (decision.status, decision.error) == (200, None)
    assert decision.claims is not None
    assert decision.claims.subject == SUBJECT


def test_a_challenge_names_all_scopes_of_the_operation() -> None:
    decision = good_verifier(required_scopes=["profile"]).authorize(BEARER, required_scopes=["read", "write"])
    assert 'scope="profile read write"' in str(challenge(decision.headers))


def test_without_keys_the_answer_is_503_that_says_when() -> None:
    with JwksServer() as server:
        server.status = 500
        verifier = server.verifier()
        for decision in (verifier.authorize(BEARER), asyncio.run(verifier.authorize_async(BEARER))):
            assert (decision.status, type(decision.error)) == (503, KeysUnavailableError)
            assert int(dict(decision.headers)["retry-after"]) >= 1
            assert challenge(decision.headers) is None


def test_a_cold_loop_is_answered_when_the_keys_are_there() -> None:
    async def ask(verifier: Verifier) -> list[bool]:
        return [
            bool(one) for one in await asyncio.gather(*(verifier.authorize_async(BEARER) for _ in range(50)))
        ]

    with JwksServer() as server:
        server.delay = 0.3
        assert all(asyncio.run(ask(server.verifier())))
        assert server.gets == 1


@pytest.mark.parametrize("status", [200, 500])
def test_a_cold_loop_is_answered_where_the_library_makes_no_threads(status: int) -> None:
    async def ask(verifier: Verifier) -> list[Decision]:
        return await asyncio.gather(*(verifier.authorize_async(BEARER) for _ in range(10)))

    with JwksServer() as server:
        server.status = status
        server.delay = 0.1
        verifier = server.verifier(refresh_mode="inline")
        decisions = asyncio.run(ask(verifier))
        assert {decision.status for decision in decisions} == {200 if status == 200 else 503}
        assert server.gets == 1
        # With keys, or with the failure remembered, at once.
        assert asyncio.run(verifier.authorize_async(BEARER)).status == decisions[0].status


def test_what_cannot_be_asked_is_raised() -> None:
    verifier = good_verifier()
    unfit: list[Any] = [7, bytearray(b"Bearer x")]
    for what in unfit:
        with pytest.raises(TypeError):
            verifier.authorize(what)
        with pytest.raises(TypeError):
            verifier.authorize(BEARER, query=what)
        with pytest.raises(TypeError):
            asyncio.run(verifier.authorize_async(what))
    with pytest.raises(MisuseError):
        verifier.authorize(BEARER, required_scopes=["two words"])
    with pytest.raises(MisuseError):
        verifier.well_known("GE\0T", "/")
    verifier.close()
    with pytest.raises(MisuseError):
        verifier.authorize(BEARER)
    with pytest.raises(MisuseError):
        verifier.well_known("GET", "/")


@pytest.mark.parametrize("path", ["/.well-known/oauth-protected-resource", "with the resource's path"])
def test_the_resource_metadata_are_served_at_both_places(path: str) -> None:
    verifier = good_verifier(scopes_supported=["read"], resource_name="Files")
    assert verifier.resource_metadata_url is not None
    if not path.startswith("/"):
        path = "/" + verifier.resource_metadata_url.split("/", 3)[3]
    response = verifier.well_known("GET", path)
    assert response is not None
    assert response.status == 200
    assert dict(response.headers)["access-control-allow-origin"] == "*"
    document = json.loads(response.body)
    assert (document["resource"], document["authorization_servers"]) == (RESOURCE, [ISSUER])
    assert (document["scopes_supported"], document["resource_name"]) == (["read"], "Files")
    preflight = verifier.well_known("OPTIONS", path)
    assert preflight is not None
    assert preflight.status == 204
    refused = verifier.well_known("POST", path)
    assert refused is not None
    assert refused.status == 405


def test_other_paths_are_the_hosts() -> None:
    verifier = good_verifier()
    assert verifier.well_known("GET", "/mcp") is None
    assert asyncio.run(verifier.well_known_async("GET", b"/other")) is None


def test_an_authorization_server_that_cannot_be_asked_is_503() -> None:
    with JwksServer() as server:
        server.status = 500
        verifier = Verifier(
            authkit_domain=server.url.split("/oauth2")[0],
            resource=RESOURCE,
            now=NOW,
            allow_insecure_loopback=True,
        )
        path = "/.well-known/oauth-authorization-server"
        for response in (
            verifier.well_known("GET", path),
            asyncio.run(verifier.well_known_async("GET", path)),
        ):
            assert response is not None
            assert response.status == 503
            assert "retry-after" in dict(response.headers)


def test_the_authorization_servers_metadata_are_fetched_once_and_forwarded() -> None:
    async def ask(verifier: Verifier) -> list[Any]:
        path = "/.well-known/oauth-authorization-server"
        return await asyncio.gather(*(verifier.well_known_async("GET", path) for _ in range(20)))

    with JwksServer() as server:
        issuer = server.url.split("/oauth2")[0]
        endpoint = {"authorization_endpoint": f"{issuer}/oauth2/authorize"}
        server.document = {"issuer": issuer, "response_types_supported": ["code"], **endpoint}
        server.delay = 0.3
        verifier = Verifier(authkit_domain=issuer, resource=RESOURCE, now=NOW, allow_insecure_loopback=True)
        for response in asyncio.run(ask(verifier)):
            assert response.status == 200
            assert json.loads(response.body)["authorization_endpoint"] == endpoint["authorization_endpoint"]
            assert dict(response.headers)["access-control-allow-origin"] == "*"
        assert server.gets == 1
        # At once now, and for a call that may wait as well.
        response = verifier.well_known("GET", "/.well-known/openid-configuration")
        assert response is not None
        assert response.status == 200
