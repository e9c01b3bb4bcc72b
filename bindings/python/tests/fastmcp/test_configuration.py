"""Where the provider's settings come from, and that what is missing stops the server."""

from __future__ import annotations

import asyncio
import logging
import os
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fastmcp
import pytest
from fastmcp import FastMCP
from fastmcp.server.auth.providers.jwt import JWTVerifier
from fastmcp.server.auth.providers.workos import AuthKitProvider as FastMCPAuthKitProvider
from pydantic import AnyHttpUrl

from authkit_verifier import ConfigError, MisuseError, Verifier
from authkit_verifier.fastmcp import AuthKitProvider, auth_from_env
from cases import ISSUER, NOW, RESOURCE, SUBJECT, good_jwks, good_token

if TYPE_CHECKING:
    from collections.abc import Mapping

BASE_URL = RESOURCE.removesuffix("/mcp")
OURS = "authkit_verifier.fastmcp.AuthKitProvider"
GUIDE = {
    "FASTMCP_SERVER_AUTH": "fastmcp.server.auth.providers.workos.AuthKitProvider",
    "FASTMCP_SERVER_AUTH_AUTHKITPROVIDER_AUTHKIT_DOMAIN": ISSUER,
    "FASTMCP_SERVER_AUTH_AUTHKITPROVIDER_BASE_URL": BASE_URL,
    "FASTMCP_SERVER_AUTH_AUTHKITPROVIDER_REQUIRED_SCOPES": "openid,profile,email",
}


def set_variables(monkeypatch: pytest.MonkeyPatch, variables: Mapping[str, str]) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


def accepts_the_good_token(provider: AuthKitProvider) -> bool:
    token = asyncio.run(provider.verify_token(good_token()))
    assert token is None or token.claims["sub"] == SUBJECT
    return token is not None


def test_it_is_fastmcps_provider() -> None:
    provider = AuthKitProvider(authkit_domain=AnyHttpUrl(ISSUER + "/"), base_url=AnyHttpUrl(BASE_URL))
    assert isinstance(provider, FastMCPAuthKitProvider)
    assert provider.authkit_domain == ISSUER
    assert str(provider.base_url).rstrip("/") == BASE_URL
    assert provider.verifier.resource == RESOURCE
    assert provider.required_scopes == []
    assert FastMCP("x", auth=provider).auth is provider


def test_a_token_is_verified_for_hosts_that_ask_for_that() -> None:
    settings: dict[str, Any] = {"authkit_domain": ISSUER, "base_url": BASE_URL}
    settings |= {"jwks": good_jwks(), "now": NOW}
    assert accepts_the_good_token(AuthKitProvider(**settings))
    assert not accepts_the_good_token(AuthKitProvider(**settings, audiences=["https://other.example"]))
    assert not accepts_the_good_token(AuthKitProvider(**settings, required_scopes="admin"))
    provider = AuthKitProvider(**settings, leeway=0)
    assert accepts_the_good_token(provider)
    assert asyncio.run(provider.token_verifier.verify_token(good_token())) is not None
    assert asyncio.run(provider.verify_token("forged")) is None


@pytest.mark.parametrize("make", [AuthKitProvider, auth_from_env])
def test_the_guides_variables(monkeypatch: pytest.MonkeyPatch, make: Any) -> None:
    set_variables(monkeypatch, GUIDE)
    provider = make()
    assert provider.authkit_domain == ISSUER
    assert provider.required_scopes == ["openid", "profile", "email"]
    assert provider.verifier.resource == RESOURCE


def test_our_variables_and_keywords_before_them(monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {"AUTHKIT_BASE_URL": "https://env.example", "AUTHKIT_REQUIRED_SCOPES": "a b"}
    set_variables(monkeypatch, {"AUTHKIT_DOMAIN": ISSUER} | variables)
    assert auth_from_env().verifier.resource == "https://env.example/mcp"
    provider = AuthKitProvider(base_url=BASE_URL)
    assert provider.verifier.resource == RESOURCE
    assert provider.required_scopes == ["a", "b"]
    assert AuthKitProvider(base_url=BASE_URL, required_scopes=[]).required_scopes == []


@pytest.mark.parametrize("given", [True, False])
def test_an_env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: bool) -> None:
    # FastMCP reads .env where it stands; the fixture has gone to tmp_path.
    place = tmp_path / ("settings.env" if given else ".env")
    place.write_text("".join(f"{name}={value}\n" for name, value in GUIDE.items()))
    assert auth_from_env(place if given else None).verifier.resource == RESOURCE
    if not given:
        monkeypatch.setenv("FASTMCP_ENV_FILE", "none.env")
        with pytest.raises(ConfigError):
            auth_from_env()
    with pytest.raises(ConfigError):
        auth_from_env(tmp_path / "missing.env")


def lines(variables: Mapping[str, str]) -> str:
    return "".join(f"{name}={value}\n" for name, value in variables.items())


# What each would make the server trust beside what its code says.
TRUST = {
    "AUTHKIT_ISSUERS": '{"https://evil.example": {}}',
    "AUTHKIT_SESSION_CLIENT_ID": "client_evil",
    "AUTHKIT_AUDIENCES": "https://evil.example",
    "AUTHKIT_ACCEPT_CLIENT_ID_AUDIENCE": "client_evil",
    "AUTHKIT_JWKS": '{"keys": []}',
    "AUTHKIT_CA_FILE": "/evil/ca.pem",
    "AUTHKIT_PROXY": "http://evil.example:1",
    "AUTHKIT_NOW": "1",
    "AUTHKIT_LEEWAY": "300",
    "AUTHKIT_JWKS_CACHE_DIR": "/evil",
    "AUTHKIT_MCP_PATH": "/evil",
    "AUTHKIT_RESOURCE": "https://evil.example/mcp",
}
OTHERS = """DATABASE_URL=postgres://u:${PGPASS}@h/db
NAME
A='x' y
B="never closed
KEY=`
FASTMCP_SERVER_AUTH_AUTHKITPROVIDER_AUTHKIT_DOMAIN=https://evil.example
`
"""


@pytest.mark.parametrize("by_fastmcps_variable", [True, False])
def test_a_file_that_nobody_named_adds_no_trust_and_stops_no_server(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    by_fastmcps_variable: bool,
) -> None:
    if by_fastmcps_variable:
        monkeypatch.setenv("FASTMCP_ENV_FILE", "other.env")
    file = tmp_path / ("other.env" if by_fastmcps_variable else ".env")
    for name in ("fastmcp", "FastMCP"):
        logging.getLogger(name).addHandler(caplog.handler)
    settings: dict[str, Any] = {"authkit_domain": ISSUER, "base_url": BASE_URL}
    provider = AuthKitProvider(**settings)
    without = provider.verifier.describe()
    assert "without effect" not in caplog.text
    for name, value in TRUST.items():
        caplog.clear()
        file.write_text(f"{OTHERS}{name}={value}\n{OTHERS}{name.lower()} ${{X}}\n")
        provider = AuthKitProvider(**settings)
        told = provider.verifier.describe()
        assert told.startswith(without), name
        (warning,) = {record.getMessage() for record in caplog.records if "authkit" in record.name}
        for word in (name, file.name, "env_file"):
            assert word in warning
        provider.set_mcp_path("/other")
        assert provider.verifier.resource == f"{BASE_URL}/other"
        assert "evil" not in provider.verifier.describe()
    # Named, all of it counts.
    file.write_text(f"{OTHERS}{lines({'AUTHKIT_AUDIENCES': 'https://named.example'})}")
    assert "named.example" in AuthKitProvider(**settings, env_file=file).verifier.describe()


def test_of_a_file_that_nobody_named_the_guides_variables_count(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"{OTHERS}{lines(GUIDE)}{OTHERS}{lines(TRUST)}")
    provider = auth_from_env()
    assert provider.verifier.resource == RESOURCE
    assert provider.required_scopes == ["openid", "profile", "email"]
    assert "evil" not in provider.verifier.describe()


def test_a_file_that_a_stranger_can_have_written_is_refused_unless_it_was_named(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text(lines(GUIDE))
    for mode, is_read in ((0o600, True), (0o644, True), (0o664, True), (0o646, False), (0o666, False)):
        file.chmod(mode)
        assert auth_from_env(file).verifier.resource == RESOURCE
        if is_read:
            assert auth_from_env().verifier.resource == RESOURCE
            continue
        # Whatever the code says: a required scope may stand in it.
        complete: dict[str, Any] = {"authkit_domain": ISSUER, "base_url": BASE_URL}
        for settings in ({}, complete):
            with pytest.raises(ConfigError, match=r"not chosen by name, and every user can write"):
                AuthKitProvider(**settings)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("FASTMCP_SERVER_AUTH_AUTHKITPROVIDER_REQUIRED_SCOPE=hunter2", "REQUIRED_SCOPE"),
        ("FASTMCP_SERVER_AUTH_AUTHKITPROVIDER_REQUIRED_SCOPES: hunter2", "NAME=value"),
        ("FASTMCP_SERVER_AUTH_AUTHKITPROVIDER_REQUIRED_SCOPES='hunter2", "does not end"),
        ("FASTMCP_SERVER_AUTH_AUTHKITPROVIDER_REQUIRED_SCOPES=${hunter2}", "another variable"),
    ],
)
def test_a_damaged_line_of_the_guides_stops_the_server(tmp_path: Path, line: str, says: str) -> None:
    (tmp_path / ".env").write_text(f"NAME\n{line}\n")
    with pytest.raises(ConfigError, match=rf"'\.env'.* line 2.*{says}") as refused:
        AuthKitProvider(authkit_domain=ISSUER, base_url=BASE_URL)
    assert "hunter2" not in str(refused.value)


def test_who_relies_on_a_file_that_nobody_named_is_told_to_name_it(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"AUTHKIT_DOMAIN={ISSUER}\nAUTHKIT_BASE_URL={BASE_URL}\n")
    with pytest.raises(ConfigError) as refused:
        auth_from_env()
    assert "'.env' sets AUTHKIT_BASE_URL and 1 more without effect" in (refused.value.hint or "")
    assert auth_from_env(".env").verifier.resource == RESOURCE


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({}, "authkit_domain"),
        ({"FASTMCP_SERVER_AUTH": OURS}, "FASTMCP_SERVER_AUTH asks for AuthKit"),
        ({"AUTHKIT_DOMAIN": ISSUER}, "base_url"),
        ({"FASTMCP_SERVER_AUTH_AUTHKITPROVIDER_AUTHKIT_DOMAIN": ISSUER}, "base_url"),
        ({"FASTMCP_SERVER_AUTH_AUTHKITPROVIDER_BASE_URL": BASE_URL}, "authkit_domain"),
        (GUIDE | {"AUTHKIT_REQUIRED_SCOPE": "a"}, "AUTHKIT_REQUIRED_SCOPE"),
        (GUIDE | {"FASTMCP_SERVER_AUTH": "other.GitHubProvider"}, "GitHubProvider"),
        (GUIDE | {"FASTMCP_SERVER_AUTH_AUTHKITPROVIDER_REQUIRED_SCOPES": ""}, "REQUIRED_SCOPES"),
        ({"FASTMCP_SERVER_AUTH": "fastmcp.server.auth.providers.github.GitHubProvider"}, "authkit_domain"),
    ],
)
def test_what_is_missing_or_wrong_stops_the_server(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], named: str
) -> None:
    set_variables(monkeypatch, variables)
    with pytest.raises(ConfigError, match=f"(?i){named}"):
        auth_from_env()


def test_the_resource_or_its_path_can_be_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings: dict[str, Any] = {"authkit_domain": ISSUER}
    provider = AuthKitProvider(**settings, resource="https://public.example/files")
    provider.set_mcp_path("/mcp")
    assert provider.verifier.resource == "https://public.example/files"
    provider = AuthKitProvider(**settings, base_url=BASE_URL, mcp_path="/public")
    provider.set_mcp_path("/mcp")
    assert provider.verifier.resource == f"{BASE_URL}/public"
    monkeypatch.setenv("AUTHKIT_MCP_PATH", "/from/env")
    provider = AuthKitProvider(**settings, base_url=BASE_URL)
    provider.set_mcp_path("/mcp")
    assert provider.verifier.resource == f"{BASE_URL}/from/env"
    monkeypatch.delenv("AUTHKIT_MCP_PATH")
    (tmp_path / ".env").write_text("export AUTHKIT_RESOURCE=https://file.example/mcp\n")
    provider = AuthKitProvider(**settings, env_file=".env")
    provider.set_mcp_path("/other")
    assert provider.verifier.resource == "https://file.example/mcp"


def test_a_resource_of_another_host() -> None:
    provider = AuthKitProvider(
        authkit_domain=ISSUER, base_url="https://auth.example", resource_base_url=BASE_URL
    )
    provider.set_mcp_path("/mcp")
    assert provider.verifier.resource == RESOURCE


def test_a_base_url_with_the_mcp_path_is_refused_when_the_path_is_known() -> None:
    provider = AuthKitProvider(authkit_domain=ISSUER, base_url=RESOURCE)
    with pytest.raises(ConfigError, match="already ends in /mcp"):
        provider.get_routes()
    # At the root of what base_url names it is right.
    provider.set_mcp_path("/")
    assert provider.verifier.resource == RESOURCE


def test_session_tokens_alone() -> None:
    provider = AuthKitProvider(session_client_id="client_01", base_url=BASE_URL)
    assert provider.authorization_servers == []
    assert provider.verifier.resource == RESOURCE


def test_a_path_keeps_its_verifier_and_its_keys() -> None:
    provider = AuthKitProvider(authkit_domain=ISSUER, base_url=BASE_URL)
    provider.set_mcp_path("/mcp")
    verifier = provider.verifier
    provider.get_routes("/mcp")
    assert provider.verifier is verifier


def test_verifiers_that_are_given() -> None:
    verifier = Verifier(authkit_domain=ISSUER, resource=RESOURCE, jwks=good_jwks(), now=NOW)
    assert accepts_the_good_token(AuthKitProvider(verifier=verifier))
    assert AuthKitProvider(token_verifier=verifier).verifier is verifier
    with pytest.raises(MisuseError, match="no further settings"):
        AuthKitProvider(verifier=verifier, base_url=BASE_URL)
    with pytest.raises(MisuseError, match="no resource"):
        AuthKitProvider(verifier=Verifier(authkit_domain=ISSUER, audiences=["x"]))
    theirs: Any = JWTVerifier(jwks_uri=f"{ISSUER}/oauth2/jwks")
    with pytest.raises(MisuseError, match="FastMCP's AuthKitProvider"):
        AuthKitProvider(authkit_domain=ISSUER, base_url=BASE_URL, token_verifier=theirs)


def reads_the_guides_variables() -> bool:
    numbers = version("fastmcp").split(".")
    return (2, 12, 1) <= tuple(int(number) for number in numbers[:3]) < (3,)


def test_fastmcp_makes_the_provider_that_its_variable_names(monkeypatch: pytest.MonkeyPatch) -> None:
    if not reads_the_guides_variables():
        pytest.skip("FastMCP reads FASTMCP_SERVER_AUTH from 2.12.1 to 2.14 alone")
    set_variables(monkeypatch, GUIDE | {"FASTMCP_SERVER_AUTH": OURS})
    monkeypatch.setattr(fastmcp, "settings", type(fastmcp.settings)())
    mcp: FastMCP[Any] = FastMCP("from the environment")
    assert type(mcp.auth) is AuthKitProvider
    assert mcp.auth.verifier.resource == RESOURCE
    monkeypatch.delenv("FASTMCP_SERVER_AUTH_AUTHKITPROVIDER_BASE_URL")
    with pytest.raises(ConfigError):
        FastMCP("half of it")
    assert os.environ["FASTMCP_SERVER_AUTH"] == OURS
