"""The `authkit` command that the wheel brings: `python -m authkit_verifier` and the script `authkit`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

COMMAND = Path(__file__).with_name("authkit.exe" if sys.platform == "win32" else "authkit")
# What a shell answers for a command that it does not find; the command's own statuses are small.
NOT_FOUND = 127


def main() -> NoReturn:
    """Becomes the command, so that streams, signals and exit status are its own."""
    try:
        if sys.platform == "win32":
            # Where exec ends this process at once, and whoever waits for it goes on too early.
            sys.exit(subprocess.call([COMMAND, *sys.argv[1:]]))
        os.execv(COMMAND, ["authkit", *sys.argv[1:]])
    except OSError as error:
        print(
            f"authkit_verifier cannot run its command {COMMAND}: {error.strerror}. Install a wheel for this "
            f"platform, or build one from a checkout of authkit-verifier.",
            file=sys.stderr,
        )
        sys.exit(NOT_FOUND)


if __name__ == "__main__":
    main()
