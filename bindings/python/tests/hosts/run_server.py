"""Serves an ASGI application over a socket that the test listens on: `run_server.py FILE:NAME FILE_DESCRIPTOR`."""

from __future__ import annotations

import runpy
import socket
import sys

import uvicorn


def main() -> None:
    file, _, name = sys.argv[1].rpartition(":")
    app = runpy.run_path(file)[name]
    listening = socket.socket(fileno=int(sys.argv[2]))
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listening])


if __name__ == "__main__":
    main()
