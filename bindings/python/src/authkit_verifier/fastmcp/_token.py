"""The accepted token as FastMCP knows it, and the way back from a request to its claims."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from fastmcp.server.auth.auth import AccessToken
from fastmcp.server.dependencies import get_access_token, get_http_request
from pydantic import PrivateAttr

from .._access_token import facts, fitting

if TYPE_CHECKING:
    from .._claims import Claims
    from .._verifier import Verifier


class _Verdict:
    """What the library has said about a token, and who may be asked for more."""

    __slots__ = ("claims", "granted", "verifier")

    def __init__(self, claims: Claims, verifier: Verifier) -> None:
        self.claims = claims
        self.verifier = verifier
        # Scopes that it has found granted beyond the verifier's own.
        self.granted: frozenset[str] = frozenset()


class AuthKitAccessToken(AccessToken):
    """What `get_access_token()` gives in a tool: FastMCP's access token, with `claims` whole.

    `scopes` are those that the token names; to ask whether a scope is granted, also by a configured
    hierarchy, there is `require_scopes`.
    """

    _verdict: _Verdict = PrivateAttr()

    @staticmethod
    def of(token: str, claims: Claims, verifier: Verifier) -> AuthKitAccessToken:
        """The token that a verifier accepted with these claims."""
        return _TEMPLATE.filled(_Verdict(claims, verifier), facts(token, claims))

    @property
    def verified(self) -> Claims:
        """The claims as the library's own type."""
        return self._verdict.claims

    def grant(self, scopes: Iterable[str]) -> None:
        """Notes scopes that the library has found granted."""
        self._verdict.granted = self._verdict.granted.union(scopes)

    def demand(self, scopes: Iterable[str]) -> None:
        """Asks the library whether scopes are granted, unless it has said so. Never waits.

        Raises:
            AuthKitError: They are not, or this could not be found out.
        """
        wanted = frozenset(scopes)
        if not wanted <= self._verdict.granted:
            self._verdict.verifier.try_verify(self.token, required_scopes=sorted(wanted))
            self.grant(wanted)


class _Template:
    """Makes access tokens as unpickling does, from the state of one that pydantic has made.

    To have pydantic check each token's fields, or copy a token, takes longer than all else that is done here.
    """

    def __init__(self) -> None:
        self._state = AuthKitAccessToken(token="", client_id="", scopes=[]).__getstate__()
        self._fields: dict[str, Any] = self._state["__dict__"]
        self._private: dict[str, Any] = self._state["__pydantic_private__"] or {}

    def filled(self, verdict: _Verdict, told: dict[str, Any]) -> AuthKitAccessToken:
        """A token of which this is told; fields of which nothing is are as pydantic has them."""
        fields = fitting(self._fields, told)
        made = AuthKitAccessToken.__new__(AuthKitAccessToken)
        made.__setstate__(
            {
                **self._state,
                "__dict__": {**self._fields, **fields},
                "__pydantic_fields_set__": set(fields),
                "__pydantic_private__": {**self._private, "_verdict": verdict},
            }
        )
        return made


_TEMPLATE = _Template()


def current_token() -> AuthKitAccessToken | None:
    """The token of the request that is being handled; None outside of one that this package let through."""
    try:
        user = get_http_request().scope.get("user")
    except RuntimeError:
        user = None
    # The message's own request first: a session's task remembers the one that began it.
    token = getattr(user, "access_token", None) or get_access_token()
    return token if isinstance(token, AuthKitAccessToken) else None


def claims() -> Claims:
    """The claims of the request that is being handled, for a tool, a resource, a prompt, a custom route.

    Raises:
        RuntimeError: There is no such request, or it came without a token (a custom route's, stdio).
    """
    token = current_token()
    if token is None:
        raise RuntimeError("no request with a token that AuthKitProvider accepted is being handled")
    return token.verified
