"""Paths that routers read in more ways than one: those that once got past a demand, and made ones."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PATHS = json.loads((Path(__file__).parents[4] / "tests/paths/hostile.json").read_text())
# Fixed, so that a run is the same everywhere; AUTHKIT_SEED gives another, AUTHKIT_PATHS says how many.
SEED = int(os.environ.get("AUTHKIT_SEED", "20261130"))
COUNT = int(os.environ.get("AUTHKIT_PATHS", "1000"))


def made(count: int) -> Iterator[str]:
    """Targets of requests, ASCII alone, as clients can send them."""
    chosen = random.Random(SEED)
    for _ in range(count):
        path = chosen.choice(PATHS["prefixes"]) + chosen.choice(PATHS["places"])
        for _ in range(chosen.choice([0, 1, 1, 1, 2, 2, 3])):
            at = chosen.randrange(len(path) + 1)
            # The end is where routers differ most.
            at = chosen.choice([at, at, len(path)])
            how = chosen.randrange(5)
            if how == 0:
                path = path[:at] + path[at : at + 1].swapcase() + path[at + 1 :]
            elif how == 1:
                path = path[:at] + "".join(f"%{ord(c):02x}" for c in path[at : at + 1]) + path[at + 1 :]
            elif how == 2:
                path = path[:at] + path[at + 1 :]
            else:
                path = path[:at] + chosen.choice(PATHS["junk"]) + path[at:]
        yield path


def all_paths(count: int = COUNT) -> list[str]:
    """The ones that were found, and made ones."""
    return [*dict.fromkeys([row["path"] for row in PATHS["found"]] + list(made(count)))]
