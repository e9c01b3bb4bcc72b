"""What the tests in a host get beyond the package's own: the local authorization server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from authorization_server import AuthorizationServer

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def issuer() -> Iterator[AuthorizationServer]:
    with AuthorizationServer() as running:
        yield running
