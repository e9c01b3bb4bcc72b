"""Scopes of single tools: a challenge over HTTP, and in the tool itself where the request cannot be read."""

from __future__ import annotations

import asyncio
import inspect
import json
from typing import TYPE_CHECKING, Any

import pytest
from fastmcp import Client, FastMCP

from authkit_verifier import MisuseError
from authkit_verifier.fastmcp import claims, require_scopes
from serving import Connection, call, result, serving, text
from test_requests import metadata, provider, resource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from issuing import Issuer

WRITE = "mcp:write"
HIERARCHY = {"mcp:all": ["mcp:read", WRITE]}


def server(auth: Any) -> FastMCP[Any]:
    mcp: FastMCP[Any] = FastMCP("scoped", auth=auth)
    inner: FastMCP[Any] = FastMCP("inner")

    @mcp.tool
    def read() -> str:
        return f"read by {claims().subject}"

    @mcp.tool
    @require_scopes(WRITE)
    async def write(text: str = "nothing") -> str:
        return f"wrote {text}"

    @mcp.tool
    @require_scopes("mcp:admin")
    @require_scopes(WRITE)
    def administer() -> str:
        return "administered"

    @inner.tool
    @require_scopes(WRITE)
    def write_inside() -> str:
        return "wrote inside"

    # By its name: older ones take the prefix first.
    name = "namespace" if "namespace" in inspect.signature(mcp.mount).parameters else "prefix"
    mount: Any = mcp.mount
    mount(inner, **{name: "inner"})
    return mcp


@pytest.fixture
def served(issuer: Issuer) -> Iterator[Connection]:
    with serving(
        lambda base_url: server(provider(issuer, base_url, scope_hierarchy=HIERARCHY)).http_app()
    ) as connection:
        yield connection


def test_a_tools_scope_is_demanded_before_it_is_called(issuer: Issuer, served: Connection) -> None:
    narrow = issuer.token(resource(served))
    assert text(served.call(narrow, "read")).startswith("read by ")
    answer = served.call(narrow, "write")
    assert answer.status == 403
    assert answer.challenge.startswith('Bearer error="insufficient_scope"')
    assert answer.challenge.endswith(f'scope="mcp:read {WRITE}", {metadata(served)}')
    wide = issuer.token(resource(served), scope=f"mcp:read {WRITE}")
    assert text(served.call(wide, "write", {"text": "é"})) == "wrote é"


def test_all_scopes_are_named_at_once(issuer: Issuer, served: Connection) -> None:
    answer = served.call(issuer.token(resource(served)), "administer")
    assert answer.status == 403
    assert f'scope="mcp:read mcp:admin {WRITE}"' in answer.challenge


def test_a_hierarchy_holds(issuer: Issuer, served: Connection) -> None:
    assert text(served.call(issuer.token(resource(served), scope="mcp:all"), "write")) == "wrote nothing"


def test_tools_of_mounted_servers(issuer: Issuer, served: Connection) -> None:
    assert served.call(issuer.token(resource(served)), "inner_write_inside").status == 403
    wide = issuer.token(resource(served), scope=f"mcp:read {WRITE}")
    assert text(served.call(wide, "inner_write_inside")) == "wrote inside"


def test_each_request_is_judged_by_its_own_token(issuer: Issuer, served: Connection) -> None:
    wide = issuer.token(resource(served), scope=f"mcp:read {WRITE}")
    assert served.call(wide, "write", then=issuer.token(resource(served))).status == 403
    assert text(served.call(issuer.token(resource(served)), "write", then=wide)) == "wrote nothing"


def test_what_cannot_be_read_in_the_request_fails_in_the_tool(issuer: Issuer, served: Connection) -> None:
    narrow = issuer.token(resource(served))
    long = served.call(narrow, "write", {"text": "x" * (5 * 2**20)})
    # The SDK of some FastMCPs takes no request as long as that.
    assert long.status == 413 or result(long)["isError"]
    assert "wrote" not in long.body.decode()


def test_hostile_bodies_reach_no_guarded_tool(issuer: Issuer, served: Connection) -> None:
    narrow = issuer.token(resource(served))
    session = served.begin(narrow).headers["mcp-session-id"]
    write = json.dumps(call("write"))
    names = json.dumps(call("read")).replace('"name": "read"', '"name": "read", "name": "write"')
    for body in (
        b"",
        b"[" * 100_000,
        b"\xff\xfe",
        write.encode("utf-16"),
        b"null",
        b"[null, 1, [], {}]",
        json.dumps({"method": "tools/call", "params": []}).encode(),
        json.dumps({"method": ["tools/call"], "params": {"name": "write"}}).encode(),
        json.dumps(call("write") | {"params": {"name": ["write"]}}).encode(),
        json.dumps([call("read"), call("write")]).encode(),
        json.dumps([call(f"tool{number}") for number in range(1000)] + [call("write")]).encode(),
        names.encode(),
        write.replace("write", "\\u0077rite").encode(),
        write.replace("tools/call", "tools\\/call").encode(),
        b"\xef\xbb\xbf" + write.encode(),
        write[:-1].encode(),
        write.encode() + b"\0",
    ):
        answer = served.mcp(narrow, body, session=session)
        assert answer.status in (200, 202, 400, 403, 422, 500), body[:80]
        assert b"wrote" not in answer.body, body[:80]
    assert served.mcp(narrow, [call("read"), call("write")], session=session).status == 403
    assert text(served.call(narrow, "read")).startswith("read by ")


def test_without_a_token_a_guarded_tool_fails() -> None:
    async def ask() -> str:
        async with Client(server(None)) as client:
            try:
                return str(await client.call_tool("write", {}))
            except Exception as error:
                return str(error)

    assert WRITE in asyncio.run(ask())
    assert "wrote" not in asyncio.run(ask())


def test_as_fastmcps_own_auth_check(issuer: Issuer) -> None:
    if "auth" not in inspect.signature(FastMCP.tool).parameters:
        pytest.skip("FastMCP has checks of its own from 3 on")

    def make(base_url: str) -> Any:
        mcp: FastMCP[Any] = FastMCP("checked", auth=provider(issuer, base_url, scope_hierarchy=HIERARCHY))

        @mcp.tool(auth=require_scopes(WRITE))
        def write() -> str:
            return "wrote"

        return mcp.http_app()

    with serving(make) as served:
        answer = served.call(issuer.token(resource(served)), "write")
        assert answer.status == 403
        assert f'scope="mcp:read {WRITE}"' in answer.challenge
        assert text(served.call(issuer.token(resource(served), scope="mcp:all"), "write")) == "wrote"
        listing = {"jsonrpc": "2.0", "id": 3, "method": "tools/list"}
        for scope, listed in (("mcp:read", False), ("mcp:all", True)):
            token = issuer.token(resource(served), scope=scope)
            session = served.begin(token).headers["mcp-session-id"]
            assert (b'"write"' in served.mcp(token, listing, session=session).body) is listed


def test_mistakes_show_while_the_server_is_made() -> None:
    with pytest.raises(TypeError, match="at least one"):
        require_scopes()
    with pytest.raises(MisuseError):
        require_scopes("two words")
    mcp: FastMCP[Any] = FastMCP("mistaken")
    with pytest.raises(TypeError, match="below @mcp"):

        @require_scopes(WRITE)
        @mcp.tool
        def write() -> str:
            return "wrote"
