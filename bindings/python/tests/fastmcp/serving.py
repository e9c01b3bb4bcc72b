"""Applications served over real HTTP on this machine, and requests to them as they are written."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import uvicorn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATIENCE = 60
ACCEPTED = "application/json, text/event-stream"


@dataclass
class Answer:
    """An HTTP response, its header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def challenge(self) -> str:
        return self.headers["www-authenticate"]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Connection:
    """Requests to one server."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url

    def send(
        self,
        method: str,
        path: str,
        headers: dict[str, str] | list[tuple[str, str]] | None = None,
        body: bytes = b"",
    ) -> Answer:
        lines = list(headers.items()) if isinstance(headers, dict) else (headers or [])
        address = urlsplit(self.base_url).netloc
        with contextlib.closing(http.client.HTTPConnection(address, timeout=PATIENCE)) as connection:
            connection.putrequest(method, path)
            for name, value in lines:
                connection.putheader(name, value)
            if body:
                connection.putheader("content-length", str(len(body)))
            connection.endheaders(body or None)
            response = connection.getresponse()
            told = {name.lower(): value for name, value in response.getheaders()}
            # A stream that the server keeps open is not waited for.
            streams = method == "GET" and "event-stream" in told.get("content-type", "")
            return Answer(response.status, told, b"" if streams else response.read())

    def mcp(
        self, token: str | None, message: Any, path: str = "/mcp", session: str | None = None, **headers: str
    ) -> Answer:
        """Posts a JSON-RPC message, or a body as it is."""
        lines = {"accept": ACCEPTED, "content-type": "application/json"} | headers
        if token is not None:
            lines["authorization"] = f"Bearer {token}"
        if session is not None:
            lines["mcp-session-id"] = session
        body = message if isinstance(message, bytes) else json.dumps(message).encode()
        return self.send("POST", path, lines, body)

    def begin(self, token: str | None, path: str = "/mcp", **headers: str) -> Answer:
        """Posts the request that begins a session."""
        return self.mcp(token, INITIALIZE, path, **headers)

    def call(
        self, token: str, tool: str, arguments: Any = None, *, then: str | None = None, path: str = "/mcp"
    ) -> Answer:
        """Calls a tool in a session of its own; with the token `then` in place of the one that began it."""
        begun = self.begin(token, path)
        assert begun.status == 200, begun
        session = begun.headers["mcp-session-id"]
        self.mcp(token, {"jsonrpc": "2.0", "method": "notifications/initialized"}, path, session)
        return self.mcp(then or token, call(tool, arguments), path, session)


INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}


def call(tool: str, arguments: Any = None) -> dict[str, Any]:
    """A message that calls a tool."""
    params = {"name": tool, "arguments": arguments or {}}
    return {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": params}


def result(answer: Answer) -> Any:
    """The result of a call, out of the stream that carries it."""
    assert answer.status == 200, answer
    (line,) = [line for line in answer.body.decode().splitlines() if line.startswith("data: {")]
    return json.loads(line.removeprefix("data: "))["result"]


def text(answer: Answer) -> str:
    """What a tool returned, as text."""
    content = result(answer)["content"]
    told: str = content[0]["text"]
    return told


@contextlib.contextmanager
def serving(make: Callable[[str], Any]) -> Iterator[Connection]:
    """Serves the ASGI application that is made for a base URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        config = uvicorn.Config(make(base_url), log_level="error", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            wait_for(lambda: server.started or not thread.is_alive())
            assert server.started, "the application did not start"
            yield Connection(base_url)
        finally:
            server.should_exit = True
            thread.join(PATIENCE)


def wait_for(condition: Callable[[], Any]) -> None:
    """Waits until it is so."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.01)
