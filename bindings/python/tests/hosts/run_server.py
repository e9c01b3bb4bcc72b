"""Serves an ASGI application over a socket that a test listens on: `run_server.py MODULE:NAME DESCRIPTOR`."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import uvicorn


def main() -> None:
    # As `python -m uvicorn` has it, unlike a script.
    sys.path[0] = str(Path.cwd())
    listening = socket.socket(fileno=int(sys.argv[2]))
    # Streams that clients keep open are cut off, as a deployment does it.
    config = uvicorn.Config(sys.argv[1], log_level="warning", timeout_graceful_shutdown=5)
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
