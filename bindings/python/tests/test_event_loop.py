"""A cold asyncio server while the JWKS server takes its time: the loop turns, and who waits is answered."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from authkit_verifier import AuthKitError
from cases import good_token
from jwks_server import PATIENCE, JwksServer

if TYPE_CHECKING:
    from authkit_verifier import Verifier

REQUESTS = 200
JWKS_SECONDS = 3.0


class Gaps:
    """The longest time in which the running event loop came to nothing else, in seconds."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._loop = asyncio.get_running_loop()
        self._last = time.perf_counter()
        self._tick()

    def _tick(self) -> None:
        now = time.perf_counter()
        self.longest = max(self.longest, now - self._last)
        self._last = now
        self._next = self._loop.call_later(0.001, self._tick)

    def close(self) -> None:
        self._next.cancel()


class Server:
    """An HTTP server, as far as it takes: one request per connection, its verdict's status for an answer."""

    def __init__(self, verifier: Verifier) -> None:
        self._verifier = verifier

    async def start(self) -> asyncio.Server:
        return await asyncio.start_server(self._answer, "127.0.0.1", 0, backlog=REQUESTS)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        status = 200
        try:
            await self._verifier.verify_async(head.split(b"Bearer ")[1].split(b"\r\n")[0])
        except AuthKitError as refusal:
            status = refusal.http_status
        writer.write(f"HTTP/1.1 {status} Verdict\r\nContent-Length: 0\r\n\r\n".encode())
        writer.close()


async def ask(server: asyncio.Server, token: str) -> tuple[int, float]:
    """The status that a request with this token gets, and when."""
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(f"GET /mcp HTTP/1.1\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    return int(answer.split()[1]), time.monotonic()


def test_a_cold_server_answers_two_hundred_requests_right_after_the_keys_have_come(
    server: JwksServer,
) -> None:
    server.delay = JWKS_SECONDS

    async def main() -> None:
        with server.verifier() as verifier:
            async with await Server(verifier).start() as http:
                gaps = Gaps()
                answers = await asyncio.gather(*[ask(http, good_token()) for _ in range(REQUESTS)])
                gaps.close()
                assert {status for status, _ in answers} == {200}
                assert server.gets == 1
                # Nobody's answer came before the keys, and the last one came soon after them.
                delays = [when - server.answered_at for _, when in answers]
                assert min(delays) > 0
                assert max(delays) < JWKS_SECONDS / 3
                # A wait on the loop would be a gap of nearly JWKS_SECONDS. What a quiet machine shows, a
                # hundredth of that, is measured by benches/event_loop.
                assert gaps.longest < JWKS_SECONDS / 6

    asyncio.run(asyncio.wait_for(main(), PATIENCE))
