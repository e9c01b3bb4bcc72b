"""The usual causes of a refusal (tests/causes), put to a real server, and the lines of its own output."""

from __future__ import annotations

import http.client
import json
import re
import socket
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from authorization_server import PATIENCE, AuthorizationServer
from cases import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

TABLE = REPOSITORY / "tests" / "causes"
CAUSES: list[dict[str, Any]] = json.loads((TABLE / "causes.json").read_text(encoding="utf-8"))["causes"]
_ANSWERED = re.compile(r"answered [0-9]{3}: ")
_PLACE = re.compile(r"\{(now)?([+-]\d+)?([a-z0-9]*)\}")


class Untrusted:
    """An HTTPS server whose certificate nobody trusts."""

    def __init__(self) -> None:
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(TABLE / "untrusted.pem")
        self._http.socket = context.wrap_socket(
            self._http.socket, server_side=True, do_handshake_on_connect=False
        )
        self._http.handle_error = lambda *_: None  # type: ignore[method-assign]
        self.url = f"https://127.0.0.1:{self._http.server_address[1]}"
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()


def groups() -> Iterator[tuple[dict[str, str | None], list[dict[str, Any]]]]:
    """The causes by the settings that they need: one server each."""
    found: dict[str, list[dict[str, Any]]] = {}
    for cause in CAUSES:
        found.setdefault(json.dumps(cause.get("settings", {}), sort_keys=True), []).append(cause)
    for settings, causes in found.items():
        yield json.loads(settings), causes


class Asked:
    """One server that is guarded by these settings, and its output."""

    def __init__(self, issuer: AuthorizationServer, base: str, untrusted: str, log: Path) -> None:
        self._issuer = issuer
        self._log = log
        with socket.create_server(("127.0.0.1", 0)) as listening:
            closed = f"http://127.0.0.1:{listening.getsockname()[1]}"
        self.places = {
            "issuer": issuer.issuer,
            "base": base,
            "resource": f"{base}/mcp",
            "localhost": base.replace("127.0.0.1", "localhost"),
            "closed": closed,
            "untrusted": untrusted,
        }

    def settings(self, more: dict[str, str | None]) -> dict[str, str]:
        usual = {
            "AUTHKIT_DOMAIN": "{issuer}",
            "AUTHKIT_BASE_URL": "{base}",
            "AUTHKIT_REQUIRED_SCOPES": "mcp:read",
            "AUTHKIT_ALLOW_INSECURE_LOOPBACK": "true",
        }
        return {name: str(self._filled(value)) for name, value in (usual | more).items() if value is not None}

    def token(self, cause: dict[str, Any]) -> str:
        if "token" in cause:
            return str(cause["token"])
        claims = {"aud": "{resource}", "scope": "mcp:read"} | cause.get("claims", {})
        signer = {"signer": cause["signer"]} if "signer" in cause else {}
        question = {"claims": {name: self._filled(value) for name, value in claims.items()}} | signer
        return str(self._issuer._ask("mint", question)["token"])

    def ask(self, token: str | None) -> int:
        base = urlsplit(self.places["base"])
        headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        connection = http.client.HTTPConnection(base.hostname or "", base.port, timeout=PATIENCE)
        try:
            connection.request("GET", "/mcp", None, headers)
            return connection.getresponse().status
        finally:
            connection.close()

    def check(self, cause: dict[str, Any]) -> None:
        """Asks once, and again many times; the output has one line that names the cause and the cure."""
        name, token = cause["name"], self.token(cause)
        assert self.ask(token) == cause["status"], name
        patterns = [self._pattern(text) for text in cause["says"]]

        def fitting() -> list[str]:
            return [line for line in self.lines() if all(one.search(line) for one in patterns)]

        deadline = time.monotonic() + PATIENCE
        while not fitting():
            assert time.monotonic() < deadline, f"{name}: no line in\n" + "\n".join(self.lines())
            time.sleep(0.02)
        for _ in range(20):
            assert self.ask(token) in (cause["status"], cause.get("later")), name
        lines = fitting()
        refusals = [line for line in lines if _ANSWERED.search(line)] or lines
        assert len(refusals) == 1, f"{name}: " + "\n".join(lines)
        assert token not in self._log.read_text(errors="replace"), name

    def check_anonymous(self) -> None:
        """Requests without credentials write nothing."""
        before = self.lines()
        for _ in range(20):
            assert self.ask(None) == 401
        after = self.lines()
        assert [line for line in after if _ANSWERED.search(line)] == [
            line for line in before if _ANSWERED.search(line)
        ]

    def check_start(self) -> None:
        """The start is told in lines that are whole."""
        for text in (
            f"resource indicator: {self.places['resource']}",
            "trusted issuer: ",
            "required scopes: ",
        ):
            found = [line for line in self.lines() if text in line]
            assert len(found) >= 1, "\n".join(self.lines())
        assert any(line.endswith(f"resource indicator: {self.places['resource']}") for line in self.lines())

    def lines(self) -> list[str]:
        return self._log.read_text(errors="replace").splitlines()

    def _pattern(self, text: str) -> re.Pattern[str]:
        quoted = {name: re.escape(value) for name, value in self.places.items()}
        return re.compile(_PLACE.sub(lambda match: quoted[match[3]], text))

    def _filled(self, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if value.startswith("{now"):
            return int(time.time()) + int(value[4:-1])
        return _PLACE.sub(lambda match: self.places.get(match[3], match[0]), value)


def check_all(
    issuer: AuthorizationServer, log: Path, serve: Callable[[dict[str, str], Asked], Any], base: str
) -> None:
    """Puts every cause to servers that `serve` runs as context managers, one for each group."""
    untrusted = Untrusted()
    try:
        for settings, causes in groups():
            asked = Asked(issuer, base, untrusted.url, log)
            log.write_text("")
            with serve(asked.settings(settings), asked):
                for cause in causes:
                    asked.check(cause)
                if not settings:
                    asked.check_anonymous()
                    asked.check_start()
    finally:
        untrusted.close()
