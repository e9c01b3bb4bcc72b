"""The soak's client in Python: `soak.py CLIENT TOKENS CONFIG LOG SECONDS FLOOD`, as soak.c has it.

A client whose name begins with `asyncio` has four loops on one event loop, which await their verdicts, in
place of four threads.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from authkit_verifier import AuthKitError, Verifier

THREADS = 4
TICK = 0.1


@dataclass
class Client:
    """What the threads share."""

    name: str
    tokens: int
    verifier: Verifier
    end: float
    flood: int
    log: list[str] = field(default_factory=list)

    @contextmanager
    def noted(self, kind: str, key: str) -> Generator[None]:
        """Writes a line of the log for the verdict within."""
        began = time.time()
        verdict = "200 OK -1"
        try:
            yield
        except AuthKitError as error:
            retry_after = -1 if error.retry_after is None else error.retry_after
            verdict = f"{error.http_status} {error.code} {retry_after}"
        self.log.append(f"{began:.6f} {time.time():.6f} {kind} {key} {verdict}\n")

    def run(self) -> None:
        """One thread: a batch in each tick."""
        with socket.create_connection(("127.0.0.1", self.tokens)) as connection:
            issuer = connection.makefile("rw")
            while (began := time.time()) < self.end:
                issuer.write(f"{self.name} {self.flood}\n")
                issuer.flush()
                for line in iter(issuer.readline, ".\n"):
                    kind, key, token = line.split()
                    with self.noted(kind, key):
                        self.verifier.verify(token)
                time.sleep(max(0, began + TICK - time.time()))

    async def loop(self) -> None:
        """The same on an event loop."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.tokens)
        while (began := time.time()) < self.end:
            writer.write(f"{self.name} {self.flood}\n".encode())
            while (line := (await reader.readline()).decode()) != ".\n":
                kind, key, token = line.split()
                with self.noted(kind, key):
                    await self.verifier.verify_async(token)
            await asyncio.sleep(max(0, began + TICK - time.time()))
        writer.close()

    async def loops(self) -> None:
        """All of them."""
        await asyncio.gather(*(self.loop() for _ in range(THREADS)))


def main() -> None:
    """Says that it is ready, and runs when it is told to."""
    name, tokens, config, path, seconds, flood = sys.argv[1:]
    verifier = Verifier(**json.loads(config))
    print("ready", flush=True)
    if not sys.stdin.readline():
        sys.exit("nobody said go")
    client = Client(name, int(tokens), verifier, time.time() + float(seconds), int(flood))
    if name.startswith("asyncio"):
        asyncio.run(client.loops())
    else:
        threads = [threading.Thread(target=client.run) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    with Path(path).open("w", encoding="ascii") as file:
        file.writelines(client.log)


main()
