"""A server process for an application of the examples, which can end and start again at one address."""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from authorization_server import PATIENCE
from cases import REPOSITORY

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

EXAMPLES = REPOSITORY / "examples" / "python"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


class ServedApp:
    """`module:name` of examples/python, configured by settings. Requests wait while it is down."""

    def __init__(self, application: str, log: Path, **settings: str) -> None:
        self._application = application
        self._log = log
        # The test listens, so that the address outlives a server, and requests wait for the next one.
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listening.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._settings = {"AUTHKIT_BASE_URL": self.url, **settings}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, *self._command()],
                pass_fds=[self._listening.fileno()],
                cwd=EXAMPLES,
                env=os.environ | self._settings,
                stdout=log,
                stderr=log,
            )

    def _command(self) -> list[str]:
        descriptor = self._listening.fileno()
        if self._application.startswith("flask"):
            bind = f"--bind=fd://{descriptor}"
            return [
                "-m",
                "gunicorn",
                "--preload",
                "--workers=2",
                "--no-control-socket",
                bind,
                self._application,
            ]
        return [str(Path(__file__).parent / "run_server.py"), self._application, str(descriptor)]

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(PATIENCE)
            finally:
                # One that does not end fails the test, and ends all the same.
                self._process.kill()
                self._process = None

    def wait(self) -> int:
        """The status that the process ends with by itself."""
        assert self._process is not None
        return self._process.wait(PATIENCE)

    def restart(self) -> None:
        self.stop()
        self.start()
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """Waits as long as a start may take, so that no client's own patience is put to the test."""
        assert self.ask("GET", "/.well-known/oauth-protected-resource").status == 200, self.log()

    def ask(self, method: str, path: str, token: str | None = None, body: bytes | None = None) -> Answer:
        """One request, as any HTTP client sends it."""
        headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        with contextlib.closing(connection):
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            named = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, named, response.read())

    def ask_raw(self, target: bytes, lines: list[bytes]) -> int:
        """The status that a request gets which no HTTP library would send."""
        request = b"\r\n".join([b"GET " + target + b" HTTP/1.1", b"Host: localhost", *lines])
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as connection:
            connection.sendall(request + b"\r\nConnection: close\r\n\r\n")
            with connection.makefile("rb") as answer:
                return int(answer.readline().split()[1])

    def log(self) -> str:
        return self._log.read_text()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
        self._listening.close()
        # For the report of a test that failed.
        print(self.log())
