"""Configuration: keywords, environment, and what reaches the library of them."""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import re
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

import authkit_verifier
from authkit_verifier import (
    AuthKitError,
    ConfigError,
    InsufficientScopeError,
    MisuseError,
    TokenError,
    Verifier,
    _verifier,
)
from cases import (
    CLIENT_ID,
    EXPIRES_AT,
    ISSUER,
    NOW,
    REPOSITORY,
    RESOURCE,
    SUBJECT,
    case,
    good_jwks,
    good_token,
    good_verifier,
)


def keywords() -> set[str]:
    return set(inspect.signature(Verifier).parameters)


def test_the_keywords_are_the_settings() -> None:
    header = (REPOSITORY / "include" / "authkit.h").read_text(encoding="utf-8")
    documented = header[header.index("Sets one setting,") : header.index("authkit_config_set(authkit_config")]
    assert keywords() == set(re.findall(r"^ \* - (\w+):", documented, re.MULTILINE))


def test_every_keyword_is_documented() -> None:
    assert Verifier.__doc__
    described = re.findall(r"^ {8}(\w+): ", inspect.cleandoc(" " * 4 + Verifier.__doc__), re.MULTILINE)
    described += re.findall(r"^ {4}(\w+): ", inspect.cleandoc(Verifier.__doc__), re.MULTILINE)
    assert keywords() <= set(described)


def test_every_keyword_reaches_the_library() -> None:
    # A name that the library did not know, or a value that got lost, would not be refused by its name.
    wrong: dict[str, Any] = {name: ["wrong"] for name in keywords()} | {
        "allow_insecure_http": ["*"],
        "ca_file": {},
        "extra_ca_file": {},
        "fetch_timeout": 31,
        "jwks_cache_dir": {},
        "token_cache_size": -1,
        "audiences": [],
        "accept_client_id_audience": [""],
        "required_scopes": [""],
        "scopes_supported": [""],
        "scope_claims": [""],
        "algorithms": ["none"],
        "leeway": 301,
        "jwks": "wrong",
        "session_client_id": "wrong/",
    }
    plain: dict[str, Any] = {"authkit_domain": ISSUER, "resource": RESOURCE}
    for name, value in wrong.items():
        with pytest.raises(ConfigError) as caught:
            Verifier(**plain | {name: value})
        # A value of a wrong type is reported by its place in the configuration, not by its name.
        assert name in caught.value.reason or "configuration: " in caught.value.reason, caught.value


@pytest.mark.parametrize(
    "scopes", ["openid,email", "openid email", ["openid", "email"], ("email",), {"email"}, iter(["email"])]
)
def test_lists_may_be_any_iterable_or_a_text(scopes: Any) -> None:
    verifier = good_verifier(required_scopes=scopes)
    assert verifier.verify(good_token()).subject == SUBJECT


def test_required_scopes_are_required() -> None:
    with pytest.raises(InsufficientScopeError):
        good_verifier(required_scopes=["openid", "admin"]).verify(good_token())


@pytest.mark.parametrize("scopes", [["admin", "email"], ("email",), {"email"}, "email"])
def test_any_scope_of_several_is_enough(scopes: Any) -> None:
    assert good_verifier().verify(good_token(), any_scopes=scopes)
    assert asyncio.run(
        good_verifier().verify_async(
            good_token(), any_scopes=iter(scopes.split()) if isinstance(scopes, str) else scopes
        )
    )


def test_any_scopes_that_are_not_there_are_all_named() -> None:
    with pytest.raises(InsufficientScopeError, match="admin editor"):
        good_verifier().verify(good_token(), any_scopes=["admin", "editor"])
    with pytest.raises(InsufficientScopeError, match=r"the scope read; and every one of admin editor"):
        good_verifier().try_verify(
            good_token(), required_scopes=["read"], any_scopes=["admin", "editor"], now=NOW
        )


@pytest.mark.parametrize("scopes", [[], "", ["email profile"], ["email", ""], ["a\0b"], ["é"]])
def test_any_scopes_that_are_none_are_misuse(scopes: Any) -> None:
    with pytest.raises(MisuseError):
        good_verifier().verify(good_token(), any_scopes=scopes)


def test_keys_that_would_replace_others_are_refused() -> None:
    issuers = {ISSUER: {"jwks_url": "https://keys.example/jwks"}}
    with pytest.raises(ConfigError, match="jwks_url"):
        Verifier(issuers=issuers, jwks=good_jwks(), resource=RESOURCE)


def test_a_session_client_id_adds_its_issuers() -> None:
    verifier = good_verifier(jwks=None, session_client_id="client_1")
    for issuer in ("https://api.workos.com", "https://api.workos.com/user_management/client_1", ISSUER):
        verifier.set_jwks(good_jwks(), issuer)
    assert verifier.verify(good_token()).family == "connect"
    assert "https://api.workos.com/sso/jwks/client_1" in verifier.describe()
    with pytest.raises(ConfigError, match="session_client_id"):
        good_verifier(session_client_id="../evil")


def test_what_is_in_force_is_described_without_a_secret() -> None:
    description = good_verifier(proxy="http://user:hunter2@proxy.example:3128").describe()
    assert description.startswith(f"resource indicator: {RESOURCE}\n")
    assert "proxy.example:3128" in description
    assert "hunter2" not in description
    assert good_jwks()["keys"][0]["n"] not in description


def test_none_is_not_given_but_empty_is() -> None:
    assert good_verifier(audiences=None).verify(good_token())
    with pytest.raises(ConfigError, match="audiences"):
        good_verifier(audiences=[])


@pytest.mark.parametrize("form", [dict, MappingProxyType, json.dumps])
def test_keys_may_be_a_mapping_or_a_text(form: Any) -> None:
    assert good_verifier(jwks=form(good_jwks())).verify(good_token())
    verifier = good_verifier(jwks=case("baseline/alg-ES256").fields["jwks"], algorithms=["ES256", "RS256"])
    with pytest.raises(TokenError):
        verifier.verify(good_token())
    verifier.set_jwks(form(good_jwks()))
    assert verifier.verify(good_token())


def test_keys_inside_issuers() -> None:
    issuers = {ISSUER: MappingProxyType({"jwks": good_jwks()}), "https://other.example": None}
    verifier = Verifier(issuers=issuers, resource=RESOURCE, now=NOW)
    assert verifier.verify(good_token()).issuer == ISSUER


def test_set_jwks_belongs_to_a_configured_issuer() -> None:
    verifier = good_verifier()
    verifier.set_jwks(good_jwks(), ISSUER)
    with pytest.raises(ConfigError, match="issuer"):
        verifier.set_jwks(good_jwks(), "https://other.example")
    with pytest.raises(ConfigError, match="jwks"):
        verifier.set_jwks({"keys": []})
    with pytest.raises(AuthKitError, match="MISUSE"):
        # Cut at the NUL it would be the configured issuer.
        verifier.set_jwks(good_jwks(), f"{ISSUER}\0.evil.example")
    assert verifier.verify(good_token())


def test_scope_hierarchy_and_scope_claims() -> None:
    verifier = good_verifier(scope_hierarchy={"openid": ("read", "write")}, required_scopes=["write"])
    assert verifier.verify(good_token()).scopes == ("openid", "profile", "email")
    with pytest.raises(ConfigError):
        # Taken for a list, a text would grant its letters.
        good_verifier(scope_hierarchy={"openid": "rw"})
    assert good_verifier(scope_claims=["permissions"]).verify(good_token()).scopes == ()


def test_times() -> None:
    assert good_verifier(now=EXPIRES_AT + 59).verify(good_token())
    for settings in (
        {"now": EXPIRES_AT + 60},
        {"now": EXPIRES_AT, "leeway": 0},
        {"max_token_age": 0, "leeway": 0},
    ):
        with pytest.raises(TokenError, match="EXPIRED"):
            good_verifier(**settings).verify(good_token())
    with pytest.raises(TokenError, match="EXPIRED"):
        # The clock's now: the vector is of 2025.
        Verifier(authkit_domain=ISSUER, resource=RESOURCE, jwks=good_jwks()).verify(good_token())


def test_type_policy() -> None:
    with pytest.raises(TokenError, match="TYPE"):
        good_verifier(typ="rfc9068").verify(good_token())


def test_audiences() -> None:
    settings: dict[str, Any] = {"authkit_domain": ISSUER, "jwks": good_jwks(), "now": NOW}
    base_url, path = RESOURCE.rsplit("/", 1)
    verifier = Verifier(base_url=base_url, **settings)
    assert verifier.resource == verifier.verify(good_token()).resource == RESOURCE
    assert Verifier(base_url=base_url, mcp_path=path, **settings).resource == RESOURCE
    verifier = Verifier(audiences=[RESOURCE], **settings)
    assert verifier.resource is None
    assert verifier.verify(good_token()).resource == RESOURCE
    with pytest.raises(TokenError, match="AUDIENCE"):
        Verifier(audiences=[f"{RESOURCE}/"], **settings).verify(good_token())
    assert Verifier(audiences=[f"{RESOURCE}/"], ignore_trailing_slash=True, **settings).verify(good_token())
    with pytest.raises(TokenError, match="AUDIENCE"):
        Verifier(audiences=["https://a.example"], accept_client_id_audience=[CLIENT_ID], **settings).verify(
            good_token()
        )


def test_a_path_may_be_a_path(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"ca_file .*ca\.pem cannot be read: it does not exist"):
        good_verifier(ca_file=tmp_path / "ca.pem")


@pytest.mark.parametrize("value", [object(), b"https://a.example", 1 + 2j])
def test_a_type_that_no_setting_has_is_a_type_error(value: Any) -> None:
    with pytest.raises(TypeError):
        Verifier(authkit_domain=value)


@pytest.mark.parametrize(
    "settings",
    [
        {"leeway": float("nan")},
        {"leeway": 2**70},
        {"leeway": -1},
        {"authkit_domain": "https://\ud800.example"},
    ],
)
def test_values_that_json_cannot_carry_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        good_verifier(**settings)


def test_a_misspelt_keyword_is_refused() -> None:
    with pytest.raises(TypeError, match="required_scope"):
        Verifier(required_scope=["a"])  # type: ignore[call-arg]


ENVIRONMENT = {
    "AUTHKIT_DOMAIN": ISSUER,
    "AUTHKIT_RESOURCE": RESOURCE,
    "AUTHKIT_JWKS": json.dumps(good_jwks()),
    "AUTHKIT_NOW": str(NOW),
}


def set_environment(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


def test_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch, ENVIRONMENT)
    verifier = Verifier.from_env()
    assert type(verifier) is Verifier
    assert verifier.verify(good_token()).subject == SUBJECT


def test_from_the_guides_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    prefix = "FASTMCP_SERVER_AUTH_AUTHKITPROVIDER_"
    set_environment(
        monkeypatch,
        {
            f"{prefix}AUTHKIT_DOMAIN": ISSUER,
            f"{prefix}BASE_URL": RESOURCE.rsplit("/", 1)[0],
            f"{prefix}REQUIRED_SCOPES": '["openid", "admin"]',
            "AUTHKIT_JWKS": json.dumps(good_jwks()),
        },
    )
    verifier = Verifier.from_env()
    assert verifier.resource == RESOURCE
    with pytest.raises(InsufficientScopeError):
        verifier.verify(good_token(), now=NOW)


@pytest.mark.parametrize(
    "scopes",
    ["openid,admin", "openid admin", "openid, admin # both", '["openid", "admin"]', "'openid admin'"],
)
def test_from_an_env_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, scopes: str) -> None:
    prefix = "FASTMCP_SERVER_AUTH_AUTHKITPROVIDER_"
    file = tmp_path / ".env"
    file.write_text(
        "FASTMCP_SERVER_AUTH=fastmcp.server.auth.providers.workos.AuthKitProvider\n"
        f"{prefix}AUTHKIT_DOMAIN=https://other.example\n{prefix}BASE_URL={RESOURCE.rsplit('/', 1)[0]}\n"
        f"{prefix}REQUIRED_SCOPES={scopes}\nAUTHKIT_JWKS='{json.dumps(good_jwks())}'\n",
        encoding="utf-8",
    )
    # The process environment wins.
    monkeypatch.setenv("AUTHKIT_DOMAIN", ISSUER)
    before = dict(os.environ)
    verifier = Verifier.from_env(env_file=file)
    assert dict(os.environ) == before
    with pytest.raises(InsufficientScopeError, match="the scope admin"):
        verifier.verify(good_token(), now=NOW)


def test_keywords_win_over_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    set_environment(monkeypatch, ENVIRONMENT)
    settings: dict[str, Any] = {
        "resource": "https://keyword.example/mcp",
        "leeway": 7,
        "ignore_trailing_slash": True,
        "required_scopes": iter(["a", "b"]),
        "scope_hierarchy": MappingProxyType({"a": ("b",)}),
        "jwks_cache_dir": tmp_path,
        "proxy": None,
    }
    shown = Verifier.from_env(**settings).describe()
    for line in (
        "resource indicator: https://keyword.example/mcp",
        "leeway: 7",
        "ignore_trailing_slash: true",
        'required_scopes: ["a","b"]',
        'scope_hierarchy: {"a":["b"]}',
        f'jwks_cache_dir: "{tmp_path}"',
        "proxy: null",
    ):
        assert line in shown.splitlines()
    assert f"issuer {ISSUER}: " in shown
    with pytest.raises(ConfigError, match="leeway"):
        Verifier.from_env(leeway=301)
    with pytest.raises(ConfigError, match="leewway"):
        Verifier.from_env(leewway=1)
    with pytest.raises(MisuseError, match=r"U\+0000"):
        Verifier.from_env(resource="https://x\0")
    with pytest.raises(TypeError):
        Verifier.from_env(leeway=object())


def test_an_env_file_that_is_wrong_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="env file"):
        Verifier.from_env(env_file=str(tmp_path / "none"))
    file = tmp_path / ".env"
    for text, says in (
        ("AUTHKIT_REQUIRED_SCOPE=x", "AUTHKIT_REQUIRED_SCOPE"),
        ("AUTHKIT_PROXY=", "AUTHKIT_PROXY"),
        ("A=1\nAUTHKIT_LEEWAY", r"env file '.*\.env' cannot be read: line 2"),
        ("FASTMCP_SERVER_AUTH=AuthKitProvider", "AUTHKITPROVIDER_AUTHKIT_DOMAIN.*AUTHKITPROVIDER_BASE_URL"),
    ):
        file.write_text(text, encoding="utf-8")
        with pytest.raises(ConfigError, match=says):
            Verifier.from_env(env_file=file)


def test_half_an_environment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="AUTHKIT_DOMAIN"):
        Verifier.from_env()
    monkeypatch.setenv("AUTHKIT_DOMAIN", ISSUER)
    with pytest.raises(ConfigError, match="AUTHKIT_BASE_URL"):
        Verifier.from_env()


def test_a_misspelt_variable_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch, ENVIRONMENT | {"AUTHKIT_REQUIRED_SCOPE": "admin"})
    with pytest.raises(ConfigError, match="AUTHKIT_REQUIRED_SCOPE"):
        Verifier.from_env()


def test_a_subclass_is_made_from_the_environment_too(monkeypatch: pytest.MonkeyPatch) -> None:
    class Ours(Verifier):
        pass

    set_environment(monkeypatch, ENVIRONMENT)
    assert type(Ours.from_env()) is Ours


def test_the_default_verifier_is_the_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    # The library keeps the first default of a process for good: this is the one test that may make it.
    monkeypatch.setattr(_verifier, "_default", None)
    with pytest.raises(ConfigError, match="AUTHKIT_DOMAIN"):
        authkit_verifier.verify(good_token())
    # The failure is not remembered.
    set_environment(monkeypatch, ENVIRONMENT)
    assert authkit_verifier.verify(good_token()).subject == SUBJECT
    assert authkit_verifier.verify(good_token(), required_scopes=["email"]).subject == SUBJECT
    with pytest.raises(TokenError, match="EXPIRED"):
        authkit_verifier.verify(good_token(), now=EXPIRES_AT + 100)
