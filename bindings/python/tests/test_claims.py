"""Claims: what they say, and that they are plain data."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Mapping

import pytest

from authkit_verifier import Claims, TokenError, Verifier
from cases import (
    CLIENT_ID,
    EXPIRES_AT,
    ISSUED_AT,
    ISSUER,
    KEY_ID,
    NOW,
    RESOURCE,
    SUBJECT,
    case,
    good_jwks,
    good_token,
    good_verifier,
)


@pytest.fixture
def claims() -> Claims:
    return good_verifier().verify(good_token())


def many_audiences() -> Claims:
    one = case("baseline/aud-array-many")
    return one.verifier().verify(one.token)


def test_attributes(claims: Claims) -> None:
    assert claims.issuer == ISSUER
    assert claims.subject == SUBJECT
    assert claims.audience == (RESOURCE,)
    assert claims.resource == RESOURCE
    assert claims.client_id == CLIENT_ID
    assert claims.scopes == ("openid", "profile", "email")
    assert claims.expires_at == EXPIRES_AT
    assert claims.issued_at == ISSUED_AT
    assert claims.not_before is None
    assert claims.key_id == KEY_ID
    assert claims.algorithm == "RS256"
    assert claims.header == {"alg": "RS256", "kid": KEY_ID, "typ": "JWT"}


def test_audiences_are_all_named_and_the_matching_one_is_the_resource() -> None:
    claims = many_audiences()
    assert claims.audience == ("https://other.example", RESOURCE, "client_x")
    assert claims.resource == RESOURCE


def test_what_authkit_says_of_the_caller(claims: Claims) -> None:
    assert claims.org_id == claims["org_id"]
    assert claims.session_id == claims["sid"]
    assert (claims.role, claims.actor, claims.is_impersonated) == (None, None, False)
    assert claims.roles == claims.permissions == claims.entitlements == claims.feature_flags == ()
    assert claims.actors == ()
    assert (claims.kind, claims.is_machine, claims.family) == ("user", False, "connect")
    assert pickle.loads(pickle.dumps(claims)).kind == "user"


def test_the_family_is_the_issuers() -> None:
    issuers = {ISSUER: {"jwks": good_jwks(), "family": "session", "audience": "if_present"}}
    verifier = Verifier(issuers=issuers, session_client_id=CLIENT_ID, resource=RESOURCE, now=NOW)
    assert verifier.verify(good_token()).family == "session"


def test_a_session_token_of_another_client_is_refused() -> None:
    issuers = {ISSUER: {"jwks": good_jwks(), "family": "session", "audience": "if_present"}}
    verifier = Verifier(issuers=issuers, session_client_id="client_1", resource=RESOURCE, now=NOW)
    for _ in range(3):
        with pytest.raises(TokenError, match="client_id") as refused:
            verifier.verify(good_token())
        assert refused.value.code == "AUDIENCE"


def test_actors_are_told_outermost_first() -> None:
    one = case("kind/act-chain-of-10")
    claims = one.verifier().verify(one.token)
    assert claims.actors == tuple(f"client_0{number}" for number in range(10, 2, -1))
    assert (claims.actor, claims.is_impersonated) == ("client_010", False)
    session = one.settings()
    session["issuers"][ISSUER]["family"] = "session"
    assert Verifier(**session).verify(one.token).is_impersonated


def test_absent_scopes_are_none_at_all() -> None:
    one = case("baseline/no-scope-none-required")
    claims = one.verifier().verify(one.token)
    assert claims.scopes == ()
    assert "scope" not in claims


def test_text_is_unicode() -> None:
    one = case("baseline/unicode-claims")
    claims = one.verifier().verify(one.token)
    assert claims.subject == claims["sub"] == "user_日本"
    assert claims["name"].endswith("🐴")


def test_a_fraction_of_a_second_is_dropped_from_the_attribute_alone() -> None:
    one = case("baseline/exp-float")
    claims = one.verifier().verify(one.token)
    assert claims.expires_at == EXPIRES_AT
    assert claims["exp"] == EXPIRES_AT + 0.5


def test_is_a_mapping_over_the_payload(claims: Claims) -> None:
    assert isinstance(claims, Mapping)
    assert claims["org_id"] == "org_01K7HELD0UT00000000000000"
    assert claims.get("role") is None
    assert claims.get("role", "none") == "none"
    assert "sid" in claims
    assert len(claims) == len(list(claims)) == len(claims.items()) == 10
    assert {**claims} == dict(claims) == claims.to_dict() == json.loads(claims.json)
    with pytest.raises(KeyError, match="role"):
        claims["role"]


def test_is_read_only(claims: Claims) -> None:
    for name in ("subject", "scopes", "_facts", "new"):
        with pytest.raises(AttributeError):
            setattr(claims, name, "x")
        with pytest.raises(AttributeError):
            delattr(claims, name)
    with pytest.raises(TypeError):
        claims["sub"] = "x"  # type: ignore[index]
    with pytest.raises(TypeError):
        del claims["sub"]  # type: ignore[attr-defined]


def test_what_a_lookup_returns_is_the_callers() -> None:
    claims = many_audiences()
    before = claims.json
    for payload in (claims, claims.to_dict(), dict(claims)):
        payload["aud"].append("https://evil.example")
    assert "https://evil.example" not in claims["aud"]
    claims.header["alg"] = "none"
    assert claims.header["alg"] == claims.algorithm == "RS256"
    assert claims.json == before


def test_equality_and_hash(claims: Claims) -> None:
    same = good_verifier().verify(good_token())
    assert claims == same
    assert hash(claims) == hash(same)
    assert claims == claims.to_dict()
    other = many_audiences()
    assert claims != other
    assert len({claims, same, other}) == 2


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("parsed", [False, True])
def test_survives_pickling(claims: Claims, protocol: int, parsed: bool) -> None:
    if parsed:
        assert claims["sub"]
    twin = pickle.loads(pickle.dumps(claims, protocol))
    assert type(twin) is Claims
    assert twin == claims
    assert dict(twin) == dict(claims)
    assert twin.scopes == claims.scopes


def test_survives_copying(claims: Claims) -> None:
    for twin in (copy.copy(claims), copy.deepcopy(claims)):
        assert twin == claims
        assert twin["org_id"] == claims["org_id"]


def test_outlives_its_verifier() -> None:
    verifier = good_verifier()
    claims = verifier.verify(good_token())
    verifier.close()
    del verifier
    assert claims.subject == SUBJECT
    assert claims["sub"] == SUBJECT


def test_repr_says_who_and_not_everything(claims: Claims) -> None:
    assert repr(claims) == f"Claims(issuer={ISSUER!r}, subject={SUBJECT!r}, client_id={CLIENT_ID!r})"


def test_takes_apart_like_data(claims: Claims) -> None:
    match claims:
        case {"sub": subject, "client_id": _}:
            assert subject == SUBJECT
        case _:
            pytest.fail("claims do not match as a mapping")
