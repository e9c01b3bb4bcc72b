"""One FastMCP server to measure: `server.py none|theirs|ours ISSUER` prints its port, ends with its stdin."""

from __future__ import annotations

import os
import socket
import sys
import threading
from typing import Any

import uvicorn
from authkit_verifier.fastmcp import AuthKitProvider as OurProvider
from fastmcp import FastMCP
from fastmcp.server.auth.providers.workos import AuthKitProvider as TheirProvider

# The same for all, so that one token is good everywhere.
BASE_URL = "https://bench.example"
SCOPES = ["mcp:read"]


def provider(whose: str, issuer: str) -> Any:
    """The provider to measure; None for a server that is open to all."""
    settings: dict[str, Any] = {"authkit_domain": issuer, "base_url": BASE_URL, "required_scopes": SCOPES}
    if whose == "none":
        return None
    if whose == "theirs":
        return TheirProvider(**settings)
    return OurProvider(**settings, allow_insecure_loopback=True)


def end_with_stdin() -> None:
    """Waits until who started this has gone."""
    sys.stdin.read()
    os._exit(0)


class Server(uvicorn.Server):
    """Takes a port of uvicorn's own: a socket handed to it would lack TCP_NODELAY, and answers wait 40 ms."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Says which port it is."""
        await super().startup(sockets)
        print(self.servers[0].sockets[0].getsockname()[1], flush=True)


def main() -> None:
    """Serves until the end."""
    mcp: FastMCP[Any] = FastMCP("measured", auth=provider(*sys.argv[1:3]))

    @mcp.tool
    def add(a: int, b: int) -> int:
        return a + b

    threading.Thread(target=end_with_stdin, daemon=True).start()
    app = mcp.http_app(json_response=True)
    # The clients' connections stay, however long the others take.
    Server(uvicorn.Config(app, port=0, log_level="critical", timeout_keep_alive=600)).run()


if __name__ == "__main__":
    main()
