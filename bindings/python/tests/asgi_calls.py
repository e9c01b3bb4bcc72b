"""One connection after another through an ASGI application, without a server: what it was sent, and when."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from authkit_verifier._asgi import ASGIApp, Message, Scope

# Far beyond what any test takes: ends a test that hangs.
PATIENCE = 30


@dataclass
class Answer:
    """What an application sent."""

    messages: list[Message] = field(default_factory=list)

    @property
    def types(self) -> list[str]:
        return [message["type"] for message in self.messages]

    @property
    def status(self) -> int:
        return int(self.messages[0]["status"])

    @property
    def headers(self) -> dict[str, str]:
        return {name.decode(): value.decode() for name, value in self.messages[0]["headers"]}

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.messages[1:])


def http_scope(path: str = "/mcp", method: str = "GET", *lines: str, **more: Any) -> Scope:
    """A request; the lines are its Authorization headers."""
    headers = [(b"host", b"localhost"), *((b"authorization", line.encode()) for line in lines)]
    return {"type": "http", "method": method, "path": path, "headers": headers, **more}


def websocket_scope(path: str = "/mcp", *lines: str, **more: Any) -> Scope:
    scope = http_scope(path, "GET", *lines, **more)
    del scope["method"]
    scope["type"] = "websocket"
    return scope


def call(app: ASGIApp, scope: Scope, *received: Message) -> Answer:
    answer = Answer()
    first = "websocket.connect" if scope["type"] == "websocket" else "http.request"
    left = iter(received or [{"type": first}])

    async def receive() -> Message:
        message = next(left, None)
        if message is None:
            # Nothing more comes, and the client stays.
            await asyncio.get_running_loop().create_future()
            raise AssertionError
        return message

    async def send(message: Message) -> None:
        answer.messages.append(message)

    async def run() -> None:
        await asyncio.wait_for(app(scope, receive, send), PATIENCE)

    asyncio.run(run())
    return answer
