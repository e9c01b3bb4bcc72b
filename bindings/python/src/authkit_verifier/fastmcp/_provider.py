"""FastMCP's AuthKitProvider, with the library's verifier in place of its own."""

from __future__ import annotations

import inspect
import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from fastmcp.server.auth.auth import TokenVerifier
from fastmcp.server.auth.providers.workos import AuthKitProvider as FastMCPAuthKitProvider
from mcp.server.auth.middleware.auth_context import AuthContextMiddleware
from mcp.server.auth.middleware.bearer_auth import RequireAuthMiddleware
from pydantic import AnyHttpUrl
from starlette.middleware import Middleware
from starlette.routing import Route

from .. import _log
from .._errors import AuthKitError, ConfigError, misuse
from .._response import LogLine
from .._verifier import Verifier
from ._gate import Authentication, Gate, WellKnown, logger
from ._outage import is_outage, raised
from ._token import AuthKitAccessToken

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

    from .._response import Decision

_RESOURCE_METADATA = "/.well-known/oauth-protected-resource"
# RFC 9728 section 3.1, RFC 8414 section 3, OpenID Connect Discovery section 4.
_PLACES = (
    _RESOURCE_METADATA,
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
)

# FastMCP 2.12.0 has its own middleware ask the provider first, and makes nothing of what it raises.
_GATE_ASKS_AGAIN = not hasattr(FastMCPAuthKitProvider, "get_middleware")

# Variables by which the resource is said whole, or its path, whatever path FastMCP serves.
_RESOURCE_IS_SAID = {"AUTHKIT_RESOURCE", "AUTHKIT_MCP_PATH"}
_RESOURCE_IN_FILE = re.compile(r"^\s*(?:export\s+)?AUTHKIT_(?:RESOURCE|MCP_PATH)\s*=", re.M | re.I)


class AuthKitProvider(FastMCPAuthKitProvider):
    """Guards a FastMCP server with AuthKit: FastMCP's provider of this name, the same constructor.

    What is not given is taken from the environment, as FastMCP's guide has it
    (`FASTMCP_SERVER_AUTH_AUTHKITPROVIDER_*`) and as `AUTHKIT_*`, then from the env file. Half a configuration
    raises, so that no server starts open. The resource that tokens must be meant for is `base_url` and the
    path that the server is served at.

    Args:
        authkit_domain: URL of the AuthKit domain, `https://your-project-12345.authkit.app`.
        base_url: Public URL of this server, without the MCP path.
        resource_base_url: Where the resource has another public URL than the rest: that.
        required_scopes: Scopes that every token must carry; a list, or one text `a b`.
        token_verifier: Of FastMCP's constructor; takes a `Verifier`, as `verifier` does, and refuses others:
            its verification is what this provider is there for.
        verifier: A ready verifier, in place of all settings; its resource stays as it is.
        env_file: Path of an env file. All its variables count. Default: the file that FastMCP reads, which is
            the one that `FASTMCP_ENV_FILE` names, else `.env` where the process runs, if there is one. In a
            default file only the guide's variables count, and a warning names other authkit variables. It
            is refused if every user can write to it, or if it belongs to neither this user nor root.
        settings: Further keywords of `authkit_verifier.Verifier`: `audiences`, `leeway` ...

    Raises:
        ConfigError: A setting is missing or wrong, or an env file; the reason names it.
    """

    def __init__(
        self,
        *,
        authkit_domain: AnyHttpUrl | str | None = None,
        base_url: AnyHttpUrl | str | None = None,
        resource_base_url: AnyHttpUrl | str | None = None,
        required_scopes: list[str] | str | None = None,
        token_verifier: Verifier | None = None,
        verifier: Verifier | None = None,
        env_file: str | os.PathLike[str] | None = None,
        **settings: Any,
    ) -> None:
        settings |= {
            "authkit_domain": _text(authkit_domain),
            "base_url": _text(resource_base_url or base_url),
            "required_scopes": required_scopes,
            "resource_documentation": _text(settings.get("resource_documentation")),
        }
        self._settings = {name: value for name, value in settings.items() if value is not None}
        self._env_file = env_file
        self._verifier = self._given(verifier, token_verifier)
        # Whether the resource stays, whatever path the server is served at.
        self._stays = self._verifier is not None or self._is_said()
        # The path that the resource is bound to.
        self._path: str | None = None
        # Whether an application was made that its verifier guards.
        self._is_served = False
        facts = _Facts(self._verifier or self._checked())
        if facts.without_effect is not None:
            _log.write(logger, LogLine("warning", facts.without_effect))
        parameters = {
            "authkit_domain": (facts.authorization_servers or facts.issuers)[0],
            "base_url": _text(base_url) or facts.resource,
            "token_verifier": _CoreVerifier(self, facts.required_scopes),
            "resource_base_url": _text(resource_base_url),
            "required_scopes": facts.required_scopes,
            "scopes_supported": facts.scopes_supported,
            "resource_name": settings.get("resource_name"),
            "resource_documentation": settings["resource_documentation"],
        }
        known = inspect.signature(FastMCPAuthKitProvider.__init__).parameters
        super().__init__(**{name: value for name, value in parameters.items() if name in known})
        self.authorization_servers = [AnyHttpUrl(server) for server in facts.authorization_servers]
        self.required_scopes = facts.required_scopes

    @property
    def verifier(self) -> Verifier:
        """The verifier that decides; until the server's path is known, for the default path."""
        if self._verifier is None:
            self._verifier = self._made(None)
        return self._verifier

    async def verify_token(self, token: str) -> AuthKitAccessToken | None:
        """The access token if it is accepted, else None. For hosts that call a verifier in this way.

        Raises:
            AuthKitError: The token could not be judged; `KeysUnavailableError`, for example, means that the
                issuer's keys are missing. With None, the client would throw away a good token. From FastMCP
                4.2 on the error is also a `TokenVerificationError`, which MultiAuth raises again. Even if
                FastMCP does not use it, the client gets the error's `http_status`.
        """
        try:
            return await self._accepted(token)
        except AuthKitError:
            if _GATE_ASKS_AGAIN:
                return None
            raise

    async def _accepted(self, token: str) -> AuthKitAccessToken | None:
        decision: Decision | None = None
        _log.begin(logger, self.verifier)
        try:
            decision = await self.verifier.authorize_async(b"Bearer " + token.encode("utf-8", "replace"))
            refused = decision.error
        except AuthKitError as error:
            refused = error
        if decision is not None and decision.claims is not None:
            return AuthKitAccessToken.of(token, decision.claims, self.verifier)
        if decision is not None:
            # If the gate asks again, the same cause has no second line.
            _log.write_refusal(logger, decision, self.verifier)
        if refused is not None and is_outage(refused):
            raise raised(refused, decision)
        return None

    def set_mcp_path(self, mcp_path: str | None) -> None:
        """Binds the resource to the path that the server is served at, below `base_url`."""
        if mcp_path is not None and mcp_path != self._path and not self._stays:
            self._bind(mcp_path)
            self._path = mcp_path
        inherited = getattr(super(), "set_mcp_path", None)
        if inherited is not None:
            inherited(mcp_path)
        logger.debug("The configuration in force:\n%s", self.verifier.describe().rstrip())

    def _bind(self, mcp_path: str) -> None:
        made = self._made(mcp_path)
        if self._verifier is None or self._is_served:
            # Of two applications at two paths, each has a verifier of its own.
            self._verifier = made
        else:
            # It may be held by the host already, as by `log_to`.
            self._verifier._become(made)

    def get_routes(self, mcp_path: str | None = None, mcp_endpoint: Any = None) -> list[Route]:
        """The well-known documents' routes, and the gate in front of those that FastMCP protects."""
        self.set_mcp_path(mcp_path)
        self._is_served = True
        verifier, serve = self.verifier, WellKnown(self.verifier)
        routes: list[BaseRoute] = [Gate(self, verifier, self.required_scopes)]
        routes += [Route(place, endpoint=serve) for place in _places(verifier, mcp_path)]
        if mcp_endpoint is not None and mcp_path is not None:
            # FastMCP 2.12 has its providers make this route.
            url = self.get_resource_metadata_url()
            check = RequireAuthMiddleware(mcp_endpoint, self.required_scopes, url)
            routes.append(Route(mcp_path, endpoint=check))
        return cast("list[Route]", routes)

    def get_middleware(self) -> list[Any]:
        """What names the user of each request for FastMCP and what the host adds."""
        return [Middleware(Authentication), Middleware(AuthContextMiddleware)]

    def get_resource_metadata_url(self) -> AnyHttpUrl | None:
        """Where the resource's metadata are; for FastMCP 2.12.0."""
        url = self.verifier.resource_metadata_url
        return None if url is None else AnyHttpUrl(url)

    def _given(self, *verifiers: object) -> Verifier | None:
        """The ready verifier, where one is given."""
        given = [verifier for verifier in verifiers if verifier is not None]
        if not given:
            return None
        verifier = given[0]
        if not isinstance(verifier, Verifier):
            raise misuse(
                "token_verifier would take the place of AuthKitProvider's own verification: leave it out, or "
                "use FastMCP's AuthKitProvider"
            )
        if self._settings or len(given) > 1:
            raise misuse("a ready verifier takes no further settings")
        return verifier

    def _is_said(self) -> bool:
        """Whether the resource, or its path, is a setting: then it is not FastMCP's path that counts."""
        if not {"resource", "mcp_path"}.isdisjoint(self._settings):
            return True
        if not _RESOURCE_IS_SAID.isdisjoint(name.upper() for name in os.environ):
            return True
        if self._env_file is None:
            return False
        try:
            return bool(_RESOURCE_IN_FILE.search(Path(self._env_file).read_text("utf-8", "replace")))
        except OSError:
            # The library says so.
            return False

    def _checked(self) -> Verifier:
        """A verifier by which to see that the settings will do, whatever path is served."""
        try:
            return self._made("/")
        except ConfigError:
            pass
        # In words about what was set: the path was not.
        return self._made(None)

    def _made(self, mcp_path: str | None) -> Verifier:
        settings = {"mcp_path": None if self._stays else mcp_path} | self._settings
        if self._env_file is None:
            implicit = os.environ.get("FASTMCP_ENV_FILE", ".env")
            return Verifier._from_env_and_implicit_file(implicit, **settings)
        return Verifier.from_env(self._env_file, **settings)


class _CoreVerifier(TokenVerifier):
    """Where FastMCP wants a verifier of its own kind: asks the provider."""

    def __init__(self, provider: AuthKitProvider, required_scopes: list[str]) -> None:
        super().__init__(required_scopes=required_scopes)
        self._provider = provider

    async def verify_token(self, token: str) -> AuthKitAccessToken | None:
        return await self._provider._accepted(token)


class _Facts:
    """What FastMCP wants to know of the configuration in force, from what the library says of it."""

    def __init__(self, verifier: Verifier) -> None:
        announced = verifier.well_known("GET", _RESOURCE_METADATA)
        if announced is None:
            raise misuse("the verifier knows no resource to guard: give it resource, or base_url")
        document = json.loads(announced.body)
        self.resource: str = document["resource"]
        # None where session tokens alone are taken: nobody can log in to have one.
        self.authorization_servers: list[str] = document.get("authorization_servers", [])
        in_force = dict(line.partition(": ")[::2] for line in verifier.describe().splitlines())
        self.issuers = [name.removeprefix("issuer ") for name in in_force if name.startswith("issuer ")]
        self.required_scopes: list[str] = json.loads(in_force["required_scopes"])
        self.scopes_supported: list[str] = json.loads(in_force["scopes_supported"])
        # Variables in a default env file that have no effect.
        self.without_effect = in_force.get("without effect")


def auth_from_env(env_file: str | os.PathLike[str] | None = None) -> AuthKitProvider:
    """The provider that the environment asks for; FastMCP 3 and newer do not look there themselves.

        mcp = FastMCP(name="AuthKit Secured App", auth=auth_from_env())

    Args:
        env_file: As for `AuthKitProvider`.

    Raises:
        ConfigError: The environment asks for nothing, for half, or for another provider: no server starts.
    """
    return AuthKitProvider(env_file=env_file)


def _places(verifier: Verifier, mcp_path: str | None) -> list[str]:
    """Where clients look for the documents: at the root and, behind it, with the resource's path."""
    resource_path = urlsplit(verifier.resource or "").path.rstrip("/")
    tails = ("", resource_path, (mcp_path or "").rstrip("/"))
    return list(dict.fromkeys(place + tail for place in _PLACES for tail in tails))


def _text(value: object) -> str | None:
    """FastMCP takes its URLs as text and as pydantic's."""
    return None if value is None else str(value)
