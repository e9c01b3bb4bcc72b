"""gunicorn and uvicorn: several worker processes over one module-level verifier all verify, none hangs."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cases import good_token
from jwks_server import PATIENCE, JwksServer

if TYPE_CHECKING:
    from collections.abc import Iterator

WORKERS = 4


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a socket in the file system, which needs no port."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=PATIENCE)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE)
        self.sock.connect(str(self._path))


def ask(path: Path, token: str) -> tuple[int, int]:
    """The status that a request with this token gets, and the process that answered."""
    with contextlib.closing(UnixConnection(path)) as connection:
        connection.request("GET", "/", headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        return answer.status, int(answer.read())


@contextlib.contextmanager
def running(
    command: list[str], path: Path, at_import: str, jwks: JwksServer, **settings: str
) -> Iterator[None]:
    """A server that listens at the path; it must end when told to, and without a complaint."""
    environment = os.environ | {
        "SERVED_SETTINGS": json.dumps(jwks.settings(**settings)),
        "SERVED_TOKEN": good_token(),
        "SERVED_AT_IMPORT": at_import,
    }
    log = path.with_suffix(".log")
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=Path(__file__).parent,
            env=environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
        ) as server,
    ):
        try:
            wait_until_listening(server, path, log)
            yield
            server.send_signal(signal.SIGTERM)
            assert server.wait(PATIENCE) in (0, -signal.SIGTERM), log.read_text()
        finally:
            # Its workers too, which a server that failed leaves behind.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGKILL)
    assert "Traceback" not in log.read_text(), log.read_text()


def wait_until_listening(server: subprocess.Popen[bytes], path: Path, log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        assert server.poll() is None, log.read_text()
        assert time.monotonic() < end, log.read_text()
        with (
            contextlib.suppress(FileNotFoundError, ConnectionRefusedError),
            socket.socket(socket.AF_UNIX) as one,
        ):
            one.connect(str(path))
            return
        time.sleep(0.01)


def gunicorn(path: Path, *more: str) -> list[str]:
    command = ["gunicorn", "served:wsgi", "--preload", "--workers", str(WORKERS), "--no-control-socket"]
    return [*command, "--bind", f"unix:{path}", *more]


def assert_every_worker_accepts(path: Path, count: int) -> None:
    """Asks until each worker has answered: which one takes a request is the system's choice."""
    end = time.monotonic() + PATIENCE
    workers: set[int] = set()
    with ThreadPoolExecutor(8) as pool:
        while len(workers) < count:
            assert time.monotonic() < end, f"{len(workers)} of {count} workers answered"
            for status, worker in pool.map(ask, [path] * 16, [good_token()] * 16):
                assert status == 200
                workers.add(worker)


@pytest.mark.parametrize(
    "threads", [[], ["--worker-class", "gthread", "--threads", "4"]], ids=["sync", "gthread"]
)
def test_gunicorn_preload_with_a_cold_verifier(
    server: JwksServer, tmp_path: Path, threads: list[str]
) -> None:
    path = tmp_path / "socket"
    with running(gunicorn(path, *threads), path, "nothing", server), ThreadPoolExecutor(64) as pool:
        with server.hold():
            requests = [pool.submit(ask, path, good_token()) for _ in range(64)]
            if not threads:
                # A sync worker takes one request at a time: each waits for keys of its own.
                server.wait_for_gets(WORKERS)
            server.wait_until_asked()
        assert {request.result(PATIENCE)[0] for request in requests} == {200}
        assert_every_worker_accepts(path, WORKERS)
        assert ask(path, "forged")[0] == 401
        assert server.gets == WORKERS


def test_gunicorn_preload_with_keys_fetched_by_the_parent(server: JwksServer, tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with running(gunicorn(path), path, "refresh", server):
        assert_every_worker_accepts(path, WORKERS)
        assert server.gets == 1


@pytest.mark.parametrize("attempt", range(5))
def test_gunicorn_forks_in_the_middle_of_the_parents_fetch(
    server: JwksServer, tmp_path: Path, attempt: int
) -> None:
    path = tmp_path / f"socket-{attempt}"
    with (
        ThreadPoolExecutor(16) as pool,
        server.hold() as held,
        running(gunicorn(path), path, "start", server),
    ):
        server.wait_until_asked()
        requests = [pool.submit(ask, path, good_token()) for _ in range(16)]
        # The parent's fetch is no worker's: each makes its own.
        server.wait_for_gets(1 + WORKERS)
        held.release()
        assert {request.result(PATIENCE)[0] for request in requests} == {200}
        assert_every_worker_accepts(path, WORKERS)
        assert server.gets == 1 + WORKERS


def test_workers_share_one_fetch_by_a_directory(server: JwksServer, tmp_path: Path) -> None:
    path, shared = tmp_path / "socket", str(tmp_path / "keys")
    with running(gunicorn(path), path, "nothing", server, jwks_cache_dir=shared):
        assert_every_worker_accepts(path, WORKERS)
    # Workers of a later start as well, and such as were not forked.
    command = ["uvicorn", "served:asgi", "--workers", "2", "--uds", str(path), "--no-access-log"]
    path.unlink(missing_ok=True)
    with running(command, path, "nothing", server, jwks_cache_dir=shared):
        assert_every_worker_accepts(path, 2)
    assert server.gets == 1


def test_uvicorn_with_workers(server: JwksServer, tmp_path: Path) -> None:
    path = tmp_path / "socket"
    command = ["uvicorn", "served:asgi", "--workers", "2", "--uds", str(path), "--no-access-log"]
    with running(command, path, "nothing", server), ThreadPoolExecutor(64) as pool:
        with server.hold():
            requests = [pool.submit(ask, path, good_token()) for _ in range(64)]
            server.wait_until_asked()
        assert {request.result(PATIENCE)[0] for request in requests} == {200}
        assert_every_worker_accepts(path, 2)
        assert ask(path, "forged")[0] == 401
        assert server.gets == 2
