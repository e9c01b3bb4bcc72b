"""What happens to a verifier's keys, as typed events, and on its way to `logging`.

    from authkit_verifier.events import log_to

    log_to(logging.getLogger("authkit"), verifier, interval=10)

The library calls nobody back: it keeps the last 256 events until somebody takes them, by `Verifier.events`
or by what `log_to` returns. No event holds a token or a claim's value; what an issuer chose in one is escaped
to printable ASCII and cut short.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import weakref
from typing import TYPE_CHECKING, Literal, TypedDict

from ._errors import MisuseError, misuse

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from ._verifier import Verifier

__all__ = [
    "Event",
    "EventLog",
    "Failed",
    "Fetched",
    "KeyDropped",
    "Rotated",
    "SharedFileRefused",
    "SkewSeen",
    "StaleServed",
    "Throttled",
    "log_to",
]


class _Happening(TypedDict):
    # Counts the verifier's events from 1; a gap means that some were lost.
    sequence: int
    # Unix seconds by this machine's clock.
    time: int
    # As configured.
    issuer: str
    # "jwks", or "authorization_server" for an issuer's metadata.
    document: str


class Fetched(_Happening):
    """A document came, or was confirmed: `changed` is whether it differs from the one before."""

    event: Literal["fetched"]
    source: Literal["network", "file"]
    changed: bool
    # Seconds.
    ttl: int
    milliseconds: int


class Failed(_Happening):
    """A fetch failed, the last of so many in a row."""

    event: Literal["failed"]
    reason: str
    failures: int


class Rotated(_Happening):
    """The keys in force are others than before: the ids that came, and those that verify nothing now."""

    event: Literal["rotated"]
    added: list[str]
    removed: list[str]


class KeyDropped(_Happening):
    """An entry of the key set is not used."""

    event: Literal["key_dropped"]
    # Its place in the document, from 0.
    index: int
    kid: str | None
    reason: str


class Throttled(_Happening):
    """Tokens with unknown key ids came faster than the issuer is asked for them."""

    event: Literal["throttled"]
    # Seconds until such a token may cause a fetch again.
    retry_after: int


class StaleServed(_Happening):
    """Keys past their time to live are used, since newer ones cannot be had."""

    event: Literal["stale_served"]
    # The keys', in seconds.
    age: int


class SkewSeen(_Happening):
    """The issuer's clock and this machine's differ by more than the leeway."""

    event: Literal["skew_seen"]
    # The issuer's less this machine's, in seconds: positive where this one is slow.
    skew: int


class SharedFileRefused(_Happening):
    """The shared key file could not be used; the issuer was asked in its place."""

    event: Literal["shared_file_refused"]
    reason: str


class Warned(_Happening):
    """An operator should know something about how keys are fetched. Comes when the verifier is made."""

    event: Literal["warned"]
    reason: str


# Told apart by `event`. A later release of the library may send other kinds.
Event = (
    Fetched | Failed | Rotated | KeyDropped | Throttled | StaleServed | SkewSeen | SharedFileRefused | Warned
)

_SENTENCES = {
    "fetched": "%(issuer)s: %(document)s came from the %(source)s in %(milliseconds)s ms, good for %(ttl)s s",
    "failed": "%(issuer)s: %(document)s could not be fetched, %(failures)s in a row: %(reason)s",
    "rotated": "%(issuer)s: the keys changed: added %(added)s, removed %(removed)s",
    "key_dropped": "%(issuer)s: the key %(kid)s, number %(index)s of the set, is not used: %(reason)s",
    "throttled": "%(issuer)s: unknown key ids come too fast; not asked again for %(retry_after)s s",
    "stale_served": "%(issuer)s: %(document)s of %(age)s s ago is used, since a newer one cannot be had",
    "skew_seen": "%(issuer)s: its clock is %(skew)s s ahead of this machine's, which tokens are judged by",
    "shared_file_refused": "%(issuer)s: the shared key file was not used: %(reason)s",
    "warned": "%(issuer)s: %(reason)s",
}
# What does not ask for a person's attention; all else does, kinds that are not known here too.
_QUIET = {"fetched", "rotated"}


class EventLog:
    """Takes a verifier's events and writes them to a logger, when told and, with an interval, by itself.

    INFO for `fetched` and `rotated`, WARNING for all others. A record has the event as `authkit_event`.
    """

    def __init__(
        self,
        logger: logging.Logger | logging.LoggerAdapter[logging.Logger],
        verifier: Verifier,
        interval: float | None = None,
    ) -> None:
        if interval is not None and not interval > 0:
            raise misuse("the interval is not a number of seconds above 0")
        self._logger = logger
        self._verifier = verifier
        # A longer interval would end the thread with an error.
        self._interval = None if interval is None else float(min(interval, threading.TIMEOUT_MAX))
        self._start()

    def drain(self) -> int:
        """Logs what has happened since the last time; how many events that was.

        Raises:
            MisuseError: The verifier is closed.
        """
        events = self._verifier.events()
        for event in events:
            name: str = event["event"]
            level = logging.INFO if name in _QUIET else logging.WARNING
            sentence = _SENTENCES.get(name, f"%(issuer)s: {name}")
            self._logger.log(level, sentence, event, extra={"authkit_event": event})
        return len(events)

    def close(self) -> None:
        """Logs what is left and ends the thread. The verifier stays open. A second close does nothing."""
        if self._ended.is_set():
            return
        self._ended.set()
        with contextlib.suppress(MisuseError):
            self.drain()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _start(self) -> None:
        # New in a forked child, where the parent's may be locked by a thread that the child has not got.
        self._ended = threading.Event()
        if self._interval is None:
            return
        _running.add(self)
        threading.Thread(target=self._run, args=(self._ended,), name="authkit-events", daemon=True).start()

    def _run(self, ended: threading.Event) -> None:
        while not ended.wait(self._interval):
            try:
                self.drain()
            except MisuseError:
                # Closed: there is nothing to tell any more.
                return


# Those with a thread, which keeps them; in a forked child that thread is missing.
_running: weakref.WeakSet[EventLog] = weakref.WeakSet()


def _start_in_child() -> None:
    for log in list(_running):
        if not log._ended.is_set():
            log._start()


if hasattr(os, "register_at_fork"):
    # After the hook of logging, imported above, which makes its locks anew.
    os.register_at_fork(after_in_child=_start_in_child)


def log_to(
    logger: logging.Logger | logging.LoggerAdapter[logging.Logger],
    verifier: Verifier,
    *,
    interval: float | None = None,
) -> EventLog:
    """Writes a verifier's events to a logger.

    Args:
        logger: Where to.
        verifier: Whose. Two logs of one verifier would share its events out between them.
        interval: Seconds above 0 between two looks of a daemon thread, which ends with `close` or when the
            verifier is closed, and which goes on in the child of a fork. None: `drain` is called by the host.

    Returns:
        The log, to drain and to close.

    Raises:
        MisuseError: The interval is 0, negative or not a number.
    """
    return EventLog(logger, verifier, interval)
