"""What requests need: hostile spellings of paths and bodies open nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from authkit_verifier import MisuseError, _demands
from cases import good_verifier

PUBLIC = ["/health", "/static/*"]
PATHS = {"/admin": ("admin",), "/admin/keys": ("keys",), "/files/": ("files",)}
TOOLS = {"write": ("files:write", "files:read"), "read": ("files:read",)}
ALL_PATHS = ("admin", "keys", "files")
ALL_TOOLS = ("files:write", "files:read")


@pytest.mark.parametrize(
    ("path", "public"),
    [
        ("/health", True),
        ("/static/logo.svg", True),
        ("/static/a/b", True),
        ("/static/", True),
        ("/static", False),
        ("/health/", False),
        ("/healthy", False),
        ("/HEALTH", False),
        ("//health", False),
        ("/static/../mcp", False),
        ("/static/..", False),
        ("/static/./x", False),
        ("/static//x", False),
        ("/static/..\\mcp", False),
        ("health", False),
        ("", False),
        ("/", False),
        ("/mcp", False),
    ],
)
def test_a_path_is_public_only_as_it_is_named(path: str, public: bool) -> None:
    assert _demands.is_public(path, PUBLIC) is public


@pytest.mark.parametrize(
    ("path", "scopes"),
    [
        ("/", ()),
        ("/mcp", ()),
        ("/administrator", ()),
        ("/admin", ("admin",)),
        ("/admin/", ("admin",)),
        ("/admin/users", ("admin",)),
        ("/admin/keys/1", ("admin", "keys")),
        ("/files", ("files",)),
        ("/files/x", ("files",)),
        ("/x/../admin", ALL_PATHS),
        ("//admin", ALL_PATHS),
        ("/x/..", ALL_PATHS),
        ("\\admin", ALL_PATHS),
        ("admin", ALL_PATHS),
        ("", ALL_PATHS),
    ],
)
def test_a_path_needs_the_scopes_of_all_that_it_lies_below(path: str, scopes: tuple[str, ...]) -> None:
    assert _demands.of_path(path, PATHS) == scopes


def call_of(name: Any, method: str = "tools/call") -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": {"name": name, "arguments": {}}}


@pytest.mark.parametrize(
    ("message", "scopes"),
    [
        (call_of("read"), ("files:read",)),
        (call_of("write"), ("files:write", "files:read")),
        (call_of("other"), ()),
        (call_of("write", "prompts/get"), ()),
        ([call_of("other"), call_of("read")], ("files:read",)),
        ([call_of("read"), call_of("write")], ("files:read", "files:write")),
        ({"jsonrpc": "2.0", "id": 1, "result": {}}, ()),
        ([], ()),
        # What no parser takes for a call is taken for any.
        (call_of(["read"]), ALL_TOOLS),
        ({"method": "tools/call"}, ALL_TOOLS),
        ({"method": "tools/call", "params": None}, ALL_TOOLS),
        ([[call_of("read")]], ALL_TOOLS),
        ("tools/call", ALL_TOOLS),
        (None, ALL_TOOLS),
    ],
)
def test_a_call_needs_the_scopes_of_its_tool(message: Any, scopes: tuple[str, ...]) -> None:
    assert _demands.of_tools(json.dumps(message).encode(), TOOLS) == scopes
    assert _demands.of_tools(json.dumps(message).encode("utf-16"), TOOLS) == scopes


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"\xff\xfe\xfd",
        b"\x1f\x8b\x08compressed",
        b'{"method": "ping", "method": "tools/call", "params": {"name": "write"}}',
        b'{"method": "tools/call", "params": {"name": "other", "name": "write"}}',
        b'{"method": "tools/call", "params": {"name": "other", "n\\u0061me": "write"}}',
        b"[" * 100_000,
        b'{"id": ' + b"9" * 5000 + b', "method": "ping"}',
    ],
)
def test_a_body_that_cannot_be_read_or_in_two_ways_needs_everything(body: bytes) -> None:
    assert _demands.of_tools(body, TOOLS) == ALL_TOOLS


def test_an_escaped_name_is_the_name() -> None:
    body = b'{"method": "tools\\/call", "params": {"name": "wr\\u0069te"}}'
    assert _demands.of_tools(body, TOOLS) == TOOLS["write"]
    assert _demands.of_tools(b"", TOOLS) == ()


def test_scopes_that_are_none_are_refused_at_start() -> None:
    verifier = good_verifier()
    assert _demands.named({"a": "files:read"}, verifier) == {"a": ("files:read",)}
    with pytest.raises(MisuseError):
        _demands.named({"a": ["two words"]}, verifier)
