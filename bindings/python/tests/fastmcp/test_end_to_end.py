"""The guide's server with our import, started by FastMCP's command, and FastMCP's client, which logs in."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import os
import socket
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fastmcp import Client
from fastmcp.client.auth import OAuth

from cases import REPOSITORY
from headless import Browser
from serving import PATIENCE, Connection, text, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from issuing import Issuer

# As it stands in FastMCP's guide, one import changed.
GUIDE = """
from fastmcp import FastMCP
from authkit_verifier.fastmcp import AuthKitProvider

# The AuthKitProvider automatically discovers WorkOS endpoints
# and configures JWT token validation
auth_provider = AuthKitProvider(
    authkit_domain="https://your-project-12345.authkit.app",
    base_url="http://localhost:8000"  # Use your actual server URL
)

mcp = FastMCP(name="AuthKit Secured App", auth=auth_provider)
"""
TOOLS = """
from authkit_verifier.fastmcp import claims, require_scopes

@mcp.tool
def told() -> dict:
    return claims().to_dict()

@mcp.tool
@require_scopes("mcp:write")
def write() -> str:
    return "wrote"
"""
# FastMCP's clients before 2.13 ask for tokens for the server, not for its MCP endpoint.
ASKS_FOR_BASE_URL = tuple(int(part) for part in version("fastmcp").split(".")[:2]) < (2, 13)
if ASKS_FOR_BASE_URL:
    GUIDE = GUIDE.replace("  # Use your", ', mcp_path="/"  # Use your')

# The guide's second form, for FastMCPs that read its variables and for those that do not.
FROM_ENVIRONMENT = """
from fastmcp import FastMCP
from authkit_verifier.fastmcp import auth_from_env

mcp = FastMCP(name="AuthKit Secured App", auth=auth_from_env())
"""


class Running:
    """A server that FastMCP's command runs; stopped and started again, it keeps its address."""

    def __init__(self, directory: Path, source: str, issuer: Issuer, **variables: str) -> None:
        self._log = directory / "server.log"
        self._file = directory / "server.py"
        self._source = source
        self._issuer = issuer
        self._variables = variables
        # Bound for as long as this lives, and never listening: the server may take the port whenever it
        # starts, and nobody else is given it meanwhile.
        self._held = socket.socket()
        self._held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._held.bind(("127.0.0.1", 0))
        self.port = self._held.getsockname()[1]
        self.url = f"http://localhost:{self.port}"

    def start(self) -> Connection:
        source = self._source.replace("https://your-project-12345.authkit.app", self._issuer.issuer)
        self._file.write_text(source.replace("http://localhost:8000", self.url))
        variables = {name: value.replace("BASE_URL", self.url) for name, value in self._variables.items()}
        environment = os.environ | {"AUTHKIT_ALLOW_INSECURE_LOOPBACK": "true", "NO_COLOR": "1"} | variables
        command = Path(sys.executable).with_name("fastmcp")
        arguments = ["run", self._file.name, "--transport", "http", "--port", str(self.port)]
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                [command, *arguments, "--no-banner"],
                cwd=self._file.parent,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        wait_for(self._listens)
        return Connection(f"http://127.0.0.1:{self.port}")

    def _listens(self) -> bool:
        assert self._process.poll() is None, self._log.read_text()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), PATIENCE):
            return True
        return False

    def stop(self) -> str:
        self._process.terminate()
        self._process.wait(PATIENCE)
        return self._log.read_text()


@contextlib.contextmanager
def running(server: Running) -> Iterator[Connection]:
    connection = server.start()
    try:
        yield connection
    finally:
        server.stop()


def client(url: str, *, newest: bool = False) -> Any:
    """FastMCP's client, which logs in; the newest protocol, of FastMCP 4, has no ping any more."""
    options: dict[str, Any] = {}
    if "mode" in inspect.signature(Client.__init__).parameters and not newest:
        options["mode"] = "legacy"
    # Those before 2.13 register for an empty scope unless they are given one.
    auth = OAuth(url, scopes=["openid", "mcp:read"]) if ASKS_FOR_BASE_URL else "oauth"
    return Client(url, auth=auth, **options)


async def call(client: Any, tool: str) -> Any:
    """What a tool returned."""
    returned = await asyncio.wait_for(client.call_tool(tool, {}), PATIENCE)
    return returned.data


def test_the_guide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, issuer: Issuer) -> None:
    browser = Browser(monkeypatch)
    server = Running(tmp_path, GUIDE + TOOLS, issuer)
    mcp = server.url + "/mcp"
    resource = server.url if ASKS_FOR_BASE_URL else mcp

    async def use(served: Connection) -> None:
        async with client(f"{mcp}/") as session:
            assert await asyncio.wait_for(session.ping(), PATIENCE)
            told = await call(session, "told")
            assert told["aud"].rstrip("/") == resource
            assert told["iss"] == issuer.issuer
            assert browser.logins == 1

            # Rotated in the middle of a session: a token of the new key is taken at once.
            issuer.rotate()
            assert await call(session, "told") == told
            assert served.begin(issuer.token(resource)).status == 200

        async with client(f"{mcp}/", newest=True) as session:
            assert (await call(session, "told"))["aud"].rstrip("/") == resource

        # The issuer's keys cannot be had: who has a token is served by those that are known.
        token = issuer.token(resource)
        issuer.fail(500)
        assert '"user_1"' in text(served.call(token, "told"))

        expired = served.begin(issuer.token(resource, claims={"exp": int(time.time()) - 100}))
        assert expired.status == 401
        assert 'error="invalid_token"' in expired.challenge

        forbidden = served.call(token, "write")
        assert forbidden.status == 403
        assert 'error="insufficient_scope"' in forbidden.challenge
        assert 'scope="mcp:write"' in forbidden.challenge
        place = f"{server.url}/.well-known/oauth-protected-resource{resource.removeprefix(server.url)}"
        assert f'resource_metadata="{place}"' in forbidden.challenge
        wide = issuer.token(resource, scope="mcp:read mcp:write")
        assert text(served.call(wide, "write")) == "wrote"

    with running(server) as served:
        asyncio.run(asyncio.wait_for(use(served), 2 * PATIENCE))

    # Started again during the outage it knows no keys, and says so in place of throwing the client out.
    with running(server) as served:
        token = issuer.token(resource)
        assert (served.begin(token).status, served.begin(None).status) == (503, 401)
        issuer.fail(0)
        wait_for(lambda: served.begin(token).status == 200)

        async def again() -> None:
            async with client(f"{mcp}/") as session:
                assert await asyncio.wait_for(session.ping(), PATIENCE)

        asyncio.run(asyncio.wait_for(again(), PATIENCE))
    log = server.stop()
    assert f"resource indicator: {resource}" in " ".join(log.split())
    assert token not in log
    # No traceback goes through our files; what the host's old SDKs have to say is theirs.
    assert "site-packages/authkit_verifier" not in log, log


def test_the_guides_variables(tmp_path: Path, issuer: Issuer) -> None:
    (tmp_path / ".env").write_text(
        "FASTMCP_SERVER_AUTH_AUTHKITPROVIDER_REQUIRED_SCOPES=mcp:read,mcp:write\n"
        f"FASTMCP_SERVER_AUTH_AUTHKITPROVIDER_AUTHKIT_DOMAIN={issuer.issuer}\n"
    )
    variables = {"FASTMCP_SERVER_AUTH_AUTHKITPROVIDER_BASE_URL": "BASE_URL"}
    server = Running(tmp_path, FROM_ENVIRONMENT + TOOLS, issuer, **variables)
    with running(server) as served:
        answer = served.begin(issuer.token(f"{server.url}/mcp"))
        assert answer.status == 403
        assert 'scope="mcp:read mcp:write"' in answer.challenge


@pytest.mark.parametrize("half", [{}, {"FASTMCP_SERVER_AUTH_AUTHKITPROVIDER_BASE_URL": "BASE_URL"}])
def test_half_a_configuration_stops_the_server(tmp_path: Path, issuer: Issuer, half: dict[str, str]) -> None:
    server = Running(tmp_path, FROM_ENVIRONMENT, issuer, **half)
    with pytest.raises(AssertionError, match="AUTHKIT_DOMAIN"):
        server.start()


def test_the_example(tmp_path: Path, issuer: Issuer) -> None:
    source = (REPOSITORY / "examples" / "python" / "fastmcp_server.py").read_text()
    server = Running(tmp_path, source, issuer, AUTHKIT_DOMAIN=issuer.issuer, AUTHKIT_BASE_URL="BASE_URL")
    with running(server) as served:
        resource = f"{server.url}/mcp"
        narrow = issuer.token(resource, claims={"org_id": "org_1"})
        assert text(served.call(narrow, "whoami")) == "user_1 of org_1, by client_1"
        assert served.call(narrow, "save", {"note": "x"}).status == 403
        wide = issuer.token(resource, scope="mcp:write")
        assert text(served.call(wide, "save", {"note": "abc"})) == "saved 3 characters"
