"""The official SDK's own client, 1.x or 2.x, with a user who logs in by themselves."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import mcp
from mcp import ClientSession
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata, OAuthToken

from authorization_server import REDIRECT_URI, log_in

try:
    from mcp.shared.auth import AuthorizationCodeResult
except ImportError:  # 1.x has a pair in its place
    AuthorizationCodeResult = None  # type: ignore[assignment, misc]

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class User:
    """A client and its user: what the client was given is kept from one session to the next."""

    def __init__(self, server_url: str) -> None:
        self.server_url = server_url
        self.tokens: OAuthToken | None = None
        self.client: OAuthClientInformationFull | None = None
        # The scopes of each login, in their order.
        self.logins: list[str] = []
        self._told: dict[str, str] = {}

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info

    async def _redirected(self, authorization_url: str) -> None:
        self.logins.append(parse_qs(urlsplit(authorization_url).query)["scope"][0])
        self._told = await asyncio.to_thread(log_in, authorization_url)
        assert "code" in self._told, self._told

    async def _called_back(self) -> Any:
        code, state = self._told["code"], self._told["state"]
        if AuthorizationCodeResult is None:
            return code, state
        return AuthorizationCodeResult(code=code, state=state, iss=self._told.get("iss"))

    def register(self, issuer: str, registration: dict[str, Any]) -> None:
        """Has the client use a registration; 2.x wants to know whose it is."""
        self.client = OAuthClientInformationFull.model_validate(registration | {"issuer": issuer})

    @property
    def access_token(self) -> str:
        assert self.tokens is not None
        return self.tokens.access_token

    def hold(self, access_token: str) -> None:
        """Has the client send another access token from its next session on."""
        assert self.tokens is not None
        self.tokens = self.tokens.model_copy(update={"access_token": access_token, "refresh_token": None})

    @contextlib.asynccontextmanager
    async def session(self) -> AsyncIterator[ClientSession]:
        """A session as every MCP client has one."""
        async with (
            create_mcp_http_client(auth=self._auth()) as http,
            streamable_http_client(self.server_url, http_client=http) as streams,
            ClientSession(streams[0], streams[1]) as session,
        ):
            await session.initialize()
            yield session

    @contextlib.asynccontextmanager
    async def without_session(self) -> AsyncIterator[Any]:
        """A client of the protocol 2026-07-28, which knows no sessions. 2.x has it alone."""
        async with (
            create_mcp_http_client(auth=self._auth()) as http,
            mcp.Client(streamable_http_client(self.server_url, http_client=http)) as client,
        ):
            yield client

    def _auth(self) -> OAuthClientProvider:
        metadata = OAuthClientMetadata.model_validate(
            {"client_name": "test", "redirect_uris": [REDIRECT_URI]}
        )
        return OAuthClientProvider(self.server_url, metadata, self, self._redirected, self._called_back)


async def whoami(session: Any) -> dict[str, Any]:
    """What the tool of that name says: the claims of the token that the client sent."""
    result = await session.call_tool("whoami", {})
    claims: dict[str, Any] = json.loads(result.content[0].text)
    return claims
