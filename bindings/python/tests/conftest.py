"""What every test gets: an environment without our settings, and a JWKS endpoint where asked for."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from jwks_server import JwksServer

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIXES = ("AUTHKIT_", "FASTMCP_SERVER_AUTH_AUTHKITPROVIDER_")


@pytest.fixture(autouse=True)
def _no_settings_of_the_developer(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(PREFIXES) and name != "AUTHKIT_LIBRARY_PATH":
            monkeypatch.delenv(name)


@pytest.fixture
def server() -> Iterator[JwksServer]:
    with JwksServer() as running:
        yield running
