"""Refusals: their classes, what they carry, and that they travel."""

from __future__ import annotations

import copy
import pickle
from ctypes import c_void_p

import pytest

import authkit_verifier
from authkit_verifier import (
    AuthKitError,
    ConfigError,
    InsufficientScopeError,
    InternalError,
    InvalidRequestError,
    KeysUnavailableError,
    MisuseError,
    NoCredentialsError,
    TokenError,
    Verifier,
    WouldBlockError,
    _errors,
    _native,
)
from cases import EXPIRES_AT, ISSUER, RESOURCE, good_token, good_verifier


def refused(**arguments: object) -> AuthKitError:
    with pytest.raises(AuthKitError) as caught:
        good_verifier().verify(good_token(), **arguments)  # type: ignore[arg-type]
    return caught.value


def test_a_bad_token_is_401_with_a_reason() -> None:
    error = refused(now=EXPIRES_AT + 100)
    assert type(error) is TokenError
    assert (error.code, error.http_status, error.error) == ("EXPIRED", 401, "invalid_token")
    assert error.status == (8 << 8) | 3
    assert error.reason == "the token expired 100 s ago"
    assert error.hint == "no setting needs to change: the client must refresh its token"
    assert error.retry_after is None
    assert str(error) == f"EXPIRED: the token expired 100 s ago ({error.hint})"


def test_a_missing_scope_is_403_and_is_named() -> None:
    error = refused(required_scopes=["openid", "admin"])
    assert type(error) is InsufficientScopeError
    assert (error.code, error.http_status, error.error) == ("SCOPE", 403, "insufficient_scope")
    assert "admin" in error.reason
    assert "openid" not in error.reason
    assert error.hint is not None
    assert str(error).endswith(f"({error.hint})")


def test_a_dead_token_is_401_whatever_scope_it_lacks() -> None:
    assert refused(required_scopes=["admin"], now=EXPIRES_AT + 100).http_status == 401


def test_a_wrong_setting_is_named_and_corrected() -> None:
    with pytest.raises(ConfigError) as caught:
        Verifier(authkit_domain="heldout-palm-42.authkit.app", resource=RESOURCE)
    error = caught.value
    assert (error.code, error.http_status, error.error) == ("CONFIG", 500, None)
    assert "authkit_domain" in error.reason
    assert error.hint is not None
    assert ISSUER in error.hint


def test_a_token_stays_out_of_the_message() -> None:
    secret = "c2VjcmV0.c2VjcmV0.c2VjcmV0"
    with pytest.raises(TokenError) as caught:
        good_verifier().verify(secret)
    assert "c2VjcmV0" not in str(caught.value) + repr(caught.value)


@pytest.mark.parametrize(
    ("kind", "status", "code", "http_status"),
    [
        (MisuseError, 1, "MISUSE", 500),
        (ConfigError, 2, "CONFIG", 500),
        (TokenError, (1 << 8) | 3, "MALFORMED", 401),
        (InsufficientScopeError, (1 << 8) | 4, "SCOPE", 403),
        (KeysUnavailableError, 5, "KEYS_UNAVAILABLE", 503),
        (WouldBlockError, 6, "WOULD_BLOCK", 503),
        (InternalError, 8, "INTERNAL", 500),
        (NoCredentialsError, 9, "NO_CREDENTIALS", 401),
        (InvalidRequestError, 10, "INVALID_REQUEST", 400),
        # What this package does not know refuses, and blames nobody's token.
        (InternalError, 99, "UNKNOWN", 500),
        (InternalError, -1, "UNKNOWN", 500),
    ],
)
def test_each_class_of_status_has_its_exception(
    kind: type[AuthKitError], status: int, code: str, http_status: int
) -> None:
    error = _errors.refusal(status, c_void_p())
    assert type(error) is kind
    assert isinstance(error, AuthKitError)
    assert (error.code, error.http_status) == (code, http_status)


def test_every_exception_is_public() -> None:
    kinds = {kind.__name__ for kind in AuthKitError.__subclasses__()} | {"AuthKitError"}
    assert kinds <= set(authkit_verifier.__all__)


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_survives_pickling(protocol: int) -> None:
    for error in (refused(required_scopes=["admin"]), refused(now=EXPIRES_AT + 100)):
        error.__dict__["request_id"] = "r-1"
        twin = pickle.loads(pickle.dumps(error, protocol))
        assert type(twin) is type(error)
        assert twin.__dict__ == error.__dict__
        assert (str(twin), twin.args) == (str(error), error.args)


def test_survives_copying() -> None:
    error = refused(required_scopes=["admin"])
    for twin in (copy.copy(error), copy.deepcopy(error)):
        assert type(twin) is InsufficientScopeError
        assert twin.__dict__ == error.__dict__


def test_ok_alone_accepts() -> None:
    assert _native.OK == 0
    assert _native.status_name(_native.OK) == b"OK"
