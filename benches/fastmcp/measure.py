"""What a provider costs a tool call: over HTTP, with none, with FastMCP's own and with ours, in one run.

    make bench-fastmcp

Three servers that differ in nothing else are called in turn, over one kept connection each, in one session.
The cost of a provider is a call's time at its server less the time at the open one. Prints medians over the
rounds of the time that passes and of the server's own processor time, and ours as a part of theirs.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
AUTHORIZATION_SERVER = HERE.parents[1] / "tests" / "authorization-server" / "server.mjs"
RESOURCE = "https://bench.example/mcp"
VARIANTS = ("none", "theirs", "ours")
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "21"))
CALLS = int(os.environ.get("BENCH_CALLS", "60"))
BAR = 0.5


@contextlib.contextmanager
def started(command: list[str]) -> Iterator[tuple[subprocess.Popen[bytes], bytes]]:
    """A process that ends with its stdin, and the line that it prints when it is there."""
    quiet = os.environ | {"FASTMCP_LOG_LEVEL": "CRITICAL"}
    pipe, null = subprocess.PIPE, subprocess.DEVNULL
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=null, cwd="/", env=quiet) as process:
        assert process.stdout is not None
        yield process, process.stdout.readline()
        process.communicate()


class Caller:
    """One client of one server: a kept connection, a session."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, token: str) -> None:
        self._process = process
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._session: dict[str, str] = {}
        client = {"name": "bench", "version": "1"}
        hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client}
        self._post(token, {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello})
        self._post(token, {"jsonrpc": "2.0", "method": "notifications/initialized"})

    def _post(self, token: str, message: Any) -> bytes:
        headers = {
            "accept": "application/json, text/event-stream",
            "authorization": f"Bearer {token}",
            "content-type": "application/json",
        }
        self._connection.request("POST", "/mcp", json.dumps(message), headers | self._session)
        answer = self._connection.getresponse()
        body = answer.read()
        assert answer.status in (200, 202), (answer.status, body)
        session = answer.headers["mcp-session-id"]
        if session is not None:
            self._session = {"mcp-session-id": session}
        return body

    def call(self, token: str) -> None:
        """Calls the tool, which must answer."""
        params = {"name": "add", "arguments": {"a": 1, "b": 2}}
        body = self._post(token, {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": params})
        assert b'"3"' in body, body

    def measured(self, tokens: list[str]) -> tuple[float, float]:
        """A call's time in microseconds, the median's; and the server's processor time for one, the mean."""
        processor = self._processor_time()
        times = []
        for token in tokens:
            begin = time.perf_counter_ns()
            self.call(token)
            times.append(time.perf_counter_ns() - begin)
        return statistics.median(times) / 1e3, (self._processor_time() - processor) / len(tokens) / 1e3

    def _processor_time(self) -> int:
        """Of all threads of the server, in nanoseconds."""
        tasks = Path(f"/proc/{self._process.pid}/task")
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks.iterdir())


def minted(issuer: str, count: int) -> list[str]:
    """Tokens of one user and client that differ in their id."""
    whose = {"aud": RESOURCE, "scope": "openid mcp:read", "sub": "user_1", "client_id": "client_1"}
    tokens = []
    for number in range(count):
        body = json.dumps({"claims": whose | {"jti": f"jti_{number}"}}).encode()
        with urllib.request.urlopen(f"{issuer}/test/mint", body, timeout=60) as response:
            tokens.append(json.load(response)["token"])
    return tokens


def report(name: str, rounds: dict[str, list[tuple[float, float]]]) -> float:
    """Prints one kind of tokens; ours as a part of theirs, by processor time."""
    ratio = 0.0
    for index, what in enumerate(("time", "processor time")):
        medians = {variant: statistics.median(one[index] for one in rounds[variant]) for variant in VARIANTS}
        # Within a round the machine is the same for all.
        costs = {
            variant: statistics.median(
                one[index] - none[index] for one, none in zip(rounds[variant], rounds["none"], strict=True)
            )
            for variant in VARIANTS[1:]
        }
        ratio = costs["ours"] / costs["theirs"]
        print(
            f"{name:9} {what:15} {medians['none']:8.0f} {costs['theirs']:+8.0f} {costs['ours']:+8.0f}"
            f"   ours / theirs = {ratio:.2f}"
        )
    return ratio


def main() -> int:
    """Measures repeat tokens, then distinct ones; 1 if ours costs more than the bar in either."""
    with contextlib.ExitStack() as stack:
        command = ["node", str(AUTHORIZATION_SERVER), "--exit-with-stdin"]
        _, line = stack.enter_context(started(command))
        issuer = json.loads(line)["issuer"]
        tokens = minted(issuer, ROUNDS * CALLS)
        callers = {}
        for variant in VARIANTS:
            command = [sys.executable, str(HERE / "server.py"), variant, issuer]
            process, line = stack.enter_context(started(command))
            callers[variant] = Caller(process, int(line), tokens[0])
        print("microseconds per tool call              open   theirs     ours")
        ratios = []
        for name in ("repeat", "distinct"):
            rounds: dict[str, list[tuple[float, float]]] = {variant: [] for variant in VARIANTS}
            for number in range(ROUNDS):
                batch = tokens[number * CALLS :][:CALLS] if name == "distinct" else tokens[:1] * CALLS
                for caller in callers.values():
                    caller.call(tokens[0])
                for variant, caller in callers.items():
                    rounds[variant].append(caller.measured(batch))
            ratios.append(report(name, rounds))
    return int(max(ratios) > BAR)


if __name__ == "__main__":
    sys.exit(main())
