"""What requests need: hostile spellings of paths and bodies open nothing."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest

from authkit_verifier import ConfigError, MisuseError, _demands
from cases import good_verifier

PLACES = {"/admin": ("admin",), "/admin/keys": ("keys",), "/files/": ("files",)}
TOOLS = {"write": ("files:write", "files:read"), "read": ("files:read",), "free": ()}
ALL_TOOLS = ("files:write", "files:read")


@pytest.mark.parametrize(
    ("paths", "public", "scopes"),
    [
        ((b"/health", b"/health", b""), True, ()),
        ((None, b"/health", b""), True, ()),
        ((b"/api/health", b"/api/health", b"/api"), True, ()),
        ((b"/health", b"/mcp", b""), False, ()),
        ((b"/mcp", b"/health", b""), False, ()),
        ((b"/api/health", b"/api/health", b""), False, ()),
        ((b"/mcp", b"/mcp", b""), False, ()),
        ((b"/api/Admin/x", b"/api/Admin/x", b""), False, ("admin",)),
        ((b"/files", b"/admin/keys", b""), False, ("admin", "keys", "files")),
        ((b"/mcp%0a", b"/mcp\n", b""), False, ("admin", "keys", "files")),
        ((None, b"/x/..", b""), False, ("admin", "keys", "files")),
        ((None, "/\ud800".encode("utf-8", "surrogatepass"), b""), False, ("admin", "keys", "files")),
        ((None, b"", b""), False, ("admin", "keys", "files")),
        ((None, None, None), False, ("admin", "keys", "files")),
    ],
)
def test_paths_are_judged_in_every_spelling_by_the_library(
    paths: _demands.Paths, public: bool, scopes: tuple[str, ...]
) -> None:
    assert _demands.Places(["/health", "/static/*"], PLACES, "").judge(paths) == (public, scopes)


def test_with_a_prefix_places_are_exact() -> None:
    places = _demands.Places("/health", {"/admin": "admin"}, "/api")
    for path, judged in (
        (b"/api/health", (True, ())),
        (b"/health", (True, ())),
        (b"/api/admin", (False, ("admin",))),
        (b"/admin", (False, ("admin",))),
        (b"/docs/admin", (False, ())),
    ):
        assert places.judge((path, path, b"")) == judged


@pytest.mark.parametrize(
    ("public", "required", "prefix", "word"),
    [
        (["/mcp"], {"/mcp": ["x"]}, "", "always wins"),
        (["/mcp/health"], {"/mcp": []}, "", "always wins"),
        (["/docs/admin"], {"/admin": ["x"]}, "", "always wins"),
        (["/health"], {"/": ["x"]}, "", "always wins"),
        (["/*"], {"/*": ["x"]}, "", "always wins"),
        (lambda _: True, {"/": ["x"]}, "", "always wins"),
        (["health"], {}, "", "does not begin with /"),
        ([], {"/users/{id}": ["x"]}, "", "pattern"),
        ([], {}, "api", "does not begin with /"),
    ],
)
def test_what_could_never_hold_is_refused_at_start(
    public: Any, required: Any, prefix: str, word: str
) -> None:
    with pytest.raises(ConfigError, match=word):
        _demands.Demands(public, required, prefix, good_verifier(), lambda paths: paths)


@pytest.mark.parametrize(
    ("public", "required", "expected"),
    [
        (["/health"], ["a"], (True, ("a",))),
        (["/health"], {"/x": ["a"]}, (True, ())),
        (lambda _: True, {"/x": ["a"]}, (True, ())),
        (lambda _: True, {"/health": ["a"]}, (False, ("a",))),
        (lambda _: True, ["a"], (True, ("a",))),
        (lambda _: True, lambda _: ["a"], (False, ("a",))),
        (lambda _: True, lambda _: [], (True, ())),
        (["/health"], lambda _: "a", (False, ("a",))),
        (["/*"], {"/health": []}, (False, ())),
        ([], ["a"], (False, ("a",))),
    ],
)
def test_what_demands_a_token_wins_over_public(public: Any, required: Any, expected: Any) -> None:
    demands: Any = _demands.Demands(public, required, "", good_verifier(), lambda path: (path, path, b""))
    assert demands.of(b"/health") == expected


def test_a_function_opens_no_path_that_routers_read_in_two_ways() -> None:
    def as_received(path: bytes) -> _demands.Paths:
        return path, None, b""

    demands = _demands.Demands(lambda _: True, (), "", good_verifier(), as_received)
    assert demands.of(b"/x") == (True, ())
    assert demands.of(b"/x/../y") == (False, ())


def test_a_name_that_unicode_maps_to_a_places_is_the_place() -> None:
    """Whatever normalizes or folds a path before it routes: NFKC, lower, upper, casefold."""
    for number in (*range(0x80, 0xD800), *range(0xE000, 0x20000)):
        character = chr(number)
        for form in {unicodedata.normalize("NFKC", character), character}:
            for mapped in {form, form.lower(), form.upper(), form.casefold()}:
                if mapped.isascii() and mapped.isalnum():
                    place = f"/x{mapped}y"
                    judged = _demands.Places([], {place: ["needed"]}, "").judge(
                        (None, f"/x{character}y".encode(), b"")
                    )
                    assert judged == (False, ("needed",)), (hex(number), mapped)
                elif any(structural in mapped for structural in "./\\%?#;"):
                    judged = _demands.Places(["/*"], {"/other": ["needed"]}, "").judge(
                        (None, f"/x{character}y".encode(), b"")
                    )
                    assert judged == (False, ("needed",)), (hex(number), mapped)


def call_of(name: Any, method: str = "tools/call") -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": {"name": name, "arguments": {}}}


@pytest.mark.parametrize(
    ("message", "scopes"),
    [
        (call_of("read"), ("files:read",)),
        (call_of("write"), ("files:write", "files:read")),
        (call_of("other"), None),
        (call_of("free"), ()),
        (call_of("write", "prompts/get"), None),
        ([call_of("other"), call_of("read")], ("files:read",)),
        ([call_of("read"), call_of("write")], ("files:read", "files:write")),
        ({"jsonrpc": "2.0", "id": 1, "result": {}}, None),
        ([], None),
        # What no parser takes for a call is taken for any.
        (call_of(["read"]), ALL_TOOLS),
        ({"method": "tools/call"}, ALL_TOOLS),
        ({"method": "tools/call", "params": None}, ALL_TOOLS),
        ([[call_of("read")]], ALL_TOOLS),
        ("tools/call", ALL_TOOLS),
        (None, ALL_TOOLS),
    ],
)
def test_a_call_needs_the_scopes_of_its_tool(message: Any, scopes: tuple[str, ...] | None) -> None:
    assert _demands.of_tools(json.dumps(message).encode(), TOOLS).scopes == scopes
    assert _demands.of_tools(json.dumps(message).encode("utf-16"), TOOLS).scopes == scopes


def test_the_log_names_a_tool_if_it_is_the_only_one_with_scopes() -> None:
    for message, name in (
        (call_of("write"), "write"),
        ([call_of("other"), call_of("write"), call_of("write")], "write"),
        ([call_of("read"), call_of("write")], None),
        (call_of("other"), None),
        (None, None),
    ):
        assert _demands.of_tools(json.dumps(message).encode(), TOOLS).name == name


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
    assert _demands.of_tools(body, TOOLS).scopes == ALL_TOOLS


def test_an_escaped_name_is_the_name() -> None:
    body = b'{"method": "tools\\/call", "params": {"name": "wr\\u0069te"}}'
    assert _demands.of_tools(body, TOOLS).scopes == TOOLS["write"]
    assert _demands.of_tools(b"", TOOLS).scopes is None


def test_scopes_that_are_none_are_refused_at_start() -> None:
    verifier = good_verifier()
    assert _demands.named({"a": "files:read"}, verifier) == {"a": ("files:read",)}
    with pytest.raises(MisuseError):
        _demands.named({"a": ["two words"]}, verifier)
