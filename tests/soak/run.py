"""Runs a soak: an issuer in bad weather, and clients in C, Python and Node. docs/soak.md says more."""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import judge

HERE = Path(__file__).parent
THREADS = 4
TICKS_A_SECOND = 10
# Random key ids a second, of each client that floods.
FLOOD = 600
# A client that does not end by itself is a failure; one call may outlast the run by its longest wait.
PATIENCE = 30.0

# At first no keys can be had. Then come a rotation in good weather and two in an outage of four kinds, and
# after each of them time enough to see that tokens pass.
SHORT = "503@0 ok@1 rotate@2 500@12.5 rotate@12.8 slow@13.3 rotate@14 stall@15 reset@15.7 ok@16"
SHORT_TIME = 24.0

# The rotations, 45 s apart, meet good weather, slow answers after a stall, and a stall before resets.
CYCLE = (
    "503@0 ok@2 rotate@20 500@32 ok@36 reset@46 ok@49 stall@58 slow@63 rotate@65 ok@70"
    " 503@82 ok@86 500@96 ok@99 stall@104 rotate@110 reset@111 ok@112 500@124 ok@128"
)
CYCLE_TIME = 135.0


def schedule(seconds: float) -> str:
    """The long run's weather."""
    steps = [(float(at), what) for what, _, at in (step.partition("@") for step in CYCLE.split())]
    cycles = range(int(seconds // CYCLE_TIME) + 1)
    # Only the run's own beginning is without keys.
    moments = [
        (cycle * CYCLE_TIME + at, what) for cycle in cycles for at, what in steps if cycle == 0 or at > 2
    ]
    return " ".join(f"{what}@{at:g}" for at, what in moments if at < seconds)


@contextlib.contextmanager
def started(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    """A program that is told by its standard input to go and, by the end of it, to stop."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def line_of(process: subprocess.Popen[str]) -> str:
    """The next line that it prints."""
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        sys.exit(f"{process.args!r} ended too early")
    return line


def go(process: subprocess.Popen[str]) -> None:
    """Has it begin."""
    assert process.stdin is not None
    process.stdin.write("start\n")
    process.stdin.flush()


def config(issuer: str, mode: str) -> str:
    """The clients' configuration."""
    settings = {
        "issuers": {issuer: None},
        "resource": "https://mcp.example/mcp",
        "algorithms": ["ES256"],
        "allow_insecure_loopback": True,
        "refresh_mode": mode,
    }
    return json.dumps(settings)


def soak(arguments: argparse.Namespace, directory: Path) -> bool:
    """Runs and judges one; whether every bar was met."""
    seconds = SHORT_TIME if arguments.short else arguments.time
    weather = SHORT if arguments.short else schedule(seconds)
    python = [arguments.python, str(HERE / "soak.py")]
    programs = {
        "c": [arguments.c],
        "python": python,
        "asyncio": python,
        "node": ["node", str(HERE / "soak.mjs")],
    }
    floods = [False, True] if arguments.flood is None else [arguments.flood == 1]
    clients = {f"{name}-flood" if flood else name: flood for flood in floods for name in programs}
    with contextlib.ExitStack() as stack:
        issuer = stack.enter_context(started([arguments.issuer, str(directory / "issuer.log"), weather]))
        url, tokens = line_of(issuer).split()
        running = []
        for name, flood in clients.items():
            each = round(FLOOD / THREADS / TICKS_A_SECOND) if flood else 0
            log = str(directory / f"{name}.log")
            own = [name, tokens, config(f"{url}/{name}", arguments.mode), log, str(seconds), str(each)]
            running.append(stack.enter_context(started([*programs[name.removesuffix("-flood")], *own])))
        for client in running:
            line_of(client)
        for process in (issuer, *running):
            go(process)
        for client in running:
            if client.wait(seconds + PATIENCE) != 0:
                sys.exit(f"{client.args!r} failed")
        # The issuer ends its log, and itself.
        issuer.communicate(timeout=PATIENCE)
    return judge.report(judge.judge(directory, clients))


def main() -> None:
    """Exits with 1 where a bar was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--issuer", required=True)
    parser.add_argument("--c", required=True)
    parser.add_argument("--python", required=True)
    parser.add_argument("--time", type=float, default=120.0)
    parser.add_argument("--flood", type=int, choices=(0, 1))
    parser.add_argument("--mode", choices=("background", "inline"), default="background")
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--keep", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        directory = arguments.keep or Path(temporary)
        directory.mkdir(parents=True, exist_ok=True)
        sys.exit(not soak(arguments, directory))


main()
