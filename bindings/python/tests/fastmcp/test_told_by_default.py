"""With nothing configured, what `fastmcp run` shows says why a request was refused, and what to change."""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import fastmcp
import pytest

from authorization_server import PATIENCE
from cases import REPOSITORY
from causes import Asked, check_all

if TYPE_CHECKING:
    from collections.abc import Iterator

    from issuing import Issuer

EXAMPLE = REPOSITORY / "examples" / "python" / "fastmcp_server.py"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


@contextlib.contextmanager
def fastmcp_run(port: int, settings: dict[str, str], log: Path) -> Iterator[None]:
    """As the guide starts it."""
    command = [str(Path(sys.executable).with_name("fastmcp")), "run", str(EXAMPLE), "--transport", "http"]
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*command, "--port", str(port)], env=os.environ | settings, stdout=output, stderr=output
        )
    try:
        deadline = time.monotonic() + PATIENCE
        while not is_serving(port):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        yield
    finally:
        process.kill()
        process.wait(PATIENCE)


def is_serving(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    with contextlib.closing(connection):
        try:
            connection.request("GET", "/.well-known/oauth-protected-resource/mcp")
            return connection.getresponse().status == 200
        except OSError:
            return False


@pytest.mark.skipif(
    int(fastmcp.__version__.partition(".")[0]) < 3, reason="once, under a FastMCP of today: it takes a minute"
)
def test_every_usual_cause_has_its_line(
    issuer: Issuer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith(("AUTHKIT_", "FASTMCP_"))]:
        monkeypatch.delenv(name)
    # As in a container or a service: no terminal, and the width that comes with that.
    monkeypatch.delenv("COLUMNS", raising=False)
    port, log = free_port(), tmp_path / "log"

    def serve(settings: dict[str, str], _: Asked) -> contextlib.AbstractContextManager[None]:
        return fastmcp_run(port, settings, log)

    check_all(issuer, log, serve, f"http://127.0.0.1:{port}")
