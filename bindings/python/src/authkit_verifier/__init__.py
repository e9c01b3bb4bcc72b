"""Verifies access tokens of WorkOS AuthKit in MCP servers: may this bearer token call this server?

    import authkit_verifier

    claims = authkit_verifier.verify(token)   # configured by AUTHKIT_DOMAIN and AUTHKIT_BASE_URL
    claims.subject

`verify` uses one verifier per process, configured by the environment. Programs with several
resources, with per-call scopes or with their configuration in code make a `Verifier`. A refusal is an
`AuthKitError` that carries the HTTP status to answer with and a reason that is safe to log.

Every decision is made in the native library; this package carries values to it and back.
"""

from importlib import import_module

from ._claims import Claims
from ._errors import (
    AuthKitError,
    ConfigError,
    InsufficientScopeError,
    InternalError,
    InvalidRequestError,
    KeysUnavailableError,
    KeyUnconfirmedError,
    MisuseError,
    NoCredentialsError,
    TokenError,
    WouldBlockError,
)
from ._verifier import Verifier, verify

TYPE_CHECKING = False  # as typing has it, whose import would take as long as all of ours
if TYPE_CHECKING:
    from ._response import Decision, Response
    from ._stats import DroppedKeyStats, HeaderStats, IssuerStats, KeyStats, Stats, TokenCacheStats

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
    "KeyUnconfirmedError",
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

# What a verdict does not take, and whose import would take as long as all else.
_LATER = {
    "Decision": "._response",
    "DroppedKeyStats": "._stats",
    "HeaderStats": "._stats",
    "IssuerStats": "._stats",
    "KeyStats": "._stats",
    "Response": "._response",
    "Stats": "._stats",
    "TokenCacheStats": "._stats",
}


def __getattr__(name: str) -> object:
    """Imports what is first asked for now (PEP 562)."""
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = getattr(import_module(_LATER[name], __name__), name)
    globals()[name] = found
    return found
