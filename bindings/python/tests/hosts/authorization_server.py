"""The local authorization server (tests/authorization-server), and a user who logs in there."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from http.cookiejar import CookieJar
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlsplit

from cases import REPOSITORY

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

# Far beyond what any test takes: ends a test that hangs.
PATIENCE = 60
# Where clients are sent back to. Nobody listens there: `log_in` reads what they would be told.
REDIRECT_URI = "http://127.0.0.1:9/callback"


class AuthorizationServer:
    """Runs for as long as it is entered."""

    issuer: str
    _admin: str

    def __enter__(self) -> Self:
        server = REPOSITORY / "tests" / "authorization-server" / "server.mjs"
        self._process = subprocess.Popen(
            ["node", str(server), "--exit-with-stdin"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self._process.stdout is not None
        ready = json.loads(self._process.stdout.readline())
        self.issuer, self._admin = ready["issuer"], ready["admin"]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # Closes its stdin, with which it ends.
        self._process.communicate(timeout=PATIENCE)

    def mint(self, **claims: Any) -> str:
        """A token of its key with these claims beside, or in place of, a good token's."""
        return str(self._ask("mint", {"claims": claims})["token"])

    def rotate(self) -> None:
        """Signs with a new key from now on, and publishes no other."""
        self._ask("rotate", {"drop_old": True})

    def fail(self, status: int) -> None:
        """Answers requests for keys with a status from now on; 0 ends that."""
        self._ask("outage", {"status": status})

    def register(self, scope: str) -> dict[str, Any]:
        """A client's registration (RFC 7591) for the scopes that it may ask for."""
        grants = ["authorization_code", "refresh_token"]
        client = {"redirect_uris": [REDIRECT_URI], "grant_types": grants, "scope": scope}
        request = urllib.request.Request(
            f"{self.issuer}/oauth2/register",
            json.dumps(client).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            registered: dict[str, Any] = json.load(answer)
        return registered

    def requests(self) -> dict[str, int]:
        """How often each path was asked for."""
        counts: dict[str, int] = self._ask("requests")
        return counts

    def forget_requests(self) -> None:
        """Counts from zero again."""
        request = urllib.request.Request(f"{self._admin}/requests", method="DELETE")
        urllib.request.urlopen(request, timeout=PATIENCE).close()

    def _ask(self, name: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(f"{self._admin}/{name}", data, timeout=PATIENCE) as answer:
            return json.load(answer)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects but the one back to the client."""

    def redirect_request(self, request: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        if newurl.startswith(REDIRECT_URI):
            raise _Back(newurl)
        return super().redirect_request(request, fp, code, msg, headers, newurl)


class _Back(Exception):
    """The user was sent back to the client."""


def log_in(authorization_url: str) -> dict[str, str]:
    """What a client is told after its user, in a browser of their own, has logged in: `code` and `state`."""
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()), _Redirects())
    try:
        with browser.open(authorization_url, timeout=PATIENCE):
            raise AssertionError("the user was not sent back")
    except _Back as back:
        query = parse_qs(urlsplit(str(back)).query)
        return {name: values[0] for name, values in query.items()}
    except HTTPError as error:
        raise AssertionError(error.read()) from error
