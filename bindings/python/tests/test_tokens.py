"""What goes in: tokens of every type and content, and what one call demands."""

from __future__ import annotations

import asyncio
from array import array
from typing import TYPE_CHECKING, Any

import pytest

from authkit_verifier import (
    AuthKitError,
    InsufficientScopeError,
    MisuseError,
    TokenError,
    Verifier,
    _verifier,
)
from cases import EXPIRES_AT, NOW, SUBJECT, good_token, good_verifier

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(scope="module")
def verifier() -> Verifier:
    return good_verifier()


def test_text_and_bytes_are_the_same(verifier: Verifier) -> None:
    assert verifier.verify(good_token()) == verifier.verify(good_token().encode())


@pytest.mark.parametrize(
    "token",
    [
        "",
        b"",
        " ",
        good_token() + "\0",
        good_token() + "\0x",
        "\0" + good_token(),
        good_token().encode() + b"\0",
        good_token() + "\n",
        "Bearer " + good_token(),
        good_token() + "\ud800",
        "\udcff",
        "\udcff" + good_token(),
        b"\xff\xfe",
        good_token().replace("a", "é", 1),
        good_token().encode("utf-16"),
        "🐴",
    ],
)
def test_what_is_no_token_is_malformed(verifier: Verifier, token: str | bytes) -> None:
    for judge in (verifier.verify, verifier.try_verify):
        with pytest.raises(TokenError) as caught:
            judge(token)
        assert caught.value.code == "MALFORMED"


@pytest.mark.parametrize("size", [16 * 1024 + 1, 1 << 20])
def test_what_is_too_long_is_too_large(verifier: Verifier, size: int) -> None:
    with pytest.raises(TokenError, match="TOO_LARGE"):
        verifier.verify("a" * size)


@pytest.mark.parametrize("token", [None, 5, ["a"], bytearray(b"a.b.c"), object()])
def test_other_types_are_type_errors_that_do_not_show_the_value(verifier: Verifier, token: Any) -> None:
    with pytest.raises(TypeError, match="expected str or bytes") as caught:
        verifier.verify(token)
    assert str(caught.value).endswith(type(token).__name__)


@pytest.mark.parametrize("kind", [bytearray, memoryview, lambda octets: array("B", octets)])
def test_octets_that_another_thread_can_change_are_not_read(verifier: Verifier, kind: Any) -> None:
    octets = kind(good_token().encode())
    takers: list[Callable[[], object]] = [
        lambda: verifier.verify(octets),
        lambda: verifier.try_verify(octets),
        lambda: asyncio.run(verifier.verify_async(octets)),
        lambda: verifier.authorize(octets),
        lambda: verifier.authorize(None, query=octets),
        lambda: asyncio.run(verifier.authorize_async(octets)),
        lambda: verifier.well_known("GET", octets),
        lambda: verifier.well_known(octets, "/"),
        lambda: verifier.set_jwks(octets),
        lambda: verifier.set_jwks("{}", octets),
        lambda: Verifier(authkit_domain=octets),
        lambda: Verifier(jwks=octets),
        lambda: Verifier(required_scopes=octets),
        lambda: Verifier.from_env(octets),
        lambda: verifier.verify(good_token(), required_scopes=[octets]),
        lambda: verifier.verify(good_token(), any_scopes=[octets]),
    ]
    for taker in takers:
        with pytest.raises((TypeError, AuthKitError)):
            taker()


def test_scopes_of_one_call(verifier: Verifier) -> None:
    for scopes in ([], ["openid"], ("openid", "email"), {"profile"}, iter(["openid"]), "email"):
        assert verifier.verify(good_token(), required_scopes=scopes).subject == SUBJECT
    for scopes in (["admin"], ("openid", "admin"), iter(["admin"]), "admin", ["OPENID"]):
        with pytest.raises(InsufficientScopeError):
            verifier.verify(good_token(), required_scopes=scopes)


def test_demands_of_one_call_do_not_reach_the_next(verifier: Verifier) -> None:
    for _ in range(2):
        with pytest.raises(InsufficientScopeError):
            verifier.verify(good_token(), required_scopes=["admin"])
        assert verifier.verify(good_token())
        assert verifier.verify(good_token(), required_scopes=["email"])


@pytest.mark.parametrize(
    "scope", ["", "a b", 'a"b', "é", "\ud800", "openid\0", "openid\0admin", "openid,email"]
)
def test_what_is_no_scope_is_never_granted(verifier: Verifier, scope: str) -> None:
    # As a list and as a single text; a NUL must not cut `openid\0admin` down to `openid`.
    for scopes in ([scope], [scope, "openid"], scope):
        if not scopes:
            continue
        with pytest.raises((MisuseError, InsufficientScopeError)):
            verifier.verify(good_token(), required_scopes=scopes)


def test_required_scopes_must_be_texts(verifier: Verifier) -> None:
    with pytest.raises(TypeError):
        verifier.verify(good_token(), required_scopes=[5])  # type: ignore[list-item]
    with pytest.raises(TypeError):
        verifier.verify(good_token(), required_scopes=5)  # type: ignore[arg-type]


@pytest.mark.parametrize("scopes", [None, "", False, 0, 0.0, b"read", [None], ["read", None], {"": 1}])
def test_what_is_no_list_of_scopes_demands_something_in_every_call(verifier: Verifier, scopes: Any) -> None:
    header = f"Bearer {good_token()}"
    wrong = (TypeError, MisuseError)
    for call in (verifier.verify, verifier.try_verify):
        with pytest.raises(wrong):
            call(good_token(), required_scopes=scopes)
    with pytest.raises(wrong):
        asyncio.run(verifier.verify_async(good_token(), required_scopes=scopes))
    with pytest.raises(wrong):
        verifier.authorize(header, required_scopes=scopes)
    with pytest.raises(wrong):
        asyncio.run(verifier.authorize_async(header, required_scopes=scopes))


def test_now_of_one_call(verifier: Verifier) -> None:
    assert verifier.verify(good_token(), now=NOW + 1)
    assert verifier.verify(good_token(), now=EXPIRES_AT + 59, required_scopes=["email"])
    for now in (EXPIRES_AT + 60, 2**63 - 1):
        with pytest.raises(TokenError, match="EXPIRED"):
            verifier.verify(good_token(), now=now)
    for now in (0, -1, -(2**63)):
        with pytest.raises(TokenError, match="NOT_YET_VALID"):
            verifier.verify(good_token(), now=now)


@pytest.mark.parametrize("now", [2**63, -(2**63) - 1, 2**64 + NOW])
def test_a_now_beyond_64_bits_does_not_wrap_around(verifier: Verifier, now: int) -> None:
    with pytest.raises(OverflowError):
        verifier.verify(good_token(), now=now)


def test_now_is_a_whole_number(verifier: Verifier) -> None:
    with pytest.raises(TypeError):
        verifier.verify(good_token(), now=1.5)  # type: ignore[arg-type]


def test_policies_are_kept_for_sets_of_scopes_and_not_for_times(verifier: Verifier) -> None:
    _verifier._policies.clear()
    for now in range(NOW, NOW + 5):
        verifier.verify(good_token(), required_scopes=["email"], now=now)
        verifier.verify(good_token(), required_scopes=["email"])
    assert len(_verifier._policies) == 1


def test_an_error_is_raised_in_the_callers_thread_with_no_cause() -> None:
    with pytest.raises(AuthKitError) as caught:
        good_verifier().verify("x")
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_policies_of_ever_new_scopes_are_not_kept_for_ever(verifier: Verifier) -> None:
    _verifier._policies.clear()
    for number in range(3 * _verifier._MOST_POLICIES):
        with pytest.raises(InsufficientScopeError):
            verifier.verify(good_token(), required_scopes=[f"scope:{number}"])
    assert 0 < len(_verifier._policies) <= _verifier._MOST_POLICIES
