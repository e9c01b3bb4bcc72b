"""JSON by the interpreter's own scanner and encoder is JSON as the json module has it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import pytest

from authkit_verifier import _jsontext

BOTH = pytest.mark.parametrize(
    "made", [_jsontext._of_the_interpreter, _jsontext._of_the_json_module], ids=["interpreter", "json"]
)
Made = Callable[[], tuple[Callable[[str], Any], Callable[..., str]]]

VALUES: list[Any] = [
    None,
    True,
    -7,
    2**70,
    1.5e300,
    'ä\u2028\ud800"\\\x00',
    [],
    {},
    {"a": [1, {"b": None}], "": ""},
    {2: "two", True: False},
    ("x", ["y"]),
]


@BOTH
@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_values_are_written_and_read_as_by_json(made: Made, value: Any) -> None:
    loads, dumps = made()
    assert dumps(value, str) == json.dumps(value)
    assert loads(json.dumps(value)) == json.loads(json.dumps(value))


@BOTH
def test_what_json_does_not_know_goes_to_the_default(made: Made) -> None:
    _, dumps = made()
    assert dumps({"a": {1}}, list) == '{"a": [1]}'
    with pytest.raises(TypeError, match="no setting"):
        dumps(object(), refuse)


def refuse(value: object) -> object:
    raise TypeError(f"{type(value).__name__} is no setting")


@BOTH
@pytest.mark.parametrize("text", ["", "{", "x", '{"a":}', '"a\n"'])
def test_what_is_no_json_is_refused(made: Made, text: str) -> None:
    loads, _ = made()
    with pytest.raises(ValueError):  # noqa: PT011 - each says it in words of its own
        loads(text)


@BOTH
def test_what_follows_is_not_looked_at(made: Made) -> None:
    loads, _ = made()
    assert loads('{"a": 1}\x1e[]') == {"a": 1}


def test_an_interpreter_without_them_falls_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "_json", None)
    loads, dumps = _jsontext._best()
    assert loads(dumps([1], str)) == [1]
