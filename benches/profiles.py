"""What the release profile's settings are worth: `make bench-profiles`.

Builds the shared library once as it is shipped and once for each setting changed, and prints its size, the
instructions of a verdict beside its signature check, and the verdict's time in parts of the bare signature
check's, which each is measured beside, in turns.

    python3 benches/profiles.py --native PROGRAM --c DIRECTORY --counted PROGRAM --workload DIRECTORY

Each build takes minutes, most of them AWS-LC's; they are kept below build/profiles.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import tomllib

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(HERE / "peers"))

import instructions  # noqa: E402 - found only now
from cases import CACHE, write_settings  # noqa: E402
from workers import Command, Workers  # noqa: E402

BUILD = ROOT / "build" / "profiles"
# An RS256 token of those that are held to a baseline.
VECTOR = "baseline/typ-JWT"
# What fetches keys and is compiled for size.
NETWORK = tomllib.loads((ROOT / "Cargo.toml").read_text())["profile"]["release"]["package"]
# What is printed, and what cargo is told.
VARIANTS = {
    "as shipped": [],
    'lto = "thin"': ['profile.release.lto="thin"'],
    'lto = "off"': ['profile.release.lto="off"'],
    "codegen-units = 16": ["profile.release.codegen-units=16"],
    "opt-level = 2": ["profile.release.opt-level=2"],
    'opt-level = "s"': ['profile.release.opt-level="s"'],
    "all crates at opt-level 3": [f"profile.release.package.{name}.opt-level=3" for name in NETWORK],
}


def built(number: int, settings: list[str]) -> Path:
    """The directory of the library that these settings make."""
    directory = BUILD / str(number)
    directory.mkdir(parents=True, exist_ok=True)
    command = ["cargo", "rustc", "--locked", "--release", "--lib", "--crate-type", "cdylib", "--quiet"]
    command += [word for setting in settings for word in ("--config", setting)]
    command += ["--message-format=json", "--", "-C", "link-arg=-Wl,-soname,libauthkit.so.0"]
    environment = os.environ | {"CARGO_TARGET_DIR": str(BUILD / "target")}
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    made = [json.loads(line) for line in done.stdout.splitlines()]
    files = [file for one in made for file in one.get("filenames", ()) if file.endswith("libauthkit.so")]
    shutil.copyfile(files[-1], directory / "libauthkit.so.0")
    return directory


def megabytes(directory: Path) -> float:
    """The library's size as it is shipped, without symbols."""
    with tempfile.NamedTemporaryFile() as stripped:
        library = directory / "libauthkit.so.0"
        subprocess.run(["strip", "--strip-unneeded", "-o", stripped.name, library], check=True)
        return Path(stripped.name).stat().st_size / 1e6


def counted(program: str, directory: Path) -> int:
    """Instructions of a verdict beside its signature check."""
    os.environ["LD_LIBRARY_PATH"] = str(directory)
    try:
        with tempfile.TemporaryDirectory() as scratch:
            return instructions.count(program, instructions.vector(VECTOR), Path(scratch, "profile"))
    finally:
        del os.environ["LD_LIBRARY_PATH"]


def main() -> None:
    """Builds, measures and prints a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("native", "c", "workload"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--counted", required=True)
    parser.add_argument("--rounds", type=int, default=21)
    arguments = parser.parse_args()
    write_settings(arguments.workload)
    tokens = str(arguments.workload / "RS256")
    libraries = {name: built(at, settings) for at, (name, settings) in enumerate(VARIANTS.items())}
    ours = {
        name: Command((str(arguments.c / "authkit"), tokens, CACHE), (("LD_LIBRARY_PATH", str(directory)),))
        for name, directory in libraries.items()
    }
    raw = Command((str(arguments.native), "raw", tokens))
    ratios: dict[str, list[float]] = {name: [] for name in VARIANTS}
    workers = Workers()
    with workers:
        for _ in range(arguments.rounds):
            for name, command in ours.items():
                before, verdict, after = (
                    workers.figure(one, "distinct", 1, 0.25) for one in (raw, command, raw)
                )
                ratios[name].append(2 * verdict / (before + after))
    print("| settings | library, MB | instructions | verdict ÷ bare signature |\n|---|---:|---:|---:|")
    for name, directory in libraries.items():
        instructions_of = counted(arguments.counted, directory)
        print(f"| {name} | {megabytes(directory):.1f} | {instructions_of} | {median(ratios[name]):.2f} |")


if __name__ == "__main__":
    main()
