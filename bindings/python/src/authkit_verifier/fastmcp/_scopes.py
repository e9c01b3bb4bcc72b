"""Scopes of single tools: demanded before a tool is called and, whatever came before, in the tool itself."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from contextvars import ContextVar
from functools import wraps
from typing import Any, Protocol, TypeVar, cast, overload

from fastmcp.exceptions import ToolError

from .._errors import AuthKitError
from .._verifier import _policy
from ._token import AuthKitAccessToken, current_token

Function = TypeVar("Function", bound=Callable[..., Any])

_MARK = "__authkit_scopes__"
# What FastMCP 3 and newer leave on a function that they have registered as it was.
_REGISTERED = "__fastmcp__"
# Of one request; looking a tool up is work, and more would be asked for by nobody but an attacker.
_MOST_TOOLS = 16

# While set, requirements note their scopes here and pass: a look at what a tool needs, not a use of it.
_noted: ContextVar[set[str] | None] = ContextVar("authkit_noted_scopes", default=None)
_in_use = False


class _AuthContext(Protocol):
    """What FastMCP 3 and newer ask about: a token, and the component that it is to open."""

    token: Any
    component: Any


class ScopeRequirement:
    """Scopes that a tool needs; made by `require_scopes`."""

    def __init__(self, scopes: Iterable[str]) -> None:
        self.scopes = frozenset(scopes)
        # Has the library refuse what is no scope while the server starts.
        _policy(sorted(self.scopes), None, None)

    @overload
    def __call__(self, target: _AuthContext, /) -> bool: ...

    @overload
    def __call__(self, target: Function, /) -> Function: ...

    def __call__(self, target: Any, /) -> Any:
        """Guards a function; or, as FastMCP's `auth=`, judges the token of an `AuthContext`."""
        if hasattr(target, "token") and hasattr(target, "component"):
            return self._judge(target.token)
        if not inspect.isroutine(target) or hasattr(target, _REGISTERED):
            raise TypeError("require_scopes guards a function: write it below @mcp.tool, not above")
        return _guarded(target, self.scopes)

    def _judge(self, token: object) -> bool:
        noted = _noted.get()
        if noted is not None:
            noted.update(self.scopes)
            return True
        return isinstance(token, AuthKitAccessToken) and _refusal(token, self.scopes) is None


def require_scopes(*scopes: str) -> ScopeRequirement:
    """Demands scopes of the token that calls a tool, all of them, beyond the provider's `required_scopes`.

        @mcp.tool
        @require_scopes("files:write")
        def write(path: str, text: str) -> None: ...

        @mcp.tool(auth=require_scopes("files:write"))     # FastMCP 3 and newer: hides it from others, too
        def write(path: str, text: str) -> None: ...

    A call without them is answered with HTTP 403 and a challenge that names them, before the tool is called;
    a configured `scope_hierarchy` holds. Where the call could not be seen in the request (a very long one),
    and over stdio, where there is no token, the tool itself fails.

    Raises:
        MisuseError: A scope is not one.
        TypeError: No scopes are given.
    """
    global _in_use
    if not scopes:
        raise TypeError("require_scopes needs at least one scope")
    _in_use = True
    return ScopeRequirement(scopes)


def in_use() -> bool:
    """Whether any tool of this process may need scopes of its own."""
    return _in_use


async def scopes_of(server: Any, names: Collection[str]) -> set[str]:
    """The scopes that tools of a FastMCP server need; of a tool that is not found, none are known."""
    noted: set[str] = set()
    if len(names) > _MOST_TOOLS:
        return noted
    before = _noted.set(noted)
    try:
        for name in names:
            async for tool in _found(server, name):
                noted.update(getattr(getattr(tool, "fn", None), _MARK, ()))
    finally:
        _noted.reset(before)
    return noted


async def _found(server: Any, name: str) -> AsyncIterator[Any]:
    """The tool of a name; then, where it stands for another tool, that one."""
    try:
        tool = await server.get_tool(name)
        while tool is not None:
            yield tool
            inner = getattr(tool, "_server", None)
            if inner is None:
                # Of a transformed tool, what it was made from.
                tool = getattr(tool, "parent_tool", None)
            else:
                # Of a mounted server's, in FastMCP 3 and newer.
                tool = await inner.get_tool(tool._original_name)
    except Exception:
        # Whatever a server's own code raises: FastMCP will meet it again, or the tool decides.
        return


def _guarded(function: Function, scopes: frozenset[str]) -> Function:
    if inspect.iscoroutinefunction(function):

        @wraps(function)
        async def guarded(*args: Any, **kwargs: Any) -> Any:
            _demand(scopes)
            return await function(*args, **kwargs)

    else:

        @wraps(function)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            _demand(scopes)
            return function(*args, **kwargs)

    setattr(guarded, _MARK, scopes.union(getattr(function, _MARK, ())))
    return cast("Function", guarded)


def _demand(scopes: frozenset[str]) -> None:
    token = current_token()
    refusal = "no token" if token is None else _refusal(token, scopes)
    if refusal is not None:
        raise ToolError(f"this tool needs the scopes {' '.join(sorted(scopes))}: {refusal}")


def _refusal(token: AuthKitAccessToken, scopes: frozenset[str]) -> str | None:
    try:
        token.demand(scopes)
    except AuthKitError as error:
        return error.code
    return None
