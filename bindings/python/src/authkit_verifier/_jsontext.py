"""JSON to and from the library, by the interpreter's own scanner and encoder.

Around these two the json module has `re` and `enum`, whose import takes as long as all of ours. Where an
interpreter has them otherwise, or not at all, the json module is used.
"""

from __future__ import annotations

from _collections_abc import Callable  # collections.abc is this, behind all of collections

TYPE_CHECKING = False  # as typing has it, whose import would take as long as all of ours
if TYPE_CHECKING:
    from typing import Any

    Loads = Callable[[str], Any]
    Dumps = Callable[[object, Callable[[Any], object]], str]


class _Reading:
    """What the scanner asks for; the answers are those of `json.loads`."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = float


def _of_the_interpreter() -> tuple[Loads, Dumps]:
    from _json import encode_basestring_ascii, make_encoder, make_scanner

    # Its type says that it takes one of its own kind; the json module gives it a JSONDecoder.
    scan = make_scanner(_Reading)  # type: ignore[arg-type]

    def loads(text: str) -> Any:
        try:
            return scan(text, 0)[0]
        except StopIteration:
            raise ValueError("not JSON") from None

    def dumps(value: object, default: Callable[[Any], object]) -> str:
        encode = make_encoder({}, default, encode_basestring_ascii, None, ": ", ", ", False, False, True)
        return "".join(encode(value, 0))

    # If they take their arguments in another way, it shows here.
    if loads('{"a":[1,2.5,null]}') != {"a": [1, 2.5, None]} or dumps(["ä", {1: b""}], str) != (
        '["\\u00e4", {"1": "b\'\'"}]'
    ):
        raise ImportError("not the json module's scanner and encoder")
    return loads, dumps


def _of_the_json_module() -> tuple[Loads, Dumps]:
    import json

    decode = json.JSONDecoder().raw_decode

    def loads(text: str) -> Any:
        return decode(text)[0]

    def dumps(value: object, default: Callable[[Any], object]) -> str:
        return json.dumps(value, default=default)

    return loads, dumps


def _best() -> tuple[Loads, Dumps]:
    try:
        return _of_the_interpreter()
    except (ImportError, AttributeError, TypeError, ValueError):
        return _of_the_json_module()


# `loads(text)` gives the value at the begin of a text, with no white space before it and without a look at
# what follows: for text that the library wrote. `dumps(value, default)` gives a value's text, in ASCII;
# `default` makes something else of what JSON does not know.
loads, dumps = _best()
