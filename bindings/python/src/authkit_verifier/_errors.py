"""Refusals as exceptions: one class per kind of outcome, one stable code per reason."""

from __future__ import annotations

from ctypes import c_void_p

from . import _native
from ._jsontext import loads

TYPE_CHECKING = False  # as typing has it, whose import would take as long as all of ours
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

# authkit_class of authkit.h.
_MISUSE = 1
_CONFIG = 2
_TOKEN = 3
_FORBIDDEN = 4
_KEYS_UNAVAILABLE = 5
_WOULD_BLOCK = 6
_NO_CREDENTIALS = 9
_INVALID_REQUEST = 10
_UNCONFIRMED = 11


class AuthKitError(Exception):
    """Why a call failed. Whatever its class: the token was not accepted.

    Attributes:
        code: The stable name of the reason, such as `"EXPIRED"`; for programs and log searches.
        status: The C ABI's number for it, `authkit_status` of authkit.h.
        http_status: What an HTTP server answers with: 400, 401, 403, 429, 500 or 503.
        error: The `error` of a `WWW-Authenticate` challenge (RFC 6750 section 3.1), `"invalid_token"`,
            `"invalid_request"` or `"insufficient_scope"`; None where no challenge is due.
        reason: One sentence for a log or a person. Never holds the token or a secret; what a stranger
            chose in it is quoted, escaped to printable ASCII and cut short.
        hint: What to change, where the cause is a known slip of configuration; else None.
        retry_after: Seconds after which another try can succeed, the value of a `Retry-After` header;
            None if nothing is known.
    """

    code: str
    status: int
    http_status: int
    error: str | None
    reason: str
    hint: str | None
    retry_after: int | None

    def __init__(
        self,
        reason: str,
        *,
        status: int,
        hint: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status
        self.hint = hint
        self.retry_after = retry_after
        self.code = _native.status_name(status).decode()
        self.http_status = _native.status_http_status(status)
        error = _native.status_oauth_error(status)
        self.error = None if error is None else error.decode()

    def __str__(self) -> str:
        hint = f" ({self.hint})" if self.hint else ""
        return f"{self.code}: {self.reason}{hint}"

    def __reduce__(self) -> tuple[Any, ...]:
        # Exception's own way is to call the class with args, which would lack the status.
        return _restored, (type(self), self.args, self.__dict__)


def _restored(kind: type[AuthKitError], arguments: tuple[Any, ...], fields: dict[str, Any]) -> AuthKitError:
    error = kind.__new__(kind, *arguments)
    error.__dict__.update(fields)
    return error


class ConfigError(AuthKitError):
    """A setting is missing or wrong; no verifier was made. The reason names the setting."""


class TokenError(AuthKitError):
    """The token is not acceptable: HTTP 401, `invalid_token`.

    Its `code` is one of MALFORMED, TOO_LARGE, ALGORITHM, CRITICAL_HEADER, TYPE, UNKNOWN_KEY, SIGNATURE,
    EXPIRED, NOT_YET_VALID, CLAIM, ISSUER, AUDIENCE; later releases may add to them.
    """


class NoCredentialsError(AuthKitError):
    """The request brings no bearer token: HTTP 401, and a challenge that names no error."""


class InvalidRequestError(AuthKitError):
    """The request carries its token twice, in the query, or misspelt: HTTP 400."""


class InsufficientScopeError(AuthKitError):
    """The token is good but lacks a required scope: HTTP 403, `insufficient_scope`. Code SCOPE."""


class KeysUnavailableError(AuthKitError):
    """The issuer's keys could not be had: HTTP 503. Says nothing about the token; see `retry_after`."""


class KeyUnconfirmedError(AuthKitError):
    """The token names an unknown key, and the issuer could not be asked about it: HTTP 429.

    The token may be good: the client keeps it and tries again after `retry_after`. Code KEY_UNCONFIRMED.
    """


class WouldBlockError(AuthKitError):
    """The answer needs the network and `try_verify` does not wait.

    With the code WOULD_BLOCK a fetch is under way. With FETCH_NEEDED (the `refresh_mode` inline) no fetch is
    under way, and only a call that may wait starts one.
    """


class MisuseError(AuthKitError):
    """The call cannot be made: a closed verifier, a text that is not a scope."""


class InternalError(AuthKitError):
    """A defect in the library: HTTP 500. The verifier remains usable."""


_CLASSES: dict[int, type[AuthKitError]] = {
    _MISUSE: MisuseError,
    _CONFIG: ConfigError,
    _TOKEN: TokenError,
    _FORBIDDEN: InsufficientScopeError,
    _KEYS_UNAVAILABLE: KeysUnavailableError,
    _WOULD_BLOCK: WouldBlockError,
    _NO_CREDENTIALS: NoCredentialsError,
    _INVALID_REQUEST: InvalidRequestError,
    _UNCONFIRMED: KeyUnconfirmedError,
}


def misuse(reason: str) -> AuthKitError:
    """What cannot even be handed to the library, refused as the library would."""
    return MisuseError(reason, status=_MISUSE)


def keys_unavailable(reason: str) -> AuthKitError:
    """The error of a call that ended before the library could answer it."""
    return KeysUnavailableError(reason, status=_KEYS_UNAVAILABLE, retry_after=1)


def too_late(last: WouldBlockError) -> AuthKitError:
    """The answer to a call that has waited long enough, made from the library's last answer."""
    if last.retry_after is None:
        return keys_unavailable("the issuer's keys did not come within fetch_timeout")
    reason = "the token names an unknown key, and the issuer did not answer within fetch_timeout"
    return KeyUnconfirmedError(reason, status=_UNCONFIRMED, retry_after=last.retry_after)


def refusal(status: int, error: c_void_p) -> AuthKitError:
    """The exception for a failed call; frees the native error."""
    # A class that a newer library has and this package does not know is a refusal all the same.
    kind = _CLASSES.get(_native.status_class(status), InternalError)
    pointer = error.value
    if pointer is None:
        return kind("the library gave no reason", status=status)
    try:
        hint = _native.error_hint(pointer)
        retry_after = _native.error_retry_after(pointer)
        return kind(
            _native.error_reason(pointer).decode(),
            status=status,
            hint=None if hint is None else hint.decode(),
            retry_after=None if retry_after < 0 else retry_after,
        )
    finally:
        _native.error_free(pointer)


def refusal_in(document: bytes) -> dict[str, Any]:
    """What the library has written of a refusal."""
    refused: dict[str, Any] = loads(document.decode()) if document.startswith(b"{") else {}
    return refused


def told(status: int, refused: Mapping[str, Any]) -> AuthKitError:
    """The exception for a refusal that the library has written."""
    # Success without a record is a defect. No host may treat it as success.
    status = status or _native.INTERNAL
    kind = _CLASSES.get(_native.status_class(status), InternalError)
    reason = refused.get("reason", "the library gave no reason")
    return kind(reason, status=status, hint=refused.get("hint"), retry_after=refused.get("retry_after"))
