"""A wheel that pip made of the sdist, named by AUTHKIT_WHEEL: it is the same wherever it is built."""

from __future__ import annotations

import os
from pathlib import Path
from zipfile import ZipFile

WHEEL = Path(os.environ["AUTHKIT_WHEEL"])
COMMAND = Path(os.environ["AUTHKIT_CLI_PATH"])


def test_its_command_is_the_checkouts_byte_for_byte() -> None:
    with ZipFile(WHEEL) as archive:
        assert archive.read("authkit_verifier/authkit") == COMMAND.read_bytes()
