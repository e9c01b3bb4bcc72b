"""What `authkit serve` costs behind nginx: authorizations per second, and memory over a million of them.

    make bench-serve

The recipe's own nginx guards a one-pixel image, once with `authkit serve` behind its socket and once with a
second nginx that answers everything with 204, the least that an auth_request over a socket can cost. wrk asks
the two in turns, with one token that comes again, for several rounds; a round's ratio is of use on a busy
machine too. Then requests go on until a million have been answered by the same process.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RECIPE = ROOT / "examples" / "nginx"
AUTHORIZATION_SERVER = ROOT / "tests" / "authorization-server" / "server.mjs"
BASE_URL = "https://bench.example"
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "7"))
SECONDS = int(os.environ.get("BENCH_SECONDS", "4"))
MILLION = int(os.environ.get("BENCH_REQUESTS", "1000000"))
CONNECTIONS = 64
PATIENCE = 30
BAR_RATE, BAR_RATIO = 20_000, 0.9
# What the allocator and the log's buffers may still take after the first rounds.
BAR_GROWTH_KB = 512


@contextlib.contextmanager
def started(command: list[str], **options: int) -> Iterator[subprocess.Popen[str]]:
    """A process that is ended by SIGTERM."""
    with subprocess.Popen(command, text=True, **options) as process:  # type: ignore[call-overload]
        try:
            yield process
        finally:
            process.terminate()
            process.wait(PATIENCE)


@contextlib.contextmanager
def issuer() -> Iterator[tuple[str, str]]:
    """The local authorization server: its issuer, and a token for us."""
    command = ["node", str(AUTHORIZATION_SERVER), "--exit-with-stdin"]
    options = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with started(command, **options) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        asked = json.dumps({"claims": {"aud": f"{BASE_URL}/mcp", "sub": "user_bench"}}).encode()
        with urllib.request.urlopen(f"{ready['admin']}/mint", asked, timeout=PATIENCE) as answer:
            yield ready["issuer"], json.load(answer)["token"]


def free_port() -> int:
    """One that was free just now: nginx cannot say which one it was given."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def wait_for(port: int) -> None:
    """Until somebody listens there."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


class Nginx:
    """Configurations below one directory, and the command that runs each."""

    def __init__(self, program: Path, at: Path) -> None:
        self._program, self._at = program, at
        for file in RECIPE.glob("authkit*.conf"):
            (at / file.name).write_text(file.read_text())

    def command(self, name: str, http: str) -> list[str]:
        """Writes a configuration with this http block."""
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        places = " ".join(f"{kind}_temp_path {self._at}/{name}-{kind};" for kind in kinds)
        user = "user root;" if os.getuid() == 0 else ""
        path = self._at / f"{name}.conf"
        path.write_text(
            f"{user} daemon off; worker_processes 1; pid {self._at}/{name}.pid; error_log stderr error;\n"
            "events { worker_connections 1024; }\n"
            f"http {{ access_log off; keepalive_requests 1000000; {places}\n{http} }}\n"
        )
        return [str(self._program), "-p", str(self._at), "-e", "stderr", "-c", str(path)]

    def guarded(self, name: str, port: int, asked: Path) -> list[str]:
        """The recipe, with an image in place of the server behind, and `asked` as the one that decides."""
        text = (RECIPE / "mcp.conf").read_text()
        changes = {
            "listen 8080;": f"listen 127.0.0.1:{port};",
            "/run/authkit/authkit.sock;": f"{asked};",
            "keepalive 16;": "keepalive 64; keepalive_requests 1000000;",
            "proxy_pass http://mcp_server;": "empty_gif;",
        }
        for old, new in changes.items():
            assert old in text, old
            text = text.replace(old, new)
        return self.command(name, text)

    def static(self, at: Path) -> list[str]:
        """Lets everything pass, without a look."""
        return self.command("static", f"server {{ listen unix:{at}; return 204; }}")


def rate(wrk: Path, port: int, token: str, seconds: int = SECONDS) -> tuple[float, int]:
    """Requests per second and their number, all of them answered by the image."""
    header, url = f"Authorization: Bearer {token}", f"http://127.0.0.1:{port}/mcp"
    command = [str(wrk), "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-H", header, url]
    library = next(wrk.parents[1].glob("lib/*/"))
    environment = os.environ | {"LD_LIBRARY_PATH": str(library)}
    told = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in told or "Socket errors" in told:
        sys.exit(f"not every request was let pass:\n{told}")
    found = re.search(r"(\d+) requests in .*Requests/sec:\s+([\d.]+)", told, re.DOTALL)
    assert found, told
    return float(found[2]), int(found[1])


def resident_kb(process: int) -> int:
    """The process's memory."""
    status = Path(f"/proc/{process}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found
    return int(found[1])


def compare(wrk: Path, ports: tuple[int, int], token: str) -> tuple[list[float], list[float], int]:
    """The rounds' rates with authkit and with 204, the order changing, and how many authkit has answered."""
    rates: tuple[list[float], list[float]] = ([], [])
    answered = 0
    for turn in range(ROUNDS):
        for which in (0, 1) if turn % 2 else (1, 0):
            per_second, total = rate(wrk, ports[which], token)
            rates[which].append(per_second)
            answered += total if which == 0 else 0
    return *rates, answered


def report(ours: list[float], static: list[float]) -> bool:
    """Prints the rates; whether the bar is met."""
    ratio = statistics.median(one / other for one, other in zip(ours, static, strict=True))
    rounds = f"median of {ROUNDS} rounds of {SECONDS} s, {os.cpu_count()} cores, wrk among them"
    print(f"authorizations/s behind nginx   {statistics.median(ours):8.0f}   {rounds}")
    print(f"nginx and a static 204          {statistics.median(static):8.0f}")
    print(f"ratio                           {ratio:8.2f}   the bar is {BAR_RATE}/s or {BAR_RATIO}")
    return statistics.median(ours) >= BAR_RATE or ratio >= BAR_RATIO


def memory(wrk: Path, port: int, token: str, process: int, answered: int) -> bool:
    """Prints the memory before and after a million requests more; whether it is flat."""
    before, start = resident_kb(process), answered
    while answered - start < MILLION:
        answered += rate(wrk, port, token)[1]
    after = resident_kb(process)
    grown = f"{before} KB, {after} KB; the bar is {BAR_GROWTH_KB} KB more"
    print(f"resident before and after {answered - start} requests   {grown}")
    return after - before <= BAR_GROWTH_KB


def main() -> int:
    """Exits 1 where a bar is not met."""
    parser = argparse.ArgumentParser()
    for name in ("cli", "nginx", "wrk"):
        parser.add_argument(f"--{name}", type=lambda path: Path(path).resolve(), required=True)
    programs = parser.parse_args()
    with contextlib.ExitStack() as stack:
        at = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        domain, token = stack.enter_context(issuer())
        nginx, ports = Nginx(programs.nginx, at), (free_port(), free_port())
        serve = [str(programs.cli), "serve", "--quiet", "--allow-insecure-loopback"]
        serve += [f"--listen=unix:{at}/authkit.sock", f"--authkit-domain={domain}", f"--base-url={BASE_URL}"]
        authkit = stack.enter_context(started(serve))
        stack.enter_context(started(nginx.static(at / "static.sock")))
        for name, port in zip(("authkit", "static"), ports, strict=True):
            stack.enter_context(started(nginx.guarded(f"guarded-{name}", port, at / f"{name}.sock")))
            wait_for(port)
        for port in ports:
            rate(programs.wrk, port, token, 1)
        ours, static, answered = compare(programs.wrk, ports, token)
        is_fast = report(ours, static)
        is_flat = memory(programs.wrk, ports[0], token, authkit.pid, answered)
    return 0 if is_fast and is_flat else 1


if __name__ == "__main__":
    sys.exit(main())
