"""Verifies access tokens of WorkOS AuthKit in MCP servers: may this bearer token call this server?

    import authkit_verifier

    claims = authkit_verifier.verify(token)   # configured by AUTHKIT_DOMAIN and AUTHKIT_BASE_URL
    claims.subject

`verify` uses one verifier per process, configured by the environment. Programs with several
resources, with per-call scopes or with their configuration in code make a `Verifier`. A refusal is an
`AuthKitError` that carries the HTTP status to answer with and a reason that is safe to log.

Every decision is made in the native library; this package carries values to it and back.
"""

from ._claims import Claims
from ._errors import (
    AuthKitError,
    ConfigError,
    InsufficientScopeError,
    InternalError,
    InvalidRequestError,
    KeysUnavailableError,
    MisuseError,
    NoCredentialsError,
    TokenError,
    WouldBlockError,
)
from ._response import Decision, Response
from ._stats import DroppedKeyStats, HeaderStats, IssuerStats, KeyStats, Stats, TokenCacheStats
from ._verifier import Verifier, verify

__version__ = "0.1.0"

__all__ = [
    "AuthKitError",
    "Claims",
    "ConfigError",
    "Decision",
    "DroppedKeyStats",
    "HeaderStats",
    "InsufficientScopeError",
    "InternalError",
    "InvalidRequestError",
    "IssuerStats",
    "KeyStats",
    "KeysUnavailableError",
    "MisuseError",
    "NoCredentialsError",
    "Response",
    "Stats",
    "TokenCacheStats",
    "TokenError",
    "Verifier",
    "WouldBlockError",
    "verify",
]
