#!/usr/bin/env python3
"""Writes LICENSE-THIRD-PARTY: what is linked into the library and the command, and under which terms.

third_party.py           writes it anew
third_party.py --check   fails where it is not what Cargo.lock leads to
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "LICENSE-THIRD-PARTY"
# What a release is built for; crates of other systems are not in it.
TARGET = "x86_64-unknown-linux-gnu"
# Of terms to choose from, the shortest that asks for the text to be passed on.
PREFERRED = ("MIT", "ISC")
TERMS = re.compile(r"(LICEN[SC]E|COPYING|NOTICE|COPYRIGHT)", re.IGNORECASE)
HEAD = """\
The library and the command of authkit-verifier are compiled with the crates below, and with Rust's standard
library (MIT OR Apache-2.0, The Rust Project Developers). Written by scripts/third_party.py.

"""


def cargo(*arguments: str) -> str:
    """What cargo says about the locked dependencies."""
    command = ["cargo", *arguments, "--locked"]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def linked() -> set[tuple[str, str]]:
    """Name and version of every crate whose code is in what is shipped."""
    what = ["--workspace", "--target", TARGET, "--edges", "normal,no-proc-macro"]
    tree = cargo("tree", *what, "--prefix", "none", "--format", "{p}")
    lines = (line.split() for line in tree.splitlines() if line)
    return {(name, version.removeprefix("v")) for name, version, *_ in lines}


def packages() -> list[dict[str, Any]]:
    """Their manifests, without our own."""
    wanted, known = linked(), json.loads(cargo("metadata", "--format-version", "1"))["packages"]
    named = {(one["name"], one["version"]): one for one in known if one["source"] is not None}
    return [package for name, package in sorted(named.items()) if name in wanted]


def terms(package: dict[str, Any]) -> list[Path]:
    """The files with a package's terms: the preferred, where there is a choice; and those of C code in it."""
    directory = Path(package["manifest_path"]).parent
    own = sorted(path for path in directory.iterdir() if path.is_file() and TERMS.match(path.name))
    chosen = [path for path in own for name in PREFERRED if name in path.name.upper()][:1]
    inner = sorted(path for path in directory.glob("*/**/*") if path.name in ("LICENSE", "NOTICE"))
    return (chosen or own) + inner


def text_of(path: Path) -> str:
    """A text without what two copies of it may differ in."""
    return "\n".join(line.rstrip() for line in path.read_text("utf-8", "replace").strip().splitlines())


def document() -> str:
    """The whole file: every crate, then every text once, with the crates that it is of."""
    found = packages()
    index = [f"{one['name']} {one['version']}: {one['license']}, {one['repository']}" for one in found]
    texts: dict[str, list[str]] = {}
    for package in found:
        for path in terms(package):
            names = texts.setdefault(text_of(path), [])
            if package["name"] not in names:
                names.append(package["name"])
    rule = "-" * 100
    sections = [f"{rule}\n{', '.join(names)}\n\n{text}\n" for text, names in texts.items()]
    return HEAD + "\n".join(index) + "\n\n" + "\n".join(sections)


def main() -> int:
    """Writes the file, or compares it."""
    wanted = document()
    if sys.argv[1:] != ["--check"]:
        FILE.write_text(wanted, "utf-8")
        return 0
    if FILE.is_file() and FILE.read_text("utf-8") == wanted:
        return 0
    print(f"{FILE.name} is not what Cargo.lock leads to: run scripts/{Path(__file__).name}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
