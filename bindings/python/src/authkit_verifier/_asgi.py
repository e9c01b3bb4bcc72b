"""ASGI's side of a request: a scope read for the library, and the library's answers sent. Decides nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from ._response import Response
    from ._verifier import Verifier

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

# The part that the path of every well-known document has.
WELL_KNOWN = b"/.well-known/"
# RFC 6455 section 7.4.1: closed by policy.
POLICY_VIOLATION = 1008
# Of a body that is looked through for calls of tools; of a longer one nothing is known.
_LONGEST_BODY = 4 * 2**20


def authorization(scope: Scope) -> bytes | None:
    """The Authorization header as it came, None where there is none; several lines joined, to be refused."""
    lines = [value for name, value in scope["headers"] if name.lower() == b"authorization"]
    return b", ".join(lines) if lines else None


def query(scope: Scope) -> bytes:
    """The query of the request's target, still encoded."""
    octets: bytes = scope.get("query_string", b"")
    return octets


def target_paths(scope: Scope) -> Iterable[bytes]:
    """The path of the request's target, still encoded; then, in a mounted application, the part below it.

    A host's `root_path` is a proxy's prefix or a mount, and stands in the path or does not. For places that
    are open to all, either reading is right.
    """
    path = (scope.get("raw_path") or _quoted(scope["path"])).partition(b"?")[0]
    root = _quoted(scope.get("root_path", "")).rstrip(b"/")
    yield path
    if root and path.startswith(root + b"/"):
        yield path.removeprefix(root)


def paths(scope: Scope) -> tuple[bytes | None, bytes, bytes]:
    """The raw path (if the server gives it), the path as routers see it, and the prefix that they strip."""
    return scope.get("raw_path"), _octets(scope["path"]), _octets(scope.get("root_path", ""))


def _octets(text: str) -> bytes:
    # Bytes that are not UTF-8 stay unchanged: the library must see them.
    return text.encode("utf-8", "surrogatepass")


def _quoted(path: str) -> bytes:
    # For servers without raw_path, which the ASGI specification leaves to their choice.
    return quote(path, safe="/!$&'()*+,;=:@~", errors="replace").encode()


async def well_known(verifier: Verifier, scope: Scope) -> Response | None:
    """The answer to a request for a well-known document; None where it asks for something else."""
    if scope["type"] != "http":
        return None
    for path in target_paths(scope):
        if WELL_KNOWN not in path:
            # RFC 8615: none of the library's documents lies elsewhere, and most requests are for no document.
            continue
        response = await verifier.well_known_async(scope["method"], path)
        if response is not None:
            return response
    return None


async def send_response(
    response: Response,
    scope: Scope,
    receive: Receive,
    send: Send,
    more_headers: Iterable[tuple[str, str]] = (),
) -> None:
    """Sends a response in place of the application's; to a websocket, before it was accepted."""
    headers = _headers(response, scope, more_headers)
    if scope["type"] == "websocket":
        await _refuse_websocket(response, headers, scope, receive, send)
        return
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    # RFC 9110 section 9.3.2: a HEAD request gets the headers alone.
    body = b"" if scope["method"] == "HEAD" else response.body
    await send({"type": "http.response.body", "body": body})


def _headers(response: Response, scope: Scope, more: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    headers = [(name.encode(), value.encode()) for name, value in (*response.headers, *more)]
    # RFC 9110 section 8.6: none with a 204. To a HEAD request, of which the library has left the body out
    # already, its length is not known.
    known = response.body or scope.get("method") != "HEAD"
    if known and response.status != 204:
        headers.append((b"content-length", str(len(response.body)).encode()))
    return headers


async def _refuse_websocket(
    response: Response,
    headers: list[tuple[bytes, bytes]],
    scope: Scope,
    receive: Receive,
    send: Send,
) -> None:
    if (await receive())["type"] != "websocket.connect":
        # The client has left.
        return
    if "websocket.http.response" in scope.get("extensions", {}):
        await send({"type": "websocket.http.response.start", "status": response.status, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": response.body})
    else:
        # Not yet accepted, this is an HTTP 403 on the wire.
        await send({"type": "websocket.close", "code": POLICY_VIOLATION})


async def read_body(receive: Receive) -> tuple[bytes, list[Message], bool]:
    """A request's body, the messages it came in, and whether that is all of it."""
    read: list[Message] = []
    body = bytearray()
    while True:
        message = await receive()
        read.append(message)
        if message["type"] != "http.request":
            return bytes(body), read, False
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(body), read, True
        if len(body) > _LONGEST_BODY:
            return bytes(body), read, False


def again(read: list[Message], receive: Receive) -> Receive:
    """Gives messages once more, then those that follow."""
    left = iter(read)

    async def receive_again() -> Message:
        message = next(left, None)
        return await receive() if message is None else message

    return receive_again
