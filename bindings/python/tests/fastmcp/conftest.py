"""What the tests under a FastMCP get: the local authorization server, once for all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from issuing import Issuer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def _running() -> Iterator[Issuer]:
    with Issuer() as server:
        yield server


@pytest.fixture
def issuer(_running: Issuer) -> Iterator[Issuer]:
    yield _running
    _running.fail(0)


@pytest.fixture(autouse=True)
def _no_files_of_the_developer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # FastMCP reads .env where it stands, and older ones keep tokens at home.
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("FASTMCP_SERVER_AUTH", raising=False)
