"""Each verifier for Python as a function of a token that returns its claims, or raises.

Every one is told to accept one issuer, one audience, one algorithm, and to demand an expiry.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from ctypes import create_string_buffer
from pathlib import Path
from typing import Any

Verify = Callable[[str], Any]


class Workload:
    """What a verifier is told, as `workload.mjs` wrote it."""

    def __init__(self, directory: Path) -> None:
        self.algorithm = directory.name
        self.issuer = (directory / "issuer").read_text()
        self.audience = (directory / "audience").read_text()
        self.pem = (directory / "public.pem").read_text()
        self.jwk = json.loads((directory / "jwk.json").read_text())
        self.jwks = json.loads((directory / "jwks.json").read_text())


def make(case: str, directory: Path, *settings: str) -> Verify:
    """The verifier of this name."""
    if case.startswith("authkit"):
        return OURS[case](json.loads((directory / settings[0]).read_text()))
    return PEERS[case](Workload(directory))


def _authkit(settings: dict[str, Any]) -> Verify:
    from authkit_verifier import Verifier

    return Verifier(**settings).verify


def _authkit_claims(settings: dict[str, Any]) -> Verify:
    """What a tool of an MCP server asks for: who, what may they, until when, and a claim by its name."""
    from authkit_verifier import Verifier

    verify = Verifier(**settings).verify

    def asked(token: str) -> tuple[object, ...]:
        claims = verify(token)
        return claims.subject, claims.scopes, claims.expires_at, claims["org_id"]

    return asked


def _authkit_call(settings: dict[str, Any]) -> Verify:
    """The library's function by ctypes, and nothing made of what it writes: no binding can take less."""
    from authkit_verifier import Verifier, _native

    verifier = Verifier(**settings)
    handle = verifier._handle
    assert handle is not None
    own = threading.local()

    def call(token: str) -> None:
        octets = token.encode()
        try:
            buffer = own.buffer
        except AttributeError:
            buffer = own.buffer = create_string_buffer(_native.RECORD_CAPACITY)
        length = len(octets)
        if _native.verifier_verify_into(handle.pointer, octets, length, None, buffer, _native.CAPACITY) <= 0:
            raise ValueError

    return call


def _pyjwt(of: Workload) -> Verify:
    import jwt

    key = jwt.PyJWK(of.jwk)
    options: Any = {"require": ["exp", "iss", "aud"]}
    return lambda token: jwt.decode(
        token, key, algorithms=[of.algorithm], audience=of.audience, issuer=of.issuer, options=options
    )


def _fastmcp(of: Workload) -> Verify:
    import logging

    from fastmcp.server.auth.providers.jwt import JWTVerifier

    # It logs each refusal of the check.
    logging.disable(logging.CRITICAL)
    verifier = JWTVerifier(public_key=of.pem, issuer=of.issuer, audience=of.audience, algorithm=of.algorithm)

    async def verify(token: str) -> Any:
        access = await verifier.verify_token(token)
        if access is None:
            raise ValueError
        return access.claims

    return verify


def _joserfc(of: Workload) -> Verify:
    from joserfc import jwk, jwt

    key = jwk.import_key(of.jwk)
    registry = jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": of.issuer},
        aud={"essential": True, "value": of.audience},
        exp={"essential": True},
    )

    def verify(token: str) -> Any:
        decoded = jwt.decode(token, key, algorithms=[of.algorithm])
        registry.validate(decoded.claims)
        return decoded.claims

    return verify


def _authlib(of: Workload) -> Verify:
    import warnings

    # It tells of its successor, whatever is to be ignored.
    with warnings.catch_warnings(record=True):
        from authlib.jose import JsonWebKey, JsonWebToken

    codec = JsonWebToken([of.algorithm])
    key = JsonWebKey.import_key(of.jwk)
    rules = {
        "iss": {"essential": True, "value": of.issuer},
        "aud": {"essential": True, "value": of.audience},
        "exp": {"essential": True},
    }

    def verify(token: str) -> Any:
        claims = codec.decode(token, key, claims_options=rules)
        claims.validate()
        return claims

    return verify


def _python_jose(of: Workload) -> Verify:
    from jose import jwk, jwt

    key = jwk.construct(of.jwk)
    return lambda token: jwt.decode(
        token, key, algorithms=[of.algorithm], audience=of.audience, issuer=of.issuer
    )


OURS: dict[str, Callable[[dict[str, Any]], Verify]] = {
    "authkit": _authkit,
    "authkit-call": _authkit_call,
    "authkit-claims": _authkit_claims,
}
PEERS: dict[str, Callable[[Workload], Verify]] = {
    "authlib": _authlib,
    "fastmcp": _fastmcp,
    "joserfc": _joserfc,
    "pyjwt": _pyjwt,
    "python-jose": _python_jose,
}
