"""The official SDK's client logs in at the SDK's server, guarded by ours, and calls tools, in any weather."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from typing import TYPE_CHECKING

import mcp
import pytest
from sdk_client import User, whoami

from authorization_server import AuthorizationServer
from served_app import ServedApp

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CALL = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/call",
    "params": {"name": "write_note", "arguments": {"text": "x"}},
}


@pytest.fixture
def server(issuer: AuthorizationServer, tmp_path: Path) -> Iterator[ServedApp]:
    settings = {
        "AUTHKIT_DOMAIN": issuer.issuer,
        "AUTHKIT_REQUIRED_SCOPES": "mcp:read",
        "AUTHKIT_ALLOW_INSECURE_LOOPBACK": "true",
    }
    issuer.forget_requests()
    with ServedApp("mcp_server:app", tmp_path / "log", **settings) as running:
        running.wait_until_ready()
        yield running
    issuer.fail(0)


def mint(issuer: AuthorizationServer, server: ServedApp, **claims: object) -> str:
    return issuer.mint(**{"aud": f"{server.url}/mcp", "scope": "mcp:read", **claims})


def scopes(text: str) -> set[str]:
    """Those that were asked for; a client of 2.x adds offline_access."""
    return set(text.split()) - {"offline_access"}


def test_login_ping_and_a_tool_that_returns_its_claims(
    issuer: AuthorizationServer, server: ServedApp
) -> None:
    async def story() -> None:
        user = User(f"{server.url}/mcp")
        async with user.session() as session:
            await session.send_ping()
            claims = await whoami(session)
            assert claims["iss"] == issuer.issuer
            assert claims["aud"] == f"{server.url}/mcp"
            assert claims["sub"].startswith("user_")
            assert claims["client_id"] == user.client.client_id  # type: ignore[union-attr]
            assert scopes(claims["scope"]) == {"mcp:read"}
        # A later session goes on with the token of the first.
        async with user.session() as session:
            assert await whoami(session) == claims
        assert [scopes(login) for login in user.logins] == [{"mcp:read"}]

    asyncio.run(story())
    assert issuer.requests()["/oauth2/register"] == 1
    assert issuer.requests()["/oauth2/jwks"] == 1


def test_a_scope_that_is_missing_is_asked_for_and_got(issuer: AuthorizationServer, server: ServedApp) -> None:
    answer = server.ask("POST", "/mcp", mint(issuer, server), json.dumps(CALL).encode())
    assert answer.status == 403
    challenge = answer.headers["www-authenticate"]
    assert 'error="insufficient_scope"' in challenge
    assert 'scope="mcp:read mcp:write"' in challenge
    assert f'resource_metadata="{server.url}/.well-known/oauth-protected-resource/mcp"' in challenge

    async def story() -> None:
        user = User(f"{server.url}/mcp")
        # The issuer holds a client to the scopes that it registered with; left to itself, the SDK's registers
        # with those of its first challenge alone.
        user.register(issuer.issuer, issuer.register("mcp:read mcp:write offline_access"))
        async with user.session() as session:
            await session.send_ping()
            written = await session.call_tool("write_note", {"text": "hello"})
            assert written.content[0].text == "written: hello"  # type: ignore[union-attr]
            assert scopes((await whoami(session))["scope"]) == {"mcp:read", "mcp:write"}
        assert [scopes(login) for login in user.logins] == [{"mcp:read"}, {"mcp:read", "mcp:write"}]

    asyncio.run(story())


@pytest.mark.skipif(not hasattr(mcp, "Client"), reason="mcp 1.x does not speak the protocol 2026-07-28")
def test_the_same_without_sessions(issuer: AuthorizationServer, server: ServedApp) -> None:
    async def story() -> None:
        user = User(f"{server.url}/mcp")
        user.register(issuer.issuer, issuer.register("mcp:read mcp:write offline_access"))
        async with user.without_session() as client:
            assert client.protocol_version >= "2026-07-28"
            assert (await whoami(client))["aud"] == f"{server.url}/mcp"
            await client.call_tool("write_note", {"text": "hello"})
            assert scopes((await whoami(client))["scope"]) == {"mcp:read", "mcp:write"}
        assert len(user.logins) == 2

    asyncio.run(story())


def test_an_expired_token_is_replaced_by_a_new_login(issuer: AuthorizationServer, server: ServedApp) -> None:
    now = int(time.time())
    expired = mint(issuer, server, iat=now - 7200, exp=now - 3600)
    answer = server.ask("POST", "/mcp", expired, json.dumps(CALL).encode())
    assert (answer.status, json.loads(answer.body)["error"]) == (401, "invalid_token")

    async def story() -> None:
        user = User(f"{server.url}/mcp")
        async with user.session() as session:
            await session.send_ping()
        user.hold(expired)
        async with user.session() as session:
            await session.send_ping()
        assert len(user.logins) == 2
        assert user.access_token != expired

    asyncio.run(story())
    assert "EXPIRED" in server.log()
    assert expired not in server.log()


def test_keys_rotate_in_the_middle_of_a_session(issuer: AuthorizationServer, server: ServedApp) -> None:
    async def story() -> None:
        user = User(f"{server.url}/mcp")
        async with user.session() as session:
            before = await whoami(session)
            issuer.rotate()
            # Another user's token of the new key, which the server has not seen, is good at once.
            assert server.ask("GET", "/other", mint(issuer, server)).status == 404
            # The old key is gone now: the session's next call finds its token refused, logs in and goes on.
            await session.send_ping()
            assert (await whoami(session))["sub"] == before["sub"]
            assert len(user.logins) == 2

    asyncio.run(story())
    # At the start, for the new key, and once more for the old one's sake.
    assert issuer.requests()["/oauth2/jwks"] <= 3


def test_while_the_issuer_is_down_those_with_keys_are_served(
    issuer: AuthorizationServer, server: ServedApp
) -> None:
    async def story() -> None:
        user = User(f"{server.url}/mcp")
        async with user.session() as session:
            issuer.fail(500)
            await session.send_ping()
            await whoami(session)
        assert len(user.logins) == 1

    asyncio.run(story())
    good = mint(issuer, server)
    server.restart()
    cold = server.ask("POST", "/mcp", good, b"{}")
    assert cold.status == 503
    assert int(cold.headers["retry-after"]) >= 1
    assert "www-authenticate" not in cold.headers
    # One that brings no token is told what to do all the same.
    assert server.ask("POST", "/mcp", None, b"{}").status == 401
    issuer.fail(0)
    end = time.monotonic() + 60
    while (answer := server.ask("GET", "/other", good)).status == 503:
        assert time.monotonic() < end
        time.sleep(min(1.0, float(answer.headers["retry-after"])))
    assert answer.status == 404


def test_a_restarted_server_serves_the_tokens_of_before(server: ServedApp) -> None:
    async def story() -> None:
        user = User(f"{server.url}/mcp")
        async with user.session() as session:
            await session.send_ping()
            server.restart()
            # The SDK's server has forgotten the session, which is not ours to remember; never the token.
            with contextlib.suppress(Exception):
                await session.send_ping()
        async with user.session() as session:
            await session.send_ping()
        assert len(user.logins) == 1

    asyncio.run(story())


def test_the_metadata_are_the_librarys(issuer: AuthorizationServer, server: ServedApp) -> None:
    for path in ("/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-protected-resource"):
        document = json.loads(server.ask("GET", path).body)
        assert document["resource"] == f"{server.url}/mcp"
        assert document["authorization_servers"] == [issuer.issuer]
        assert document["scopes_supported"] == ["mcp:read"]
    forwarded = server.ask("GET", "/.well-known/oauth-authorization-server")
    assert json.loads(forwarded.body)["issuer"] == issuer.issuer
