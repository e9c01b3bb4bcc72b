"""What a resource server answers, as the library made it: to be sent as it is."""

from __future__ import annotations

from collections.abc import Callable
from ctypes import byref, c_void_p
from dataclasses import dataclass
from typing import NamedTuple

from . import _native
from ._claims import Claims, from_record
from ._errors import AuthKitError, refusal, refusal_in, told


@dataclass(frozen=True)
class Response:
    """An HTTP response as data.

    Attributes:
        status: The HTTP status.
        headers: Name, in lower case, and value of each header; printable ASCII, whatever the request held.
        body: The body, JSON or empty; its length is for the server to state.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class LogLine(NamedTuple):
    """One line for a log: printable, without the token and without a secret.

    Attributes:
        level: `"info"`, or `"warning"` if an operator should look.
        text: What to write.
    """

    level: str
    text: str


@dataclass(frozen=True)
class Decision(Response):
    """Whether a request may go on; true if it may. If not, it is the response to send.

    Attributes:
        claims: What the accepted token says; None where the request may not go on.
        error: Why it may not: it says more than the client is told. None where it may.
        log_line: What to write into the log if the response is sent. None if the request may go on or has no
            credentials, or if the same cause was told less than 10 s ago; a later line counts it.
    """

    claims: Claims | None
    error: AuthKitError | None
    log_line: LogLine | None = None

    @property
    def allowed(self) -> bool:
        """Whether the request may go on."""
        return self.claims is not None

    def __bool__(self) -> bool:
        return self.allowed


def allowed(claims: Claims) -> Decision:
    """The decision on a request that may go on."""
    return Decision(200, (), b"", claims, None)


def decision(written: int, document: bytes, keep: Callable[[int, Claims], Claims]) -> Decision:
    """The decision that the library has written. Raises where it has no response to send."""
    # A record's length alone accepts; whatever else a library may return refuses.
    if written > 0:
        return allowed(keep(*from_record(document)))
    refused = refusal_in(document)
    error = told(-written, refused)
    if "status" not in refused:
        raise error
    headers = tuple((name, value) for name, value in refused["headers"])
    line = refused.get("log")
    log_line = LogLine(line["level"], line["text"]) if line else None
    return Decision(refused["status"], headers, refused["body"].encode(), None, error, log_line)


def answer(call: Callable[..., int]) -> tuple[Response | None, AuthKitError | None]:
    """What a call of well_known says: the response, None where the path is not ours; and why it is a 503."""
    response, error = c_void_p(), c_void_p()
    status = call(byref(response), byref(error))
    refused = None if status == _native.OK else refusal(status, error)
    pointer = response.value
    if pointer is None:
        if refused is None or refused.code != "ABSENT":
            raise refused or refusal(_native.INTERNAL, error)
        return None, None
    try:
        return _read(pointer), refused
    finally:
        _native.response_free(pointer)


def _read(pointer: int) -> Response:
    count = _native.response_header_count(pointer)
    headers = tuple(
        (
            _native.response_header_name_at(pointer, index).decode(),
            _native.response_header_value_at(pointer, index).decode(),
        )
        for index in range(count)
    )
    body = _native.response_body(pointer, None)
    return Response(_native.response_status(pointer), headers, body)
