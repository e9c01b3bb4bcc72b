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
    uvicorn.Server(uvicorn.Config(sys.argv[1], log_level="warning")).run(sockets=[listening])


if __name__ == "__main__":
    main()
