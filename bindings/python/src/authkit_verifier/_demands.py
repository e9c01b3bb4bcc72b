"""What a request needs: by its path, by the tools that it calls. Where that is unclear, all that there is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from ._verifier import Verifier

Scopes = tuple[str, ...]
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


def required(
    given: Iterable[str] | Mapping[str, Iterable[str]] | Callable[[Request], Iterable[str]],
    path: Callable[[Request], str],
    verifier: Verifier,
) -> Callable[[Request], Scopes]:
    """The scopes that a request needs, however a host says so."""
    if callable(given):
        return lambda request: scopes(given(request))
    if isinstance(given, Mapping):
        by_path = named(given, verifier)
        return lambda request: of_path(path(request), by_path)
    always = named({"": given}, verifier)[""]
    return lambda _: always


def public(
    given: Iterable[str] | Callable[[Request], bool], path: Callable[[Request], str]
) -> Callable[[Request], bool]:
    """Whether a request needs no token, however a host says so."""
    if callable(given):
        return given
    places = scopes(given)
    return lambda request: is_public(path(request), places)


def is_public(path: str, places: Iterable[str]) -> bool:
    """Whether a path is among those open to all: exactly, or below one that ends in `/*`."""
    return _is_plain(path) and any(
        path.startswith(place[:-1]) if place.endswith("/*") else path == place for place in places
    )


def of_path(path: str, needed: Mapping[str, Scopes]) -> Scopes:
    """The scopes of every place that is the path or lies above it."""
    plain = _is_plain(path)
    found = [wanted for place, wanted in needed.items() if not plain or _lies_at(path, place.rstrip("/"))]
    return _joined(found)


def of_tools(body: bytes, needed: Mapping[str, Scopes]) -> Scopes:
    """The scopes of the tools that the JSON-RPC messages of a body call.

    A body that could be read in two ways, or not at all, calls them all: what the application makes of it is
    not known here.
    """
    names = called_tools(body)
    return all_of(needed) if names is None else _joined([needed[name] for name in names if name in needed])


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


def all_of(needed: Mapping[str, Scopes]) -> Scopes:
    """The scopes of every name."""
    return _joined(needed.values())


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        # RFC 8259 section 4: which of them counts differs between parsers.
        raise ValueError("a name occurs twice")
    return members


def _is_plain(path: str) -> bool:
    """Whether every router reads a path alike: no `..`, no `//`, no backslash."""
    if not path.startswith("/") or "\\" in path:
        return False
    *inner, last = path[1:].split("/")
    return not {"", ".", ".."}.intersection(inner) and last not in {".", ".."}


def _lies_at(path: str, place: str) -> bool:
    return path == place or path.startswith(place + "/")


def _joined(found: Iterable[Scopes]) -> Scopes:
    return tuple(dict.fromkeys(scope for needed in found for scope in needed))
