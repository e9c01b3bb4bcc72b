"""The verifier: carries a token to the library and brings back claims or a refusal."""

from __future__ import annotations

import asyncio
import operator
import os
from collections.abc import Callable, Iterable, Mapping
from ctypes import byref, c_void_p
from functools import lru_cache
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

from . import _native, _settings
from ._claims import Claims, read
from ._errors import WouldBlockError, misuse, refusal

if TYPE_CHECKING:
    from typing_extensions import Self


class _Handle:
    """A native handle, freed when nobody refers to it any more.

    Python's reference count is the count of users: a call in progress holds a reference of its own, so
    that neither `close()` on another thread nor the end of the interpreter frees what is in use. It needs
    no lock, which a fork could leave held in the child.
    """

    __slots__ = ("__weakref__", "_free", "pointer")

    def __init__(self, pointer: int | None, free: Callable[[int | None], None] | None) -> None:
        self.pointer = pointer
        # Kept here, not looked up: at interpreter exit this module's names may be gone before the handle.
        self._free = free

    def __del__(self) -> None:
        if self._free is not None:
            self._free(self.pointer)


class Verifier:
    """Decides whether a bearer token may call this server.

    Make one per resource at start and share it: any number of threads and event loops may use it at once,
    and it stays usable in the child of a `fork()`. Making one opens no connection; the issuer's keys are
    fetched when the first token needs them.

    The keywords are the settings' names in every language and, as `AUTHKIT_*`, in the environment. A
    keyword that is None counts as not given. Lists may be any iterable of strings, or one text `a,b`.

    Args:
        authkit_domain: URL of the AuthKit domain, `https://your-project-12345.authkit.app`: the issuer; its
            keys are fetched from `{authkit_domain}/oauth2/jwks`. Needed unless `issuers` is given.
        base_url: Public URL of this server, without the MCP path. Needed unless `resource` or `audiences`
            is given.
        mcp_path: Where the MCP endpoint lies below `base_url`. Default: `/mcp`.
        resource: The resource whole, in place of `base_url` and `mcp_path`.
        audiences: `aud` values to accept, compared exactly. Default: the resource.
        accept_client_id_audience: Client ids to accept as `aud`: machine tokens, and clients that send no
            `resource`. Default: none.
        ignore_trailing_slash: Also accept an `aud` that differs by one final slash. Default: False.
        required_scopes: Scopes that every token must carry, all of them. Default: none.
        scope_claims: Claims that scopes are read from. Default: `scope`, else `scp`.
        scope_hierarchy: From a scope to the scopes that it includes. Default: none.
        issuers: From issuer to its JWKS URL, to None (for `{issuer}/oauth2/jwks`), or to a mapping with
            `jwks_url` or `jwks`, and `audience`: `"required"` or `"not_checked"`.
        algorithms: Out of RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 EdDSA. Default: RS256.
        leeway: Clock skew allowed to `exp`, `nbf` and `iat`, in seconds, 0 to 300. Default: 60.
        max_token_age: Oldest `iat` to accept, in seconds before now. Default: unlimited.
        typ: `"any"` (no `typ`, `JWT` or `at+jwt`) or `"rfc9068"` (`at+jwt` with `client_id`, `iat` and
            `jti`). Default: `"any"`.
        now: Unix time in seconds to judge tokens by, for tests. Default: the clock.
        jwks: The single issuer's keys as a JWKS document, text or mapping; then nothing is fetched.
        allow_insecure_loopback: Allow `http://` to this very machine, for tests. Default: False.
        ca_file: Path of a PEM file with certificate authorities to trust beside the system's.
        proxy: `http://host:port` to fetch keys through. Default: none; the environment's is not used.
        refresh_mode: Who fetches keys: `"background"` (the call that lacks them; a thread that lives no
            longer than the fetch where nobody is to wait), `"inline"` (never a thread of the library's) or
            `"manual"` (`refresh()` alone). Default: `"background"`.
        jwks_cache_dir: Directory in which processes of one user on one machine share fetched keys; on a
            local disk, writable by that user alone. Default: none.

    Raises:
        ConfigError: A setting is missing or wrong; the reason names it, the hint corrects it.
        TypeError: A setting is of a type that no setting has.
    """

    __slots__ = ("__weakref__", "_handle")

    _handle: _Handle | None

    def __init__(
        self,
        *,
        authkit_domain: str | None = None,
        base_url: str | None = None,
        mcp_path: str | None = None,
        resource: str | None = None,
        audiences: Iterable[str] | None = None,
        accept_client_id_audience: Iterable[str] | None = None,
        ignore_trailing_slash: bool | None = None,
        required_scopes: Iterable[str] | None = None,
        scope_claims: Iterable[str] | None = None,
        scope_hierarchy: Mapping[str, Iterable[str]] | None = None,
        issuers: Mapping[str, str | Mapping[str, Any] | None] | None = None,
        algorithms: Iterable[str] | None = None,
        leeway: int | None = None,
        max_token_age: int | None = None,
        typ: Literal["any", "rfc9068"] | None = None,
        now: int | None = None,
        jwks: str | Mapping[str, Any] | None = None,
        allow_insecure_loopback: bool | None = None,
        ca_file: str | os.PathLike[str] | None = None,
        proxy: str | None = None,
        refresh_mode: Literal["background", "inline", "manual"] | None = None,
        jwks_cache_dir: str | os.PathLike[str] | None = None,
    ) -> None:
        # First, so that a verifier that could not be made can still be looked at in a debugger.
        self._handle = None
        settings = {
            "authkit_domain": authkit_domain,
            "base_url": base_url,
            "mcp_path": mcp_path,
            "resource": resource,
            "audiences": audiences,
            "accept_client_id_audience": accept_client_id_audience,
            "ignore_trailing_slash": ignore_trailing_slash,
            "required_scopes": required_scopes,
            "scope_claims": scope_claims,
            "scope_hierarchy": scope_hierarchy,
            "issuers": issuers,
            "algorithms": algorithms,
            "leeway": leeway,
            "max_token_age": max_token_age,
            "typ": typ,
            "now": now,
            "jwks": jwks,
            "allow_insecure_loopback": allow_insecure_loopback,
            "ca_file": ca_file,
            "proxy": proxy,
            "refresh_mode": refresh_mode,
            "jwks_cache_dir": jwks_cache_dir,
        }
        text = _settings.to_json(settings)
        self._handle = _made_from(lambda *out: _native.config_from_json(text, len(text), *out))

    @classmethod
    def from_env(cls) -> Self:
        """Makes a verifier from the environment: each setting as `AUTHKIT_` and its name in capitals.

        `AUTHKIT_DOMAIN` stands for `authkit_domain`. The variables of the FastMCP guide,
        `FASTMCP_SERVER_AUTH_AUTHKITPROVIDER_AUTHKIT_DOMAIN`, `_BASE_URL` and `_REQUIRED_SCOPES`, count too.

        Raises:
            ConfigError: A variable is missing, wrong, or of these prefixes and no setting: a misspelling
                must not leave a door open.
        """
        verifier = cls.__new__(cls)
        verifier._handle = _made_from(_native.config_from_environment)
        return verifier

    def verify(
        self, token: str | bytes, *, required_scopes: Iterable[str] = (), now: int | None = None
    ) -> Claims:
        """Verifies an access token: signature, issuer, audience, times, scopes.

        May wait for the issuer's keys, 10 seconds at most; other Python threads run meanwhile. On an event
        loop use `verify_async`.

        Args:
            token: The text after `Bearer ` and nothing else.
            required_scopes: Scopes that this call demands beyond the configured ones, all of them; a single
                str is one scope.
            now: Unix time in seconds to judge by, in place of the clock and of the setting `now`.

        Raises:
            TokenError: The token is not acceptable: answer 401.
            InsufficientScopeError: It lacks a required scope: answer 403.
            KeysUnavailableError: The issuer's keys could not be had: answer 503.
            MisuseError: The verifier is closed, or a required scope is not one.
        """
        return self._judge(_native.verifier_verify, token, required_scopes, now)

    def try_verify(
        self, token: str | bytes, *, required_scopes: Iterable[str] = (), now: int | None = None
    ) -> Claims:
        """As `verify`, without network and without waiting.

        Raises:
            WouldBlockError: Keys must be fetched first; the fetch was started in the background.
        """
        return self._judge(_native.verifier_try_verify, token, required_scopes, now)

    async def verify_async(
        self, token: str | bytes, *, required_scopes: Iterable[str] = (), now: int | None = None
    ) -> Claims:
        """As `verify`, without ever blocking the event loop: what must wait, waits in a worker thread."""
        # Read once: it may be a generator, and it may be needed twice.
        scopes = required_scopes if isinstance(required_scopes, str) else tuple(required_scopes)
        try:
            return self.try_verify(token, required_scopes=scopes, now=now)
        except WouldBlockError:
            pass
        return await asyncio.to_thread(self.verify, token, required_scopes=scopes, now=now)

    def refresh(self) -> None:
        """Fetches the keys of every issuer now and waits for them, 5 seconds at most each.

        To warm up before the first token, or to try again after an outage. Given keys stay as they are.

        Raises:
            KeysUnavailableError: An issuer's keys could not be had; keys fetched earlier stay in use.
            MisuseError: The verifier is closed.
        """
        handle = self._open()
        error = c_void_p()
        status = _native.verifier_refresh(handle.pointer, byref(error))
        if status != _native.OK:
            raise refusal(status, error)

    def set_jwks(self, document: str | Mapping[str, Any], issuer: str | None = None) -> None:
        """Gives an issuer's keys; from then on nothing is fetched for it.

        Calls that are verifying meanwhile see the old keys or the new, never a mixture.

        Args:
            document: The JWKS document (RFC 7517), text or mapping.
            issuer: A configured issuer; None means the only one.

        Raises:
            ConfigError: The issuer is not configured, or None while there are several, or the document
                holds no usable key; the old keys stay.
            MisuseError: The verifier is closed.
        """
        handle = self._open()
        text = _octets(document) if isinstance(document, str) else _settings.document(document)
        name = None if issuer is None else _c_string(issuer, "issuer")
        error = c_void_p()
        status = _native.verifier_set_jwks(handle.pointer, name, text, len(text), byref(error))
        if status != _native.OK:
            raise refusal(status, error)

    @property
    def resource(self) -> str | None:
        """The resource that tokens must be meant for; None if only `audiences` is configured.

        What to enter as resource indicator (RFC 8707) in the AuthKit dashboard, and to announce as
        protected resource metadata (RFC 9728).
        """
        handle = self._open()
        resource = _native.verifier_resource(handle.pointer)
        return None if resource is None else resource.decode()

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._handle is None

    def close(self) -> None:
        """Lets go of the native verifier. Any call after it raises MisuseError; a second close does nothing.

        Calls in progress on other threads end as if it were open; the last one frees it. Claims stay valid.
        """
        self._handle = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        # A pointer means nothing in another process, and a copy would not share the keys.
        raise TypeError(
            "a Verifier cannot be pickled or copied: share it between threads, it survives fork(); "
            "a process started otherwise makes its own"
        )

    def __repr__(self) -> str:
        return "<Verifier, closed>" if self.closed else f"<Verifier for {self.resource}>"

    def _open(self) -> _Handle:
        handle = self._handle
        if handle is None:
            raise misuse("the verifier is closed")
        return handle

    def _judge(
        self, how: Callable[..., int], token: str | bytes, required_scopes: Iterable[str], now: int | None
    ) -> Claims:
        handle = self._open()
        octets = _octets(token)
        policy = _policy(required_scopes, now) if required_scopes or now is not None else _NO_POLICY
        claims, error = c_void_p(), c_void_p()
        status = how(handle.pointer, octets, len(octets), policy.pointer, byref(claims), byref(error))
        pointer = claims.value
        # OK alone accepts; whatever else a library may return refuses.
        if status != _native.OK or pointer is None:
            raise refusal(status, error)
        try:
            return read(pointer)
        finally:
            _native.claims_free(pointer)


def _made_from(configure: Callable[..., int]) -> _Handle:
    config, verifier, error = c_void_p(), c_void_p(), c_void_p()
    status = configure(byref(config), byref(error))
    if status != _native.OK:
        raise refusal(status, error)
    try:
        status = _native.verifier_new(config, byref(verifier), byref(error))
    finally:
        _native.config_free(config.value)
    if status != _native.OK:
        raise refusal(status, error)
    return _Handle(verifier.value, _native.verifier_free)


_NO_POLICY = _Handle(None, None)


def _policy(required_scopes: Iterable[str], now: int | None) -> _Handle:
    scopes = (required_scopes,) if isinstance(required_scopes, str) else tuple(required_scopes)
    # A server has few sets of scopes, asked for again and again; times to look back to are many.
    return _policy_of_scopes(scopes) if now is None else _new_policy(scopes, now)


def _new_policy(scopes: tuple[str, ...], now: int | None) -> _Handle:
    policy = _Handle(_native.policy_new(), _native.policy_free)
    for scope in scopes:
        error = c_void_p()
        status = _native.policy_require_scope(
            policy.pointer, _c_string(scope, "a required scope"), byref(error)
        )
        if status != _native.OK:
            raise refusal(status, error)
    if now is not None:
        _native.policy_set_now(policy.pointer, _int64(now))
    return policy


@lru_cache(maxsize=256)
def _policy_of_scopes(scopes: tuple[str, ...]) -> _Handle:
    return _new_policy(scopes, None)


def _octets(text: str | bytes) -> bytes:
    """The text as it is, down to what is not Unicode: the library refuses that, and says so."""
    if isinstance(text, str):
        return text.encode("utf-8", "surrogatepass")
    if isinstance(text, bytes):
        return text
    raise TypeError(f"expected str or bytes, not {type(text).__name__}")


def _c_string(text: str, what: str) -> bytes:
    octets = _octets(text)
    if b"\0" in octets:
        # Handed on, it would be read as far as the NUL: another, shorter name.
        raise misuse(f"{what} contains U+0000")
    return octets


def _int64(number: int) -> int:
    number = operator.index(number)
    if not -(2**63) <= number < 2**63:
        # ctypes would wrap it around in silence.
        raise OverflowError("now is beyond 64 bits")
    return number


_default: Verifier | None = None


def _default_verifier() -> Verifier:
    global _default
    if _default is None:
        pointer, error = c_void_p(), c_void_p()
        status = _native.default_verifier(byref(pointer), byref(error))
        if status != _native.OK:
            raise refusal(status, error)
        verifier = Verifier.__new__(Verifier)
        # Lent by the library for the life of the process: nothing to free.
        verifier._handle = _Handle(pointer.value, None)
        _default = verifier
    return _default


def verify(token: str | bytes, *, required_scopes: Iterable[str] = (), now: int | None = None) -> Claims:
    """Verifies an access token with the process's default verifier.

    That one is made from the environment when first needed, as by `Verifier.from_env`, and shared with every
    other user of the library in this process. A failure to make it is not remembered.

    Raises:
        ConfigError: The environment configures no verifier.
        AuthKitError: As `Verifier.verify`.
    """
    return _default_verifier().verify(token, required_scopes=required_scopes, now=now)
