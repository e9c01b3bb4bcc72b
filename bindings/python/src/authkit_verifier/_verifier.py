"""The verifier: carries a token to the library and brings back claims or a refusal."""

from __future__ import annotations

import os
import time
from _collections_abc import Callable, Iterable, Mapping  # collections.abc is this, behind all of collections
from ctypes import byref, c_size_t, c_void_p, create_string_buffer

from . import _native, _settings
from ._claims import Claims, from_record
from ._errors import (
    AuthKitError,
    KeysUnavailableError,
    KeyUnconfirmedError,
    WouldBlockError,
    misuse,
    refusal,
    refusal_in,
    told,
)
from ._handle import Handle, VerifierHandle
from ._jsontext import loads

# As typing has it, whose import would take as long as all of ours. For the same reason what a verdict at once
# does not take, asyncio and dataclasses above all, is imported where it is used.
TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from types import TracebackType
    from typing import Any, Literal

    from typing_extensions import Self

    from ._response import Decision, LogLine, Response
    from ._stats import Stats
    from ._waiting import Judge, Waiting
    from .events import Event

# Longer than any process lives, in seconds.
_AGES = 1e9

# How long a wait keeps Python from handling signals, such as Ctrl-C, in seconds.
_DEAF = 0.5


class Verifier:
    """Decides whether a bearer token may call this server.

    Make one per resource at start and share it: any number of threads and event loops may use it at once,
    and it stays usable in the child of a `fork()`. Making one opens no connection; the issuer's keys are
    fetched when the first token needs them.

    The keywords are the settings' names in every language and, as `AUTHKIT_*`, in the environment. A
    keyword that is None counts as not given. Lists may be any iterable of strings, or one text `a,b`.

    Args:
        authkit_domain: URL of the AuthKit domain, `https://your-project-12345.authkit.app`: the issuer; its
            keys are fetched from `{authkit_domain}/oauth2/jwks`. Needed unless `issuers` or
            `session_client_id` is given.
        base_url: Public URL of this server, without the MCP path. Needed unless `resource` or `audiences`
            is given.
        mcp_path: Where the MCP endpoint lies below `base_url`. Default: `/mcp`.
        resource: The resource whole, in place of `base_url` and `mcp_path`.
        resource_name: The resource's name for people, announced in its metadata. Default: none.
        resource_documentation: URL where developers read about it, announced too. Default: none.
        audiences: `aud` values to accept, compared exactly. Default: the resource.
        accept_client_id_audience: Client ids to accept as `aud`: machine tokens, and clients that send no
            `resource`. Such a token must have `client_id`, or be the machine's own (`sub` is that id).
            Default: none.
        ignore_trailing_slash: Also accept an `aud` that differs by one final slash. Default: False.
        required_scopes: Scopes that every token must carry, all of them. Default: none.
        scopes_supported: Scopes announced for clients to ask for; `offline_access` is left out. Default:
            `required_scopes`.
        scope_claims: Claims that scopes are read from. Default: `scope`, else `scp`.
        scope_hierarchy: From a scope to the scopes that it includes. Default: none.
        issuers: From issuer to its JWKS URL, to None (for `{issuer}/oauth2/jwks`), or to a mapping with
            `jwks_url` or `jwks`; `audience`: `"required"`, `"if_present"` (may be absent; if there is one,
            it must be accepted) or `"not_checked"`; `audiences`: a list in place of `audiences` and
            `accept_client_id_audience`; `family`: `"connect"` or `"session"`.
        session_client_id: Client id whose AuthKit session tokens are accepted too; adds their issuers and
            keys. If a session token has `client_id` or `azp`, it must be this client. If it has `aud`, it
            must name an accepted audience or this client. Default: none.
        algorithms: Out of RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 EdDSA. Default: RS256.
        leeway: Clock skew allowed to `exp`, `nbf` and `iat`, in seconds, 0 to 300. Default: 60.
        max_token_age: Oldest `iat` to accept, in seconds before now. Default: unlimited.
        typ: `"any"` (no `typ`, `JWT` or `at+jwt`) or `"rfc9068"` (`at+jwt` with `client_id`, `iat` and
            `jti`). Default: `"any"`.
        now: Unix time in seconds to judge tokens by, for tests. Default: the clock.
        jwks: The single issuer's keys as a JWKS document, text or mapping. Then nothing is fetched, and
            `issuers` must not give this issuer keys too.
        allow_insecure_loopback: Allow `http://` to this very machine, for tests. Default: False.
        allow_insecure_http: Hosts for which `http://` is allowed, such as `host.docker.internal`. Anyone
            on the way can replace the keys. Default: none.
        ca_file: Path of a PEM file with certificate authorities to trust in addition to the
            system's. If the file cannot be read or holds no certificate, making the verifier fails.
        extra_ca_file: As `ca_file`, but an unusable file is skipped, with the event `warned`.
        proxy: `http://host:port` to fetch keys through. Default: none; the environment's is not used.
        fetch_timeout: The limit for one fetch, and for all waiting of one call, in seconds, 1 to 30.
            Default: 5.
        refresh_mode: Who fetches keys: `"background"` (the call that lacks them; if no call should wait, a
            thread that ends with the fetch), `"inline"` (always the call; only name look-ups have a thread)
            or `"manual"` (only `refresh()`). Default: `"background"`.
        token_cache_size: How many verified tokens are kept, so that they need not be verified again while the
            key set that signed them is in force; 0 to 65536, 0 for none. Default: 1024.
        jwks_cache_dir: Directory in which processes of one user on one machine share fetched keys; on a
            local disk, writable by that user alone. Default: none.

    Raises:
        ConfigError: A setting is missing or wrong; the reason names it, the hint corrects it.
        TypeError: A setting is of a type that no setting has.
    """

    __slots__ = ("__weakref__", "_are_events_taken", "_handle", "_in_vain", "_is_logged", "_past", "_waiting")

    _handle: VerifierHandle | None
    # Whether a host writes its log.
    _is_logged: bool
    # Whether `events` was called. The library then leaves keys out of its log lines.
    _are_events_taken: bool
    # Events of a native verifier that another has replaced.
    _past: list[Event]
    # How often in a row the library was asked whether a token comes again, and none did.
    _in_vain: int
    # By event loop, for as long as a call waits there.
    _waiting: dict[asyncio.AbstractEventLoop, Waiting]

    def __init__(
        self,
        *,
        authkit_domain: str | None = None,
        base_url: str | None = None,
        mcp_path: str | None = None,
        resource: str | None = None,
        resource_name: str | None = None,
        resource_documentation: str | None = None,
        audiences: Iterable[str] | None = None,
        accept_client_id_audience: Iterable[str] | None = None,
        ignore_trailing_slash: bool | None = None,
        required_scopes: Iterable[str] | None = None,
        scopes_supported: Iterable[str] | None = None,
        scope_claims: Iterable[str] | None = None,
        scope_hierarchy: Mapping[str, Iterable[str]] | None = None,
        issuers: Mapping[str, str | Mapping[str, Any] | None] | None = None,
        session_client_id: str | None = None,
        algorithms: Iterable[str] | None = None,
        leeway: int | None = None,
        max_token_age: int | None = None,
        typ: Literal["any", "rfc9068"] | None = None,
        now: int | None = None,
        jwks: str | Mapping[str, Any] | None = None,
        allow_insecure_loopback: bool | None = None,
        allow_insecure_http: Iterable[str] | None = None,
        ca_file: str | os.PathLike[str] | None = None,
        extra_ca_file: str | os.PathLike[str] | None = None,
        proxy: str | None = None,
        fetch_timeout: int | None = None,
        refresh_mode: Literal["background", "inline", "manual"] | None = None,
        jwks_cache_dir: str | os.PathLike[str] | None = None,
        token_cache_size: int | None = None,
    ) -> None:
        # First, so that a verifier that could not be made can still be looked at in a debugger.
        self._hold(None)
        settings = {
            "authkit_domain": authkit_domain,
            "base_url": base_url,
            "mcp_path": mcp_path,
            "resource": resource,
            "resource_name": resource_name,
            "resource_documentation": resource_documentation,
            "audiences": audiences,
            "accept_client_id_audience": accept_client_id_audience,
            "ignore_trailing_slash": ignore_trailing_slash,
            "required_scopes": required_scopes,
            "scopes_supported": scopes_supported,
            "scope_claims": scope_claims,
            "scope_hierarchy": scope_hierarchy,
            "issuers": issuers,
            "session_client_id": session_client_id,
            "algorithms": algorithms,
            "leeway": leeway,
            "max_token_age": max_token_age,
            "typ": typ,
            "now": now,
            "jwks": jwks,
            "allow_insecure_loopback": allow_insecure_loopback,
            "allow_insecure_http": allow_insecure_http,
            "ca_file": ca_file,
            "extra_ca_file": extra_ca_file,
            "proxy": proxy,
            "fetch_timeout": fetch_timeout,
            "refresh_mode": refresh_mode,
            "jwks_cache_dir": jwks_cache_dir,
            "token_cache_size": token_cache_size,
        }
        text = _settings.to_json(settings)
        self._handle = _made_from(lambda *out: _native.config_from_json(text, len(text), *out))

    @classmethod
    def from_env(cls, env_file: str | os.PathLike[str] | None = None, **settings: Any) -> Self:
        """Makes a verifier from the environment: each setting as `AUTHKIT_` and its name in capitals.

        `AUTHKIT_DOMAIN` stands for `authkit_domain`. The variables of the FastMCP guide,
        `FASTMCP_SERVER_AUTH_AUTHKITPROVIDER_AUTHKIT_DOMAIN`, `_BASE_URL` and `_REQUIRED_SCOPES`, count too;
        `FASTMCP_SERVER_AUTH` naming an `AuthKitProvider` asks for them.

        Args:
            env_file: Path of an env file (`.env`) for what the environment does not set. The environment
                wins, setting by setting, and is not changed. Lines of other programs are skipped. None reads
                no file.
            settings: Keywords of `Verifier`, which win over both; None counts as not given.

        Raises:
            ConfigError: A variable is missing, empty, wrong, or of these prefixes and no setting: a
                misspelling must not leave a door open. Or the file cannot be read, or a keyword is wrong.
        """
        how = _native.config_from_env_file
        return cls._from_environment(None if env_file is None else (how, env_file), settings)

    @classmethod
    def _from_env_and_implicit_file(cls, path: str, **settings: Any) -> Self:
        """As `from_env`, with a file that no one chose: only the FastMCP guide's variables in it count."""
        return cls._from_environment((_native.config_from_implicit_env_file, path), settings)

    @classmethod
    def _from_environment(
        cls, file: tuple[Callable[..., int], str | os.PathLike[str]] | None, settings: Mapping[str, object]
    ) -> Self:
        configure = _native.config_from_environment
        if file is not None:
            read, path = file[0], _c_string(os.fsdecode(file[1]), "env_file")

            def configure(*out: Any) -> int:
                return read(path, *out)

        verifier = cls.__new__(cls)
        verifier._hold(_made_from(configure, settings))
        return verifier

    def verify(
        self,
        token: str | bytes,
        *,
        required_scopes: Iterable[str] = (),
        any_scopes: Iterable[str] | None = None,
        now: int | None = None,
    ) -> Claims:
        """Verifies an access token: signature, issuer, audience, times, scopes.

        May wait for the issuer's keys, at most `fetch_timeout`; other Python threads run meanwhile. On an
        event loop use `verify_async`.

        Args:
            token: The text after `Bearer ` and nothing else.
            required_scopes: Scopes that this call demands beyond the configured ones, all of them; a single
                str is one scope.
            any_scopes: Scopes of which this call demands one, whichever; None demands none. An empty
                collection is refused: no token has one of it.
            now: Unix time in seconds to judge by, in place of the clock and of the setting `now`.

        Raises:
            TokenError: The token is not acceptable: answer 401.
            InsufficientScopeError: It lacks a required scope: answer 403.
            KeysUnavailableError: The issuer's keys could not be had: answer 503.
            MisuseError: The verifier is closed, or a required scope is not one.
        """
        return self._judge(_native.verifier_verify_into, token, required_scopes, any_scopes, now)

    def try_verify(
        self,
        token: str | bytes,
        *,
        required_scopes: Iterable[str] = (),
        any_scopes: Iterable[str] | None = None,
        now: int | None = None,
    ) -> Claims:
        """As `verify`, without network and without waiting.

        Raises:
            WouldBlockError: Keys must be fetched first; the fetch was started, unless the `refresh_mode` is
                `"inline"`, where it takes a call of `verify`.
        """
        return self._judge(_native.verifier_try_verify_into, token, required_scopes, any_scopes, now)

    async def verify_async(
        self,
        token: str | bytes,
        *,
        required_scopes: Iterable[str] = (),
        any_scopes: Iterable[str] | None = None,
        now: int | None = None,
    ) -> Claims:
        """As `verify`, without ever blocking the event loop.

        If keys must be fetched first, it waits for them, at most `fetch_timeout`. One thread waits for all
        calls of a loop, and no thread of the loop's executor.
        """
        # Read once, since they are asked for twice, and an iterator has nothing to demand the second time.
        required_scopes, any_scopes = _scopes(required_scopes), _alternatives(any_scopes)
        try:
            return self._judge(_native.verifier_try_verify_into, token, required_scopes, any_scopes, now)
        except WouldBlockError:
            pass
        handle, octets = self._open(), _octets(token)
        policy = _demanded(required_scopes, any_scopes, now)
        claims: Claims = await self._eventually(
            handle, lambda how: self._judge_anew(handle, how, octets, policy)
        )
        return claims

    def authorize(
        self,
        authorization: str | bytes | None,
        *,
        query: str | bytes | None = None,
        required_scopes: Iterable[str] = (),
        any_scopes: Iterable[str] | None = None,
        now: int | None = None,
        tool: str | None = None,
    ) -> Decision:
        """Decides whether an HTTP request may go on, and what to answer if it may not.

        The library reads the header; pass it unchanged. May wait for the issuer's keys, at most
        `fetch_timeout`; on an event loop use `authorize_async`.

        Args:
            authorization: The value of the request's `Authorization` header; None where it has none. Several
                lines are joined with a comma, and refused.
            query: The query of the request's target, still encoded: a token in it is refused.
            required_scopes: As for `verify`.
            any_scopes: As for `verify`.
            now: As for `verify`.
            tool: The MCP tool that is called, as this server names it. Only the log uses it.

        Raises:
            MisuseError: The verifier is closed, or a required scope is not one.
            InternalError: A defect in the library left no decision: answer 500.
            TypeError: The header or the query is neither str nor bytes.
        """
        handle = self._open()
        policy = _demanded(required_scopes, any_scopes, now, tool)
        request = _Request(handle, authorization, query, policy)
        return self._known(request) or self._decide(_native.verifier_authorize_into, request)

    async def authorize_async(
        self,
        authorization: str | bytes | None,
        *,
        query: str | bytes | None = None,
        required_scopes: Iterable[str] = (),
        any_scopes: Iterable[str] | None = None,
        now: int | None = None,
        tool: str | None = None,
    ) -> Decision:
        """As `authorize`, without ever blocking the event loop; waits as `verify_async` does.

        Raises:
            MisuseError: The verifier is closed, or a required scope is not one.
            InternalError: A defect in the library left no decision: answer 500.
            TypeError: The header or the query is neither str nor bytes.
        """
        handle = self._open()
        policy = _demanded(required_scopes, any_scopes, now, tool)
        request = _Request(handle, authorization, query, policy)
        decision = self._known(request) or self._decide(_native.verifier_try_authorize_into, request)
        if isinstance(decision.error, WouldBlockError):
            return await self._decide_later(handle, request, decision)
        return decision

    def well_known(self, method: str, path: str | bytes) -> Response | None:
        """Answers a request for one of this server's well-known documents; None for any other path.

        Protected resource metadata (RFC 9728) with and without the resource's path, and the authorization
        server's metadata (RFC 8414) for clients that ask here. May wait for the latter, at most
        `fetch_timeout`; on an event loop use `well_known_async`.

        Args:
            method: The request's method.
            path: The path of the request's target, as it came.

        Raises:
            MisuseError: The verifier is closed, or the method holds a NUL.
            InternalError: A defect in the library left no answer: answer 500.
            TypeError: The method or the path is neither str nor bytes.
        """
        handle = self._open()
        return _answer(handle, _native.verifier_well_known, method, path)[0]

    async def well_known_async(self, method: str, path: str | bytes) -> Response | None:
        """As `well_known`, without ever blocking the event loop."""
        handle = self._open()
        later: list[Response | None] = []

        def judge(how: Callable[..., int]) -> Response | None:
            response, error = _answer(handle, _well_known(how), method, path)
            if isinstance(error, WouldBlockError):
                later[:] = [response]
                raise error
            return response

        try:
            answered: Response | None = await self._eventually(handle, judge)
        except KeysUnavailableError:
            return later[0]
        return answered

    @property
    def resource_metadata_url(self) -> str | None:
        """Where clients find the protected resource metadata; None if no resource is configured."""
        handle = self._open()
        url = _native.verifier_resource_metadata_url(handle.pointer)
        return None if url is None else url.decode()

    def refresh(self) -> None:
        """Fetches the keys of every issuer now and waits for them, at most `fetch_timeout`.

        If the `refresh_mode` makes no threads, it waits that long for each issuer. Use it to warm up before
        the first token, or to try again after an outage. Given keys stay as they are.

        Raises:
            KeysUnavailableError: An issuer's keys could not be had; keys fetched earlier stay in use.
            MisuseError: The verifier is closed.
        """
        handle = self._open()
        error = c_void_p()
        status = _native.verifier_refresh(handle.pointer, byref(error))
        if status != _native.OK:
            raise refusal(status, error)

    def start_refresh(self) -> None:
        """Starts to fetch the keys of every issuer and returns at once; what comes of it, `stats` tells.

        Raises:
            MisuseError: The verifier is closed, or its `refresh_mode` is not `"background"`.
        """
        handle = self._open()
        error = c_void_p()
        status = _native.verifier_start_refresh(handle.pointer, byref(error))
        if status != _native.OK:
            raise refusal(status, error)

    def wait_ready(self, timeout: float = 10.0) -> None:
        """Waits until every issuer has keys to verify with: at a server's start, or in its readiness check.

        Fetches what is missing, again and again where a fetch fails. At once where all keys are there. On an
        event loop: `await asyncio.to_thread(verifier.wait_ready)`.

        Args:
            timeout: The longest wait, in seconds, of any size; `math.inf` waits as long as it takes. With 0
                or less it starts missing fetches and does not wait.

        Raises:
            KeysUnavailableError: After the timeout an issuer has no keys yet; the reason says why.
            WouldBlockError: After the timeout an issuer's first fetch is still under way.
            MisuseError: The verifier is closed, or the timeout is not a number (NaN).
        """
        handle = self._open()
        if timeout != timeout:
            raise misuse("the timeout is not a number of seconds")
        # Compared before it is added: an int can be past every float.
        deadline = time.monotonic() + float(min(max(timeout, 0), _AGES))
        while True:
            left = max(0.0, deadline - time.monotonic())
            error = c_void_p()
            status = _native.verifier_wait_ready(handle.pointer, int(1000 * min(left, _DEAF)), byref(error))
            if status == _native.OK:
                return
            refused = refusal(status, error)
            if left <= _DEAF or not isinstance(refused, (KeysUnavailableError, WouldBlockError)):
                raise refused

    def stats(self) -> Stats:
        """What the verifier has and has done: keys in use and dropped, freshness, fetches, verdicts.

        For a health check, a metric, a person with a 503. Waits for nothing; holds nothing of a token.

        Raises:
            MisuseError: The verifier is closed.
        """
        handle = self._open()
        out, error = c_void_p(), c_void_p()
        status = _native.verifier_stats(handle.pointer, byref(out), byref(error))
        pointer = out.value
        if status != _native.OK or pointer is None:
            raise refusal(status, error)
        try:
            stats: Stats = loads(_native.stats_json(pointer, None).decode())
        finally:
            _native.stats_free(pointer)
        return stats

    def events(self) -> list[Event]:
        """Takes what has happened to the keys since the last call: fetched, failed, rotated and so on.

        Each event is given once, the oldest first. 256 are kept; `events_lost` of `stats` counts those that
        were lost. `authkit_verifier.events.log_to` writes them to a logger.

        Raises:
            MisuseError: The verifier is closed.
        """
        handle = self._open()
        self._are_events_taken = True
        events: list[Event] = []
        while self._past:
            events.append(self._past.pop(0))
        return events + _events_of(handle)

    def _log_lines(self) -> list[LogLine]:
        """Takes the lines for a host's log that belong to no request."""
        handle = self._open()
        lines: list[LogLine] = []
        while (pointer := _native.verifier_next_log_line(handle.pointer)) is not None:
            try:
                level = "info" if _native.log_line_level(pointer) == _native.LOG_INFO else "warning"
                lines.append(_answers().LogLine(level, _native.log_line_text(pointer).decode()))
            finally:
                _native.log_line_free(pointer)
        return lines

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

    def describe(self) -> str:
        """The configuration in force, for a log or a person, without a secret.

        The first line is what to paste into the AuthKit dashboard, `resource indicator: https://…/mcp`; then
        a line for each issuer and each setting, its value as JSON.

        Raises:
            MisuseError: The verifier is closed.
        """
        handle = self._open()
        return _native.verifier_describe(handle.pointer, None).decode()

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._handle is None

    def close(self) -> None:
        """Lets go of the native verifier. Any call after it raises MisuseError; a second close does nothing.

        Calls in progress on other threads end as if it were open; the last one frees it. Claims stay valid.
        """
        handle, self._handle = self._handle, None
        if handle is not None:
            handle.kept.clear()

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

    def _open(self) -> VerifierHandle:
        handle = self._handle
        if handle is None:
            raise misuse("the verifier is closed")
        return handle

    def _become(self, other: Verifier) -> None:
        """Takes over another's configuration and keys: whoever holds this verifier goes on with those.

        Calls in progress end by the old ones. The other must be in no use; it is closed.
        """
        # Those that were not taken yet are kept.
        self._past += _events_of(self._open())
        if self._are_events_taken:
            self._past += _events_of(other._open())
        handle, other._handle = other._open(), None
        # One assignment: each call reads it once, and what it keeps is the handle's.
        self._handle = handle
        self._waiting = {}

    def _hold(self, handle: VerifierHandle | None) -> None:
        self._handle = handle
        self._is_logged = False
        self._are_events_taken = False
        self._past = []
        self._in_vain = 0
        self._waiting = {}

    def _judge(
        self,
        how: Callable[..., int],
        token: str | bytes,
        required_scopes: Iterable[str],
        any_scopes: Iterable[str] | None,
        now: int | None,
    ) -> Claims:
        # What _open, _octets and _named do is done here where it comes to little: to call them takes longer.
        handle = self._handle or self._open()
        octets = token.encode() if type(token) is str and token.isascii() else _octets(token)
        policy = _demanded(required_scopes, any_scopes, now)
        if self._in_vain < _VAIN:
            length = _LENGTHS.get(len(octets)) or _length(octets)
            ticket = _recall(handle.pointer, octets, length, policy.pointer)
            known = handle.kept.get(ticket & _SLOT) if ticket else None
            if known is not None and known[0] == ticket:
                self._in_vain = 0
                return known[1]
            self._in_vain += 1
        return self._judge_anew(handle, how, octets, policy)

    def _judge_anew(
        self, handle: VerifierHandle, how: Callable[..., int], token: bytes, policy: Handle
    ) -> Claims:
        # As _written does it, without a list of arguments made for each token.
        length = _LENGTHS.get(len(token)) or _length(token)
        buffer = _lent()
        try:
            written = how(handle.pointer, token, length, policy.pointer, buffer, _native.CAPACITY)
            # A record's length alone accepts; whatever else a library may return refuses.
            if written <= 0:
                raise told(-written, refusal_in(buffer.value))
            record = buffer[:written]
        finally:
            _buffers.append(buffer)
        ticket, claims = from_record(record)
        return self._keep(handle, ticket, claims) if ticket else claims

    def _known(self, request: _Request) -> Decision | None:
        """The decision on a request whose token the library has just accepted again."""
        if self._in_vain >= _VAIN:
            return None
        claims = self._named(request.verifier, _native.verifier_recall_request(*request.arguments))
        return None if claims is None else _answers().allowed(claims)

    def _decide(self, how: Callable[..., int], request: _Request) -> Decision:
        handle = request.verifier

        def keep(ticket: int, claims: Claims) -> Claims:
            return self._keep(handle, ticket, claims)

        decided: Decision = _answers().decision(*_written(how, request.arguments), keep)
        return decided

    def _named(self, handle: VerifierHandle, ticket: int) -> Claims | None:
        """What was made of the acceptance that the library names again; it has judged the token again."""
        kept = handle.kept.get(ticket & _SLOT) if ticket else None
        if kept is None or kept[0] != ticket:
            self._in_vain += 1
            return None
        self._in_vain = 0
        return kept[1]

    def _keep(self, handle: VerifierHandle, ticket: int, claims: Claims) -> Claims:
        if ticket == 0 or self._handle is not handle:
            return claims
        kept = handle.kept.get(ticket & _SLOT)
        if kept is not None and kept[0] == ticket:
            # Tokens come again: from now on it is asked whether they do.
            self._in_vain = 0
            return kept[1]
        handle.kept[ticket & _SLOT] = (ticket, claims)
        return claims

    async def _decide_later(self, handle: VerifierHandle, request: _Request, at_once: Decision) -> Decision:
        """The decision on a request that would have to wait."""
        last = at_once

        def judge(how: Callable[..., int]) -> Decision:
            nonlocal last
            last = self._decide(_authorize(how), request)
            if isinstance(last.error, WouldBlockError):
                raise last.error
            return last

        try:
            decision: Decision = await self._eventually(handle, judge)
        except (KeysUnavailableError, KeyUnconfirmedError) as error:
            from dataclasses import replace

            # The call has waited long enough: it gets the answer of a call that would block.
            return replace(last, error=error)
        return decision

    async def _eventually(self, handle: Handle, judge: Judge) -> Any:
        """What the library says now, or when it has what it lacks."""
        # Before the try: whatever ends after it is seen.
        seen = _native.verifier_fetches_ended(handle.pointer)
        try:
            return judge(_native.verifier_try_verify_into)
        except WouldBlockError as error:
            # Without its traceback, which would keep this frame alive in a cycle.
            at_once = error.with_traceback(None)
        from asyncio import get_running_loop

        return await self._waiting_on(get_running_loop(), handle).verdict(judge, seen, at_once)

    def _waiting_on(self, loop: asyncio.AbstractEventLoop, handle: Handle) -> Waiting:
        """The calls that wait on this loop. Kept by the loop itself: an id may be another's later."""
        waiting = self._waiting.get(loop)
        if waiting is None:
            from ._waiting import Waiting

            all_waiting = self._waiting
            waiting = Waiting(handle, loop, lambda: all_waiting.pop(loop, None))
            all_waiting[loop] = waiting
        return waiting


# Bound here: it is called for every token.
_recall = _native.verifier_recall

# Lengths as the library takes them: to make one of an int takes ctypes longer than to look it up.
_LENGTHS: dict[int, c_size_t] = {}
_MANY_LENGTHS = 1024


def _length(octets: bytes | None) -> c_size_t:
    """What it holds of a text; 0 of none."""
    number = 0 if octets is None else len(octets)
    length = _LENGTHS.get(number)
    if length is None:
        length = c_size_t(number)
        if len(_LENGTHS) < _MANY_LENGTHS:
            _LENGTHS[number] = length
    return length


# So often in a row it is asked in vain whether a token comes again. Where none does, be it that clients have
# one for every call or that nothing is kept, asking costs more than it spares.
_VAIN = 4

# The bits of a ticket that are its slot.
_SLOT = 0xFFFF

# Buffers that no call is using: each has one to itself. As many as there are threads at most. They are arrays
# of c_char, whose slices are bytes, which their types do not say.
_buffers: list[Any] = []


def _lent() -> Any:
    """An empty buffer, which the caller puts back. It holds nothing of an earlier call."""
    try:
        buffer = _buffers.pop()
    except IndexError:
        return create_string_buffer(_native.RECORD_CAPACITY)
    buffer[0] = b"\0"
    return buffer


def _written(how: Callable[..., int], question: tuple[Any, ...]) -> tuple[int, bytes]:
    """What a call answers, and what it writes."""
    buffer = _lent()
    try:
        written = how(*question, buffer, _native.CAPACITY)
        return written, buffer[:written] if written > 0 else buffer.value
    finally:
        _buffers.append(buffer)


class _Request:
    """A request as the library takes it; keeps alive the handles whose pointers are in it.

    As with a handle, the caller keeps the request in a local name while the library uses its arguments.
    """

    __slots__ = ("_policy", "arguments", "verifier")

    def __init__(
        self,
        verifier: VerifierHandle,
        authorization: str | bytes | None,
        query: str | bytes | None,
        policy: Handle,
    ) -> None:
        header = None if authorization is None else _octets(authorization)
        target = None if query is None else _octets(query)
        self.verifier = verifier
        self._policy = policy
        self.arguments = (
            verifier.pointer,
            header,
            _length(header),
            target,
            _length(target),
            policy.pointer,
        )


_answers_read: Any = None


def _answers() -> Any:
    """What reads the library's answers; imported when there is one to read."""
    global _answers_read
    if _answers_read is None:
        from . import _response

        _answers_read = _response
    return _answers_read


def _authorize(how: Callable[..., int]) -> Callable[..., int]:
    """How to ask about a request, as one would about a token."""
    waits = how is _native.verifier_verify_into
    return _native.verifier_authorize_into if waits else _native.verifier_try_authorize_into


def _well_known(how: Callable[..., int]) -> Callable[..., int]:
    """How to ask for a document, as one would about a token."""
    waits = how is _native.verifier_verify_into
    return _native.verifier_well_known if waits else _native.verifier_try_well_known


def _answer(
    handle: Handle, how: Callable[..., int], method: str, path: str | bytes
) -> tuple[Response | None, AuthKitError | None]:
    from ._response import answer

    name, octets = _c_string(method, "method"), _octets(path)
    return answer(lambda *out: how(handle.pointer, name, octets, len(octets), *out))


def _made_from(configure: Callable[..., int], more: Mapping[str, object] | None = None) -> VerifierHandle:
    config, verifier, error = c_void_p(), c_void_p(), c_void_p()
    status = configure(byref(config), byref(error))
    if status != _native.OK:
        raise refusal(status, error)
    try:
        for name, value in (more or {}).items():
            if value is not None:
                _set(config, name, _settings.to_text(value))
        status = _native.verifier_new(config, byref(verifier), byref(error))
    finally:
        _native.config_free(config.value)
    if status != _native.OK:
        raise refusal(status, error)
    return VerifierHandle(verifier.value, _native.verifier_free)


def _set(config: c_void_p, name: str, value: str) -> None:
    error = c_void_p()
    status = _native.config_set(config, _c_string(name, "a setting"), _c_string(value, name), byref(error))
    if status != _native.OK:
        raise refusal(status, error)


_NO_POLICY = Handle(None, None)


def _scopes(scopes: Iterable[str]) -> tuple[str, ...]:
    return (scopes,) if isinstance(scopes, str) else tuple(scopes)


def _alternatives(scopes: Iterable[str] | None) -> tuple[str, ...] | None:
    return None if scopes is None else _scopes(scopes)


def _events_of(handle: VerifierHandle) -> list[Event]:
    """Takes the events of a native verifier, which then leaves keys out of its log lines."""
    events: list[Event] = []
    while (pointer := _native.verifier_next_event(handle.pointer)) is not None:
        try:
            events.append(loads(_native.event_json(pointer, None).decode()))
        finally:
            _native.event_free(pointer)
    return events


def _demanded(
    required_scopes: Iterable[str], any_scopes: Iterable[str] | None, now: int | None, tool: str | None = None
) -> Handle:
    # Not by truth: None, which a look-up of an unknown name gives, must not demand nothing.
    if required_scopes == () and any_scopes is None and now is None:
        # Without demands a tool is refused for no fault of its own.
        return _NO_POLICY
    return _policy(required_scopes, any_scopes, now, tool)


def _policy(
    required_scopes: Iterable[str], any_scopes: Iterable[str] | None, now: int | None, tool: str | None = None
) -> Handle:
    demands = (_scopes(required_scopes), _alternatives(any_scopes), tool)
    # A server has few sets of scopes, asked for again and again; times to look back to are many.
    return _policy_of_scopes(demands) if now is None else _new_policy(demands, now)


# Scopes, all of them; alternatives; the tool that they are for.
_Demands = tuple[tuple[str, ...], "tuple[str, ...] | None", "str | None"]


def _new_policy(demands: _Demands, now: int | None) -> Handle:
    scopes, alternatives, tool = demands
    pointer = _native.policy_new()
    if pointer is None:
        # Passed on as NULL, it would demand nothing.
        raise refusal(_native.INTERNAL, c_void_p())
    policy = Handle(pointer, _native.policy_free)
    for scope in scopes:
        _demand(_native.policy_require_scope, policy, _c_string(scope, "a required scope"))
    if alternatives is not None:
        _demand(_native.policy_require_any_scope, policy, _c_string(_joined(alternatives), "any_scopes"))
    if now is not None:
        status = _native.policy_set_now(policy.pointer, _int64(now))
        if status != _native.OK:
            raise refusal(status, c_void_p())
    if tool is not None:
        status = _native.policy_set_tool(policy.pointer, _c_string(tool, "tool"))
        if status != _native.OK:
            raise refusal(status, c_void_p())
    return policy


def _demand(how: Callable[..., int], policy: Handle, scopes: bytes) -> None:
    error = c_void_p()
    status = how(policy.pointer, scopes, byref(error))
    if status != _native.OK:
        raise refusal(status, error)


def _joined(scopes: tuple[str, ...]) -> str:
    if any(" " in scope for scope in scopes):
        # Handed on, it would be read as two, of which either is enough.
        raise misuse("a scope of any_scopes contains a space")
    return " ".join(scopes)


# By what they demand. No lru_cache: its import takes as long as several of ours.
_policies: dict[_Demands, Handle] = {}
_MOST_POLICIES = 256


def _policy_of_scopes(demands: _Demands) -> Handle:
    policy = _policies.get(demands)
    if policy is None:
        policy = _new_policy(demands, None)
        if len(_policies) >= _MOST_POLICIES:
            _policies.clear()
        _policies[demands] = policy
    return policy


def _octets(text: str | bytes) -> bytes:
    """The text as it is, down to what is not Unicode: the library refuses that, and says so."""
    if isinstance(text, str):
        try:
            return text.encode()
        except UnicodeEncodeError:
            return text.encode("utf-8", "surrogatepass")
    if isinstance(text, bytes):
        return text
    # No bytearray or memoryview: another thread could change it while the library reads.
    raise TypeError(f"expected str or bytes, not {type(text).__name__}")


def _c_string(text: str, what: str) -> bytes:
    octets = _octets(text)
    if b"\0" in octets:
        # Handed on, it would be read as far as the NUL: another, shorter name.
        raise misuse(f"{what} contains U+0000")
    return octets


def _int64(number: int) -> int:
    from operator import index

    number = index(number)
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
        verifier._hold(VerifierHandle(pointer.value, None))
        _default = verifier
    return _default


def verify(
    token: str | bytes,
    *,
    required_scopes: Iterable[str] = (),
    any_scopes: Iterable[str] | None = None,
    now: int | None = None,
) -> Claims:
    """Verifies an access token with the process's default verifier.

    That one is made from the environment when first needed, as by `Verifier.from_env`, and shared with every
    other user of the library in this process. A failure to make it is not remembered.

    Raises:
        ConfigError: The environment configures no verifier.
        AuthKitError: As `Verifier.verify`.
    """
    return _default_verifier().verify(token, required_scopes=required_scopes, any_scopes=any_scopes, now=now)
