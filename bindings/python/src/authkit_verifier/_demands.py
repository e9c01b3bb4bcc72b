"""What a request needs: by its path, by the tools that it calls. Where that is unclear, all that there is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from ctypes import byref, c_bool, c_void_p, create_string_buffer
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from . import _native
from ._errors import misuse, refusal
from ._handle import Handle

if TYPE_CHECKING:
    from ._verifier import Verifier

Scopes = tuple[str, ...]
# A request's raw path, its decoded path as the router sees it, and the decoded prefix that the host names.
# None for each one that the host does not know.
Paths = tuple["bytes | None", "bytes | None", "bytes | None"]
# What a host describes a request by: an ASGI scope, a WSGI environment.
Request = TypeVar("Request")


def scopes(given: Iterable[str]) -> Scopes:
    """The scopes that a host names: a single str is one scope."""
    return (given,) if isinstance(given, str) else tuple(dict.fromkeys(given))


def named(given: Mapping[str, Iterable[str]], verifier: Verifier) -> dict[str, Scopes]:
    """The scopes for each of several names; looked at by the library now, so that they fail no request."""
    needed = {name: scopes(wanted) for name, wanted in given.items()}
    for wanted in needed.values():
        verifier.authorize(None, required_scopes=wanted)
    return needed


class Demands(Generic[Request]):
    """What the requests of one middleware need. The library judges every known spelling of their paths.

    Args:
        public: Paths that need no token, or a function that says so.
        required_scopes: Scopes for all requests, by place, or chosen by a function.
        prefix: The part of the path that is stripped before the application routes.
        verifier: Its library checks the scopes now, so that a wrong scope fails at the start.
        paths: Gives the spellings of a request's path.
    """

    def __init__(
        self,
        public: Iterable[str] | Callable[[Request], bool],
        required_scopes: Iterable[str] | Mapping[str, Iterable[str]] | Callable[[Request], Iterable[str]],
        prefix: str,
        verifier: Verifier,
        paths: Callable[[Request], Paths],
    ) -> None:
        self._paths = paths
        for name, function in (("public", public), ("required_scopes", required_scopes)):
            if _is_asynchronous(function):
                raise misuse(f"{name} is an async function, whose result is not awaited: make it a plain one")
        self._opens = public if callable(public) else None
        self._chosen: Callable[[Request], Iterable[str]] | None = None
        # These scopes are for every token. A request that needs no token does not need them either.
        self._always: Scopes = ()
        places: Mapping[str, Iterable[str]] = {}
        if callable(required_scopes):
            self._chosen = required_scopes
        elif isinstance(required_scopes, Mapping):
            places = required_scopes
        else:
            self._always = named({"": required_scopes}, verifier)[""]
        # A function may open any path, except those that a place closes.
        self._places = Places("/*" if callable(public) else public, places, prefix)

    def of(self, request: Request) -> tuple[bool, Scopes]:
        """Whether a request needs no token; if it needs one, the scopes of that token."""
        is_public, needed = self._places.judge(self._paths(request))
        if is_public and self._opens is not None:
            # Not by truth: what is meant otherwise, such as a coroutine, opens nothing.
            is_public = self._opens(request) is True
        if self._chosen is not None:
            chosen = scopes(self._chosen(request))
            is_public = is_public and not chosen
            needed = (*needed, *chosen)
        return is_public, (*self._always, *needed)


def _is_asynchronous(function: object) -> bool:
    call = getattr(function, "__call__", None)  # noqa: B004 -- an object's own
    return iscoroutinefunction(function) or iscoroutinefunction(call)


class Places:
    """The library's judge of paths, over the places of one middleware."""

    def __init__(
        self, public: Iterable[str], required_scopes: Mapping[str, Iterable[str]], prefix: str
    ) -> None:
        opened = scopes(public)
        needed = {place: scopes(wanted) for place, wanted in required_scopes.items()}
        # Without places and public paths, no request need be judged.
        self._is_empty = not opened and not needed
        octets = json.dumps({"public": opened, "required_scopes": needed, "prefix": prefix}).encode()
        pointer, error = c_void_p(), c_void_p()
        status = _native.access_from_json(octets, len(octets), byref(pointer), byref(error))
        if status != _native.OK:
            raise refusal(status, error)
        self._handle = Handle(pointer.value, _native.access_free)

    def judge(self, paths: Paths) -> tuple[bool, Scopes]:
        """Whether a request with these paths needs no token, and the scopes that its path demands."""
        if self._is_empty:
            return False, ()
        handle, needed = self._handle, create_string_buffer(_native.ACCESS_CAPACITY)
        is_public, error = c_bool(), c_void_p()
        given = [part for octets in paths for part in (octets, 0 if octets is None else len(octets))]
        status = _native.access_judge(
            handle.pointer, *given, needed, len(needed), byref(is_public), byref(error)
        )
        if status != _native.OK:
            raise refusal(status, error)
        return is_public.value, tuple(needed.value.decode().split())


class Called(NamedTuple):
    """Tools that a request calls and that the host names."""

    # None if no such tool is called. A tool whose scopes are empty needs a token all the same.
    scopes: Scopes | None
    # Of the host's own list, for the log; None unless it is one.
    name: str | None


def of_tools(body: bytes, needed: Mapping[str, Scopes]) -> Called:
    """The tools with scopes that the JSON-RPC messages of a body call.

    A body that could be read in two ways, or not at all, calls them all: what the application makes of it is
    not known here.
    """
    names = called_tools(body)
    if names is None:
        return all_of(needed)
    found = {name: needed[name] for name in names if name in needed}
    return Called(_joined(found.values()) if found else None, next(iter(found)) if len(found) == 1 else None)


def called_tools(body: bytes) -> list[str] | None:
    """The names of the tools that the JSON-RPC messages of a body call.

    None of a body that could be read in two ways, or not at all.
    """
    if not body:
        return []
    try:
        messages = json.loads(body, object_pairs_hook=_members)
        batch = messages if isinstance(messages, list) else [messages]
        names = [message["params"]["name"] for message in batch if message.get("method") == "tools/call"]
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return None
    return names if all(isinstance(name, str) for name in names) else None


def all_of(needed: Mapping[str, Scopes]) -> Called:
    """Every tool."""
    return Called(_joined(needed.values()), None)


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        # RFC 8259 section 4: which of them counts differs between parsers.
        raise ValueError("a name occurs twice")
    return members


def _joined(found: Iterable[Scopes]) -> Scopes:
    return tuple(dict.fromkeys(scope for needed in found for scope in needed))
