"""An asyncio server whose loop is watched: `server.py SOCKET SETTINGS`. Its paths are measure.py's."""

from __future__ import annotations

import asyncio
import json
import sys
import time

from authkit_verifier import AuthKitError, Verifier


class Gaps:
    """The longest time between two turns of the running loop since it was last asked for, in seconds."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._last = time.perf_counter()
        self._longest = 0.0
        self._tick()

    def _tick(self) -> None:
        now = time.perf_counter()
        self._longest = max(self._longest, now - self._last)
        self._last = now
        self._loop.call_later(0.001, self._tick)

    def take(self) -> float:
        """The gap, and begins anew."""
        longest, self._longest = self._longest, 0.0
        return longest


async def main() -> None:
    """Serves until killed."""
    verifier = Verifier(**json.loads(sys.argv[2]))
    gaps = Gaps()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        status, body = 200, b""
        if head.startswith(b"GET /gap "):
            body = str(1000 * gaps.take()).encode()
        else:
            try:
                await verifier.verify_async(head.split(b"Bearer ")[1].split(b"\r\n")[0])
            except AuthKitError as refusal:
                status = refusal.http_status
        writer.write(f"HTTP/1.1 {status} Verdict\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        writer.close()

    async with await asyncio.start_unix_server(answer, sys.argv[1], backlog=1000) as server:
        await server.serve_forever()


asyncio.run(main())
