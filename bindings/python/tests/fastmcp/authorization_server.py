"""The project's local authorization server (tests/authorization-server), as a context."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from typing import TYPE_CHECKING, Any

from cases import REPOSITORY

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

SERVER = REPOSITORY / "tests" / "authorization-server" / "server.mjs"


class AuthorizationServer:
    """Runs from entering to leaving; `issuer` is its URL."""

    def __enter__(self) -> Self:
        # Ends with its stdin, however this process ends.
        self._process = subprocess.Popen(
            ["node", str(SERVER), "--exit-with-stdin"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._process.stdout is not None
        told = json.loads(self._process.stdout.readline())
        self.issuer: str = told["issuer"]
        self.client_id: str = told["client_id"]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.communicate()

    def mint(self, resource: str, scope: str = "openid mcp:read", **more: Any) -> str:
        """A token for a resource; `more` are further members of the mint endpoint."""
        whose = {"sub": "user_1", "client_id": "client_1"}
        claims = {"aud": resource, "scope": scope, **whose, **more.pop("claims", {})}
        token: str = self._ask("POST", "mint", {"claims": claims, **more})["token"]
        return token

    def rotate(self) -> None:
        """Signs with a new key, and publishes no other."""
        self._ask("POST", "rotate", {"drop_old": True})

    def outage(self, status: int) -> None:
        """Answers requests for keys with a status; 0 ends it."""
        self._ask("POST", "outage", {"status": status})

    def requests(self) -> dict[str, int]:
        """The requests so far, by path."""
        counts: dict[str, int] = self._ask("GET", "requests")
        return counts

    def _ask(self, method: str, name: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.issuer}/test/{name}", data, method=method)
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.load(response)
