"""A stock FastMCP server behind AuthKitProvider: `server.py ISSUER`; prints its base URL, ends with its stdin."""

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
app = FastMCP("stock", auth=auth).http_app()
print(base_url, flush=True)
uvicorn.Server(uvicorn.Config(app, log_level="critical")).run(sockets=[listener])
