"""A stock FastMCP server: `server.py ISSUER [sse|open]`; prints its base URL, ends with its stdin.

Behind AuthKitProvider, unless it is to be open.
"""

import os
import socket
import sys
import threading

import uvicorn
from fastmcp import FastMCP
from fastmcp.server.auth.providers.workos import AuthKitProvider


def end_with_stdin() -> None:
    sys.stdin.read()
    os._exit(0)


threading.Thread(target=end_with_stdin, daemon=True).start()
listener = socket.create_server(("127.0.0.1", 0))
base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
auth = AuthKitProvider(authkit_domain=sys.argv[1], base_url=base_url, required_scopes=["mcp:read"])
kind = sys.argv[2] if len(sys.argv) > 2 else ""
stock = FastMCP("stock", auth=None if kind == "open" else auth)
app = stock.http_app(transport="sse" if kind == "sse" else "http")
print(base_url, flush=True)
uvicorn.Server(uvicorn.Config(app, log_level="critical")).run(sockets=[listener])
