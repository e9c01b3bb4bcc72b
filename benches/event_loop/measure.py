"""Measures how a cold server's event loop fares while the JWKS server takes 3 s to answer.

Run it with `make bench-event-loop`. For asyncio and for Node it starts a server in a process of its own and
lets it be idle for 3 s, then sends it 200 requests within a second that all need the keys, and then, for
comparison, 200 more that find them there. Each phase's longest gap between two turns of the loop is the
server's own count; the gap of the idle phase is what the machine does to any program.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from cases import good_token
from jwks_server import JwksServer

HERE = Path(__file__).parent
SERVERS = {"asyncio": [sys.executable, HERE / "server.py"], "Node": ["node", HERE / "server.mjs"]}
REQUESTS = 200
JWKS_SECONDS = 3.0
RUNS = 3


async def ask(socket: Path, path: str, token: str = "") -> tuple[int, bytes, float]:
    """Status and body of a request's answer, and when it came."""
    reader, writer = await asyncio.open_unix_connection(socket)
    head = ["Host: localhost", "Connection: close", f"Authorization: Bearer {token}"]
    writer.write("\r\n".join([f"GET {path} HTTP/1.1", *head, "", ""]).encode())
    answer = await reader.read()
    writer.close()
    return int(answer.split()[1]), answer.partition(b"\r\n\r\n")[2], time.monotonic()


async def gap(socket: Path) -> float:
    """The longest gap since the last call, in ms."""
    _, body, _ = await ask(socket, "/gap")
    # Node's server speaks in chunks where it was not told the length; the number is a line of its own.
    return max(float(line) for line in body.split() if b"." in line)


async def storm(socket: Path) -> float:
    """Sends the requests within a second; when the last was answered."""
    asking = []
    for _ in range(REQUESTS):
        asking.append(asyncio.ensure_future(ask(socket, "/", good_token())))
        await asyncio.sleep(1 / REQUESTS)
    answers = await asyncio.gather(*asking)
    assert {status for status, _, _ in answers} == {200}
    return max(when for _, _, when in answers)


async def measure(name: str, socket: Path, jwks: JwksServer) -> None:
    """Takes a server that has just started through the phases, and prints its row."""
    await asyncio.sleep(0.5)  # what a program does as it starts is no part of it
    await gap(socket)
    await asyncio.sleep(JWKS_SECONDS)
    idle = await gap(socket)
    late = await storm(socket) - jwks.answered_at
    cold = await gap(socket)
    await storm(socket)
    warm = await gap(socket)
    print(f"| {name} | {idle:.1f} | {warm:.1f} | {cold:.1f} | {1000 * late:.0f} | {jwks.gets} |", flush=True)


def run(name: str) -> None:
    """Starts a server and measures it."""
    with tempfile.TemporaryDirectory() as directory, JwksServer() as jwks:
        jwks.delay = JWKS_SECONDS
        socket = Path(directory) / "socket"
        command = [*SERVERS[name], socket, json.dumps(jwks.settings())]
        with subprocess.Popen(command) as server:
            try:
                while not socket.exists():
                    time.sleep(0.01)
                asyncio.run(asyncio.wait_for(measure(name, socket, jwks), 60))
            finally:
                server.kill()


print(f"{REQUESTS} requests; the JWKS server takes {JWKS_SECONDS:.0f} s; longest gaps of the loop in ms\n")
print("| server | idle | keys there | cold | last answer after the keys, ms | requests for keys |")
print("|---|---:|---:|---:|---:|---:|")
for _ in range(RUNS):
    for server in SERVERS:
        run(server)
