"""What of an ASGI scope reaches the library, and how its answers are sent."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from asgi_calls import call, http_scope, websocket_scope
from authkit_verifier import Response, _asgi
from cases import RESOURCE, good_verifier

if TYPE_CHECKING:
    from authkit_verifier._asgi import Receive, Scope, Send

REFUSAL = Response(401, (("www-authenticate", "Bearer"),), b'{"error":"x"}')


async def refusing(scope: Scope, receive: Receive, send: Send) -> None:
    await _asgi.send_response(REFUSAL, scope, receive, send, [("access-control-allow-origin", "*")])


async def documents(scope: Scope, receive: Receive, send: Send) -> None:
    response = await _asgi.well_known(good_verifier(), scope)
    await _asgi.send_response(response or Response(404, (), b""), scope, receive, send)


def test_the_authorization_header_is_handed_on_as_it_came() -> None:
    assert _asgi.authorization(http_scope("/", "GET")) is None
    assert _asgi.authorization(http_scope("/", "GET", "")) == b""
    assert _asgi.authorization(http_scope("/", "GET", "Bearer a ")) == b"Bearer a "
    assert _asgi.authorization(http_scope("/", "GET", "Bearer a", "Bearer b")) == b"Bearer a, Bearer b"
    unruly: Scope = {"headers": [(b"AUTHORIZATION", b"Bearer \xff")]}
    assert _asgi.authorization(unruly) == b"Bearer \xff"
    assert _asgi.query(http_scope(query_string=b"access_token=%41")) == b"access_token=%41"
    assert _asgi.query(http_scope()) == b""


@pytest.mark.parametrize(
    ("path", "more", "paths"),
    [
        ("/a b", {}, [b"/a%20b"]),
        ("/a b", {"raw_path": b"/a%20b?x"}, [b"/a%20b"]),
        ("/é", {"raw_path": None}, [b"/%C3%A9"]),
        ("/\udcff", {}, [b"/%3F"]),
        ("/api/x", {"root_path": "/api"}, [b"/api/x", b"/x"]),
        ("/api/x", {"root_path": "/api/", "raw_path": b"/api/x"}, [b"/api/x", b"/x"]),
        ("/x", {"root_path": "/api"}, [b"/x"]),
        ("/apix", {"root_path": "/api"}, [b"/apix"]),
    ],
)
def test_a_mounted_application_is_asked_by_two_paths(
    path: str, more: dict[str, Any], paths: list[bytes]
) -> None:
    assert list(_asgi.target_paths(http_scope(path, **more))) == paths


@pytest.mark.parametrize(
    ("path", "root"),
    [
        ("/.well-known/oauth-protected-resource", ""),
        ("/.well-known/oauth-protected-resource/mcp", ""),
        ("/.well-known/oauth-protected-resource/mcp", "/prefix"),
        ("/prefix/.well-known/oauth-protected-resource/mcp", "/prefix"),
    ],
)
def test_well_known_documents_are_found_wherever_the_application_is_mounted(path: str, root: str) -> None:
    answer = call(documents, http_scope(path, root_path=root))
    assert answer.status == 200
    assert json.loads(answer.body)["resource"] == RESOURCE
    assert answer.headers["content-length"] == str(len(answer.body))
    head = call(documents, http_scope(path, "HEAD", root_path=root))
    assert (head.status, head.body) == (200, b"")
    assert head.headers.get("content-length") != "0"
    preflight = call(documents, http_scope(path, "OPTIONS", root_path=root))
    assert (preflight.status, preflight.body) == (204, b"")
    assert "content-length" not in preflight.headers
    assert call(documents, http_scope(path, "POST", root_path=root)).headers["content-length"] == "0"
    assert asyncio.run(_asgi.well_known(good_verifier(), websocket_scope(path))) is None


def test_other_paths_are_the_applications() -> None:
    assert call(documents, http_scope("/mcp")).status == 404
    assert call(documents, http_scope("/prefix/.well-known/oauth-protected-resource")).status == 404


def test_an_answer_is_sent_whole_and_to_a_head_request_without_its_body() -> None:
    answer = call(refusing, http_scope())
    assert answer.types == ["http.response.start", "http.response.body"]
    assert (answer.status, answer.body) == (401, REFUSAL.body)
    assert answer.headers == {
        "www-authenticate": "Bearer",
        "access-control-allow-origin": "*",
        "content-length": str(len(REFUSAL.body)),
    }
    head = call(refusing, http_scope("/mcp", "HEAD"))
    assert (head.headers, head.body) == (answer.headers, b"")


def test_a_websocket_is_refused_before_it_is_accepted() -> None:
    told = call(refusing, websocket_scope(extensions={"websocket.http.response": {}}))
    assert told.types == ["websocket.http.response.start", "websocket.http.response.body"]
    assert (told.status, told.body) == (401, REFUSAL.body)
    assert told.headers["www-authenticate"] == "Bearer"
    closed = call(refusing, websocket_scope())
    assert closed.messages == [{"type": "websocket.close", "code": 1008}]
    assert call(refusing, websocket_scope(), {"type": "websocket.disconnect"}).messages == []
