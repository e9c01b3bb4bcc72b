"""Measures what it takes from a process's start to its first verdict with keys at hand: `make bench-cold`.

Programs take turns, round by round. CPU time counts, of all threads: wall time is the machine's. On a shared
machine it differs by half from one minute to the next, and whatever disturbs a process adds to it: so what a
program takes over its interpreter alone is told by the least of both, beside the median of the differences
within a round.
"""

from __future__ import annotations

import argparse
import os
import subprocess
from pathlib import Path
from statistics import median
from typing import NamedTuple

from cases import HERE, Programs, add_arguments, programs_of

# Of each language the program that verifies nothing, and ours.
BARE, OURS = "bare", "authkit"
# The package has code of its own for each of Node's two loaders.
IMPORT, REQUIRE = "Node, import", "Node, require"
# Others take part in one round of so many.
SELDOM = 4
# What is demanded: CPU ms, peak MiB; in C in all, in the others over the interpreter alone.
DEMANDED = {"C": (2.0, None), "Python": (15.0, 5.0), IMPORT: (10.0, 6.0), REQUIRE: (10.0, 6.0)}


class Taken(NamedTuple):
    """What a process took: CPU and wall time in ms, most memory in MiB."""

    cpu: float
    wall: float
    memory: float


# By the round's number.
Rounds = dict[int, Taken]


def commands(programs: Programs, *, smoke: bool) -> dict[tuple[str, str], list[str | Path]]:
    """By language and case."""
    directory = programs.workload / "RS256"
    python = HERE / "python" / "cold.py"
    by_import, by_require = HERE / "node" / "cold.mjs", HERE / "node" / "cold.cjs"
    peers_python = ["pyjwt"] if smoke else ["authlib", "fastmcp", "joserfc", "pyjwt", "python-jose"]
    peers_node = ["jose"] if smoke else ["aws-jwt-verify", "fast-jwt", "jose", "jsonwebtoken"]
    found: dict[tuple[str, str], list[str | Path]] = {("C", OURS): [programs.c / "cold", directory]}
    for case in (BARE, OURS):
        found["Python", case] = [programs.our_python, python, case, directory]
    for case in peers_python:
        found["Python", case] = [programs.peers_python, "-W", "ignore", python, case, directory]
    for case in (BARE, OURS):
        found[REQUIRE, case] = ["node", by_require, case, directory]
    for case in (BARE, OURS, *peers_node):
        found[IMPORT, case] = ["node", by_import, case, directory]
    return found


def take(launch: Path, command: list[str | Path], environment: dict[str, str]) -> Taken:
    """Runs a program to its end."""
    done = subprocess.run([launch, *command], capture_output=True, text=True, env=environment, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{command}: {done.stderr}")
    # The last line is the launcher's.
    cpu, wall, memory = map(float, done.stdout.splitlines()[-1].split())
    return Taken(cpu, wall, memory)


def row(language: str, case: str, taken: Rounds, bare: Rounds | None) -> str:
    """A row of a Markdown table."""
    least = min(one.cpu for one in taken.values())
    cpu, wall, memory = (median(column) for column in zip(*taken.values(), strict=True))
    cells = [f"{least:.1f}", f"{cpu:.1f}", f"{wall:.1f}", f"{memory:.1f}", "", "", "", ""]
    if bare is not None and case != BARE:
        cells[4] = f"{least - min(one.cpu for one in bare.values()):.1f}"
        cells[5] = f"{median(one.cpu - bare[number].cpu for number, one in taken.items()):.1f}"
        cells[6] = f"{median(one.memory - bare[number].memory for number, one in taken.items()):.1f}"
    if case == OURS:
        most_cpu, most_memory = DEMANDED[language]
        cells[7] = f"{most_cpu:g} ms" + ("" if most_memory is None else f", {most_memory:g} MiB")
    return f"| {language} | {case} | {' | '.join(cells)} |"


def main() -> None:
    """Reads the arguments, measures and reports."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_arguments(parser)
    parser.add_argument("--rounds", type=int, default=41)
    parser.add_argument("--smoke", action="store_true", help="few verifiers")
    arguments = parser.parse_args()
    programs = programs_of(arguments)
    environment = {**os.environ, "BENCH_PACKAGES": str(programs.node_packages)}
    # As users have them, Python's modules are compiled.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    # Node reads these at every start, which takes it three times as long as all else.
    environment.pop("NODE_EXTRA_CA_CERTS", None)
    todo = commands(programs, smoke=arguments.smoke)
    taken: dict[tuple[str, str], Rounds] = {key: {} for key in todo}
    for number in range(arguments.rounds + 1):
        for key, command in todo.items():
            if number > 1 and number % SELDOM and key[1] not in (BARE, OURS):
                continue
            one = take(programs.c / "launch", command, environment)
            # The first fills the system's caches and writes Python's.
            if number > 0:
                taken[key][number] = one
    print(
        "| | | CPU ms, least | median | wall ms | MiB | over bare, least | median | MiB | demanded of ours |"
    )
    print("|---|---|---:|---:|---:|---:|---:|---:|---:|---|")
    for (language, case), all_taken in taken.items():
        print(row(language, case, all_taken, taken.get((language, BARE))))


main()
