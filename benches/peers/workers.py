"""Workers: processes that each hold one verifier ready and measure it when told to.

A worker is given a directory of the workload, accepts every good token in it and refuses every bad one, and
then says `ready`. To each line `PATTERN THREADS SECONDS` it answers with a figure. On one thread it is a
verdict's CPU time in µs, the median of chunks of some 5 ms. With several it is what they do at once in terms
of what one does alone, by wall time: the median of turns, in which each thread works by itself and then all
do. The pattern `distinct` goes through all tokens again and again, `repeat` takes one.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from types import TracebackType


@dataclass(frozen=True)
class Command:
    """What starts a worker."""

    words: tuple[str, ...]
    environment: tuple[tuple[str, str], ...] = ()


class Workers:
    """The workers of one run, each started when it is first asked, and ended together."""

    def __init__(self) -> None:
        self._running: dict[Command, subprocess.Popen[str]] = {}

    def figure(self, command: Command, pattern: str, threads: int, seconds: float) -> float:
        """Measures for so many seconds."""
        worker = self._worker(command)
        assert worker.stdin is not None
        print(pattern, threads, seconds, file=worker.stdin, flush=True)
        return float(_line(worker, command))

    def _worker(self, command: Command) -> subprocess.Popen[str]:
        worker = self._running.get(command)
        if worker is None:
            worker = subprocess.Popen(
                command.words,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, **dict(command.environment)},
            )
            self._running[command] = worker
            if _line(worker, command) != "ready":
                raise SystemExit(f"not ready: {' '.join(command.words)}")
        return worker

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for worker in self._running.values():
            # Its input ends, and so does it.
            worker.communicate()


def _line(worker: subprocess.Popen[str], command: Command) -> str:
    assert worker.stdout is not None
    line = worker.stdout.readline()
    if not line:
        raise SystemExit(f"exit status {worker.wait()}: {' '.join(command.words)}")
    return line.strip()
