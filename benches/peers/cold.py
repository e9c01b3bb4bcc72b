"""Measures what it takes from a process's start to its first verdict with keys at hand: `make bench-cold`.

Programs take turns, round by round; what a program takes over its interpreter alone is a difference within
a round, and the figure is the rounds' median. CPU time counts, of all threads: wall time is the machine's.
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
# What is demanded: CPU ms, peak MiB; in C in all, in the others over the interpreter alone.
DEMANDED = {"C": (2.0, None), "Python": (15.0, 5.0), "Node": (10.0, 6.0)}


class Taken(NamedTuple):
    """What a process took: CPU and wall time in ms, most memory in MiB."""

    cpu: float
    wall: float
    memory: float


def commands(programs: Programs, *, smoke: bool) -> dict[tuple[str, str], list[str | Path]]:
    """By language and case."""
    directory = programs.workload / "RS256"
    python, node = HERE / "python" / "cold.py", HERE / "node" / "cold.mjs"
    peers_python = ["pyjwt"] if smoke else ["authlib", "fastmcp", "joserfc", "pyjwt", "python-jose"]
    peers_node = ["jose"] if smoke else ["aws-jwt-verify", "fast-jwt", "jose", "jsonwebtoken"]
    found: dict[tuple[str, str], list[str | Path]] = {("C", OURS): [programs.c / "cold", directory]}
    for case in (BARE, OURS):
        found["Python", case] = [programs.our_python, python, case, directory]
    for case in peers_python:
        found["Python", case] = [programs.peers_python, "-W", "ignore", python, case, directory]
    for case in (BARE, OURS, *peers_node):
        found["Node", case] = ["node", node, case, directory]
    return found


def take(launch: Path, command: list[str | Path], environment: dict[str, str]) -> Taken:
    """Runs a program to its end."""
    done = subprocess.run([launch, *command], capture_output=True, text=True, env=environment, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{command}: {done.stderr}")
    # The last line is the launcher's.
    cpu, wall, memory = map(float, done.stdout.splitlines()[-1].split())
    return Taken(cpu, wall, memory)


def row(language: str, case: str, taken: list[Taken], bare: list[Taken] | None) -> str:
    """A row of a Markdown table."""
    cpu, wall, memory = (median(column) for column in zip(*taken, strict=True))
    cells = [f"{cpu:.1f}", f"{wall:.1f}", f"{memory:.1f}", "", "", ""]
    if bare is not None and case != BARE:
        cells[3] = f"{median(one.cpu - none.cpu for one, none in zip(taken, bare, strict=True)):.1f}"
        cells[4] = f"{median(one.memory - none.memory for one, none in zip(taken, bare, strict=True)):.1f}"
    if case == OURS:
        most_cpu, most_memory = DEMANDED[language]
        cells[5] = f"{most_cpu:g} ms" + ("" if most_memory is None else f", {most_memory:g} MiB")
    return f"| {language} | {case} | {' | '.join(cells)} |"


def main() -> None:
    """Reads the arguments, measures and reports."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_arguments(parser)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--smoke", action="store_true", help="few verifiers")
    arguments = parser.parse_args()
    programs = programs_of(arguments)
    environment = {**os.environ, "BENCH_PACKAGES": str(programs.node_packages)}
    # As users have them, Python's modules are compiled.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    todo = commands(programs, smoke=arguments.smoke)
    taken: dict[tuple[str, str], list[Taken]] = {key: [] for key in todo}
    for number in range(arguments.rounds + 1):
        for key, command in todo.items():
            one = take(programs.c / "launch", command, environment)
            # The first fills the system's caches and writes Python's.
            if number > 0:
                taken[key].append(one)
    print("| | | CPU ms | wall ms | MiB | CPU ms over bare | MiB over bare | demanded of ours |")
    print("|---|---|---:|---:|---:|---:|---:|---|")
    for (language, case), all_taken in taken.items():
        print(row(language, case, all_taken, taken.get((language, BARE))))


main()
