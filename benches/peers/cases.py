"""What `make bench` measures: which verifiers, in which language, by which worker."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

from workers import Command

HERE = Path(__file__).parent
REPOSITORY = HERE.parent.parent
ALGORITHMS = ("RS256", "ES256", "EdDSA")

# A verified-token cache so small that none of the workload's tokens, taken in turn, is in it when it comes
# again: each is looked for in vain. The one that is repeated is found.
SMALL = 64
NO_CACHE = "no-cache.json"
CACHE = "cache.json"


@dataclass(frozen=True)
class Programs:
    """Where what the Makefile has built and installed lies."""

    native: Path
    c: Path
    our_python: Path
    peers_python: Path
    node_packages: Path
    workload: Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """An option for each of the programs."""
    for field in fields(Programs):
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=Path, required=True)


def programs_of(arguments: argparse.Namespace) -> Programs:
    """What was said where."""
    return Programs(**{field.name: getattr(arguments, field.name) for field in fields(Programs)})


@dataclass(frozen=True)
class Verifier:
    """A verifier of the table: a row."""

    language: str
    name: str
    ours: bool
    # By algorithm.
    commands: dict[str, Command]


# The bare signature check, which everything is measured against.
REFERENCE = "AWS-LC, key parsed: the reference"


def verifiers(programs: Programs, *, smoke: bool = False) -> list[Verifier]:
    """All that can be measured here; for a smoke test, ours and one of others per language."""
    rows = [*_native(programs), *_python(programs), *_node(programs)]
    few = {REFERENCE, "jsonwebtoken 11", "PyJWT", "jose"}
    return [row for row in rows if not smoke or row.ours or row.name in few]


def write_settings(workload: Path) -> None:
    """Writes what our verifiers are told: with a small cache of verified tokens, and with none."""
    for algorithm in ALGORITHMS:
        directory = workload / algorithm
        settings = json.loads((directory / "settings.json").read_text())
        for name, entries in ((CACHE, SMALL), (NO_CACHE, 0)):
            (directory / name).write_text(json.dumps({**settings, "token_cache_size": entries}))


# Stands in a command for the directory of an algorithm's workload.
_DIRECTORY = "DIRECTORY"


def _verifier(
    programs: Programs,
    language: str,
    name: str,
    *words: str | Path,
    ours: bool = False,
    algorithms: tuple[str, ...] = ALGORITHMS,
    environment: tuple[tuple[str, str], ...] = (),
) -> Verifier:
    def command(algorithm: str) -> Command:
        directory = programs.workload / algorithm
        return Command(tuple(str(directory if word == _DIRECTORY else word) for word in words), environment)

    return Verifier(language, name, ours, {algorithm: command(algorithm) for algorithm in algorithms})


def _native(programs: Programs) -> Iterator[Verifier]:
    yield _verifier(programs, "C and Rust", REFERENCE, programs.native, "raw", _DIRECTORY)
    ours = programs.c / "authkit"
    yield _verifier(programs, "C and Rust", "authkit", ours, _DIRECTORY, CACHE, ours=True)
    yield _verifier(programs, "C and Rust", "authkit, no cache", ours, _DIRECTORY, NO_CACHE, ours=True)
    yield _verifier(programs, "C and Rust", "jsonwebtoken 11", programs.native, "jsonwebtoken", _DIRECTORY)
    # Where the distribution has them.
    for name, title in (("libjwt", "libjwt 1"), ("librhonabwy", "rhonabwy")):
        program = programs.c / name
        if program.exists():
            yield _verifier(programs, "C and Rust", title, program, _DIRECTORY, algorithms=("RS256",))


def _python(programs: Programs) -> Iterator[Verifier]:
    worker = HERE / "python" / "worker.py"
    for case, name in (
        ("authkit-call", "authkit, the bare call by ctypes"),
        ("authkit", "authkit, verdict alone"),
        ("authkit-claims", "authkit, claims read"),
    ):
        ours = (programs.our_python, worker, case, _DIRECTORY, CACHE)
        yield _verifier(programs, "Python", name, *ours, ours=True)
    for case, name in (
        ("pyjwt", "PyJWT"),
        ("fastmcp", "FastMCP JWTVerifier"),
        ("joserfc", "joserfc"),
        ("authlib", "Authlib"),
        ("python-jose", "python-jose"),
    ):
        # python-jose has no EdDSA.
        algorithms = ALGORITHMS[:2] if case == "python-jose" else ALGORITHMS
        # They warn of what they call deprecated, which is no concern of ours.
        peer = (programs.peers_python, "-W", "ignore", worker, case, _DIRECTORY)
        yield _verifier(programs, "Python", name, *peer, algorithms=algorithms)


def _node(programs: Programs) -> Iterator[Verifier]:
    worker = HERE / "node" / "worker.mjs"
    packages = (("BENCH_PACKAGES", str(programs.node_packages)),)
    for case, name in (
        ("authkit-sync", "authkit, verifySync"),
        ("authkit-try", "authkit, tryVerify"),
        ("authkit-claims", "authkit, tryVerify, claims read"),
        ("authkit-async", "authkit, verify, claims read"),
    ):
        ours = ("node", worker, case, _DIRECTORY, CACHE)
        yield _verifier(programs, "Node", name, *ours, ours=True, environment=packages)
    for case, name in (
        ("fast-jwt", "fast-jwt"),
        ("fast-jwt-cache", "fast-jwt, its cache on"),
        ("aws-jwt-verify", "aws-jwt-verify"),
        ("jose", "jose"),
        ("jsonwebtoken", "jsonwebtoken"),
    ):
        # jsonwebtoken has no EdDSA.
        algorithms = ALGORITHMS[:2] if case == "jsonwebtoken" else ALGORITHMS
        peer = ("node", worker, case, _DIRECTORY)
        yield _verifier(programs, "Node", name, *peer, algorithms=algorithms, environment=packages)
