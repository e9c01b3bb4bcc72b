"""Verifiers for Python as workers of `make bench`: `worker.py CASE DIRECTORY [SETTINGS]`.

What a worker is asked and answers: benches/peers/workers.py.
"""

from __future__ import annotations

import asyncio
import inspect
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from typing import Any

import verifiers

# Of a chunk, whose time is one figure, in seconds.
CHUNK = 0.005


class Work:
    """Tokens that one thread verifies in turn, again and again."""

    def __init__(self, verify: Callable[[str], Any]) -> None:
        self._verify = verify
        self._loop = asyncio.new_event_loop() if inspect.iscoroutinefunction(verify) else None

    def take(self, tokens: Iterator[str], count: int) -> None:
        """Verifies the next of the tokens; a refusal is an exception."""
        verify = self._verify
        if self._loop is not None:
            self._loop.run_until_complete(self._take_async(tokens, count))
            return
        for token in islice(tokens, count):
            verify(token)

    async def _take_async(self, tokens: Iterator[str], count: int) -> None:
        verify = self._verify
        for token in islice(tokens, count):
            await verify(token)


def check(work: Work, tokens: list[str], refused: list[str]) -> None:
    """A verifier accepts every good token and no bad one, or it is none."""
    work.take(iter(tokens), len(tokens))
    for token in refused:
        try:
            work.take(iter([token]), 1)
        except Exception:
            continue
        raise SystemExit("took a bad token")


def alone(work: Work, tokens: list[str], seconds: float) -> tuple[float, float]:
    """CPU and wall time of a verdict on this thread, in µs: the medians of the chunks."""
    turns = cycle(tokens)
    count = 1
    cpus: list[float] = []
    walls: list[float] = []
    began = time.perf_counter()
    while not cpus or time.perf_counter() - began < seconds:
        then, cpu_then = time.perf_counter(), time.thread_time()
        work.take(turns, count)
        spent, passed = time.thread_time() - cpu_then, time.perf_counter() - then
        if not cpus and spent < CHUNK / 2:
            count *= 2
            continue
        cpus.append(spent * 1e6 / count)
        walls.append(passed * 1e6 / count)
    return median(cpus), median(walls)


def together(verify: Callable[[str], Any], tokens: list[str], threads: int, seconds: float) -> float:
    """Wall time of a verdict in µs, all threads together."""
    began = time.perf_counter()

    def run(number: int) -> int:
        work = Work(verify)
        first = number * len(tokens) // threads
        turns = cycle(tokens[first:] + tokens[:first])
        verdicts = 0
        while time.perf_counter() - began < seconds:
            work.take(turns, 64)
            verdicts += 64
        return verdicts

    with ThreadPoolExecutor(threads) as pool:
        verdicts = sum(pool.map(run, range(threads)))
    return (time.perf_counter() - began) * 1e6 / verdicts


def main(case: str, *arguments: str) -> None:
    """Checks the verifier, then measures what it is asked to, until its input ends."""
    directory = Path(arguments[0])
    verify = verifiers.make(case, directory, *arguments[1:])
    work = Work(verify)
    tokens = (directory / "tokens").read_text().split()
    check(work, tokens, (directory / "refused").read_text().split())
    print("ready", flush=True)
    for line in sys.stdin:
        pattern, threads, seconds = line.split()
        chosen = tokens[:1] if pattern == "repeat" else tokens
        if int(threads) == 1:
            print(*alone(work, chosen, float(seconds)), flush=True)
        else:
            wall = together(verify, chosen, int(threads), float(seconds))
            print(wall, wall, flush=True)


main(*sys.argv[1:])
