"""Verifiers for Python as workers of `make bench`: `worker.py CASE DIRECTORY [SETTINGS]`.

What a worker is asked and answers: benches/peers/workers.py.
"""

from __future__ import annotations

import asyncio
import inspect
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from pathlib import Path
from statistics import mean, median
from threading import Barrier
from typing import Any, NamedTuple

import verifiers

# Of a chunk, whose time is one figure, in seconds.
CHUNK = 0.005
# Of what a thread of several does before others have their turn, in seconds.
SPELL = 0.05


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


def alone(work: Work, tokens: list[str], seconds: float) -> float:
    """CPU time of a verdict on this thread, in µs: the median of the chunks."""
    turns = cycle(tokens)
    count = 1
    cpus: list[float] = []
    began = time.perf_counter()
    while not cpus or time.perf_counter() - began < seconds:
        then = time.thread_time()
        work.take(turns, count)
        spent = time.thread_time() - then
        if not cpus and spent < CHUNK / 2:
            count *= 2
            continue
        cpus.append(spent * 1e6 / count)
    return median(cpus)


class Spell(NamedTuple):
    """What a thread did: so many verdicts between these moments."""

    began: float
    ended: float
    verdicts: int

    @property
    def rate(self) -> float:
        """Verdicts a second."""
        return self.verdicts / (self.ended - self.began)


def spell(work: Work, turns: Iterator[str]) -> Spell:
    """Verifies for as long as a thread has its turn."""
    verdicts = 0
    began = ended = time.perf_counter()
    while ended - began < SPELL:
        work.take(turns, 4)
        verdicts += 4
        ended = time.perf_counter()
    return Spell(began, ended, verdicts)


def together(verify: Callable[[str], Any], tokens: list[str], threads: int, seconds: float) -> float:
    """What so many threads do at once, in terms of what one of them does alone: the median of turns."""
    turns = max(1, round(seconds / (SPELL * (threads + 1))))
    barrier = Barrier(threads)

    def run(place: int) -> list[tuple[Spell, Spell]]:
        work = Work(verify)
        first = place * len(tokens) // threads
        mine = cycle(tokens[first:] + tokens[:first])
        done = []
        for _ in range(turns):
            spells = []
            for phase in range(threads + 1):
                barrier.wait()
                if phase in (place, threads):
                    spells.append(spell(work, mine))
            done.append((spells[0], spells[1]))
            barrier.wait()
        return done

    with ThreadPoolExecutor(threads) as pool:
        members = list(pool.map(run, range(threads)))
    return median(gain(turn) for turn in zip(*members, strict=True))


def gain(turn: Sequence[tuple[Spell, Spell]]) -> float:
    """Of one turn: what each thread did alone, and among the others."""
    mean_alone = mean(alone.rate for alone, _ in turn)
    together = [among for _, among in turn]
    began, ended = min(one.began for one in together), max(one.ended for one in together)
    return sum(one.verdicts for one in together) / (ended - began) / mean_alone


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
            print(alone(work, chosen, float(seconds)), flush=True)
        else:
            print(together(verify, chosen, int(threads), float(seconds)), flush=True)


main(*sys.argv[1:])
