"""From Python's keywords to the one JSON object that the library reads its settings from."""

from __future__ import annotations

import os
from _collections_abc import Iterable, Mapping  # collections.abc is this, behind all of collections

from ._jsontext import dumps

TYPE_CHECKING = False  # as typing has it, whose import would take as long as all of ours
if TYPE_CHECKING:
    from typing import Any


def to_json(settings: Mapping[str, object]) -> bytes:
    """The settings that are given, None meaning not given. Whether they are right, the library says."""
    given = {name: value for name, value in settings.items() if value is not None}
    return document(given)


def to_text(value: object) -> str:
    """One setting in the form that an environment variable has."""
    if isinstance(value, str):
        return value
    if isinstance(value, os.PathLike):
        return os.fsdecode(value)
    return dumps(value, _plain)


def document(value: object) -> bytes:
    """JSON text of a value, in any of the types that Python has for lists and maps.

    ASCII alone, so that text that is not Unicode (a lone surrogate) arrives and is refused by name.
    """
    return dumps(value, _plain).encode("ascii")


def _plain(value: object) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, os.PathLike):
        return os.fsdecode(value)
    # Bytes are iterable, too, but a list of numbers is never what is meant.
    if isinstance(value, Iterable) and not isinstance(value, (bytes, bytearray, memoryview)):
        return list(value)
    raise TypeError(f"a setting cannot be of type {type(value).__name__}")
