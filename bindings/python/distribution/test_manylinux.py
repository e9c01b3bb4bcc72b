"""The wheel that is published, named by AUTHKIT_WHEEL: where it runs, and that its name says so."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

WHEEL = Path(os.environ["AUTHKIT_WHEEL"])
OLDEST = "manylinux_2_17_x86_64"


def test_it_runs_on_every_linux_since_glibc_2_17() -> None:
    tags = WHEEL.stem.split("-", maxsplit=2)[2]
    assert tags == f"py3-none-manylinux2014_x86_64.{OLDEST}"
    said = subprocess.run(
        [sys.executable, "-m", "auditwheel", "show", WHEEL], capture_output=True, text=True, check=True
    ).stdout
    assert f'is consistent with the following platform tag: "{OLDEST}"' in " ".join(said.split())
