"""Measures verifiers side by side, and what a verdict costs beside the bare signature check: `make bench`.

Every worker is started once and held ready, and a round goes through all of them. The reference is measured
just before and just after each, and a figure is the median of the rounds' ratios: what slows the machine for
a while slows both. What two threads gain a worker says itself; the figure is the rounds' median.
"""

from __future__ import annotations

import argparse
import sys

import bars
import plot
import report
from cases import REFERENCE, REPOSITORY, Verifier, add_arguments, programs_of, verifiers, write_settings
from results import Figures, Key, Results
from workers import Command, Workers

# Which tokens, by algorithm. What a token costs that comes again, and what a second thread gains, one shows.
PATTERNS = {"RS256": ("distinct", "repeat"), "ES256": ("distinct",), "EdDSA": ("distinct",)}
THREADED = "RS256"


class Run:
    """Rounds over the verifiers."""

    def __init__(self, rows: list[Verifier], workers: Workers, seconds: float) -> None:
        self._rows = rows
        self._workers = workers
        self._seconds = seconds
        self._reference = next(row for row in rows if row.name == REFERENCE)
        self.results: Results = {}

    def round(self) -> None:
        """Measures everything once."""
        for row in self._rows:
            for algorithm, command in row.commands.items():
                for pattern in PATTERNS[algorithm]:
                    key = Key(row.language, row.name, algorithm, pattern)
                    figures = self.results.setdefault(key, Figures())
                    self._measure(command, key, figures)

    def _measure(self, command: Command, key: Key, figures: Figures) -> None:
        before = self._reference_time(key.algorithm)
        micros = self._workers.figure(command, key.pattern, 1, self._seconds)
        reference = (before + self._reference_time(key.algorithm)) / 2
        figures.micros.append(micros)
        figures.ratios.append(micros / reference)
        if key.algorithm == THREADED:
            figures.gains.append(self._workers.figure(command, key.pattern, 2, self._seconds))

    def _reference_time(self, algorithm: str) -> float:
        command = self._reference.commands[algorithm]
        return self._workers.figure(command, "distinct", 1, self._seconds / 3)


def main() -> None:
    """Reads the arguments, measures and reports."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_arguments(parser)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.3, help="for one figure of one round")
    parser.add_argument("--smoke", action="store_true", help="few verifiers; writes nothing")
    arguments = parser.parse_args()
    programs = programs_of(arguments)
    write_settings(programs.workload)
    with Workers() as workers:
        run = Run(verifiers(programs, smoke=arguments.smoke), workers, arguments.seconds)
        for number in range(arguments.rounds):
            run.round()
            print(f"round {number + 1} of {arguments.rounds}", file=sys.stderr, flush=True)
    print(report.table(run.results, report.measured))
    if not arguments.smoke:
        print(bars.bars(run.results))
        report.write(run.results, REPOSITORY / "docs" / "performance.md")
        (REPOSITORY / "docs" / "performance.svg").write_text(plot.svg(run.results), encoding="utf-8")


main()
