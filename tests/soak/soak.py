"""The soak's client in Python: `soak.py CLIENT TOKENS CONFIG LOG SECONDS FLOOD`, as soak.c has it."""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from pathlib import Path

from authkit_verifier import AuthKitError, Verifier

THREADS = 4
TICK = 0.1


def verify(verifier: Verifier, kind: str, key: str, token: str) -> str:
    """The log's line of one verdict."""
    began = time.time()
    try:
        verifier.verify(token)
        ended = time.time()
        verdict = "200 OK -1"
    except AuthKitError as error:
        ended = time.time()
        verdict = f"{error.http_status} {error.code} {-1 if error.retry_after is None else error.retry_after}"
    return f"{began:.6f} {ended:.6f} {kind} {key} {verdict}\n"


def run(verifier: Verifier, client: str, tokens: int, log: list[str], end: float, flood: int) -> None:
    """One thread: a batch in each tick."""
    with socket.create_connection(("127.0.0.1", tokens)) as connection, connection.makefile("rw") as issuer:
        while (began := time.time()) < end:
            issuer.write(f"{client} {flood}\n")
            issuer.flush()
            for line in iter(issuer.readline, ".\n"):
                log.append(verify(verifier, *line.split()))
            time.sleep(max(0, began + TICK - time.time()))


def main() -> None:
    """Says that it is ready, and runs when it is told to."""
    client, tokens, config, path, seconds, flood = sys.argv[1:]
    verifier = Verifier(**json.loads(config))
    print("ready", flush=True)
    if not sys.stdin.readline():
        sys.exit("nobody said go")
    log: list[str] = []
    arguments = (verifier, client, int(tokens), log, time.time() + float(seconds), int(flood))
    threads = [threading.Thread(target=run, args=arguments) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with Path(path).open("w", encoding="ascii") as file:
        file.writelines(log)


main()
