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
import math
from typing import TYPE_CHECKING, Literal, TypedDict

from ._errors import MisuseError, misuse
from ._ticking import Ticking

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
    # "info", or "warning" if an operator should look.
    level: str
    # One sentence for a log, with the issuer in front.
    message: str


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


class EventLog(Ticking):
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
        super().__init__("authkit-events", math.inf if interval is None else interval)
        self._logger = logger
        self._verifier = verifier
        # From the first look on, the verifier's own log says nothing of keys: so before anything can fail.
        with contextlib.suppress(MisuseError):
            self.drain()
        if interval is not None:
            self.start()

    def drain(self) -> int:
        """Logs what has happened since the last time; how many events that was.

        Raises:
            MisuseError: The verifier is closed.
        """
        events = self._verifier.events()
        for event in events:
            level = logging.INFO if event["level"] == "info" else logging.WARNING
            self._logger.log(level, "%s", event["message"], extra={"authkit_event": event})
        return len(events)

    def close(self) -> None:
        """Logs what is left and ends the thread. The verifier stays open. A second close does nothing."""
        if not self.stop():
            return
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

    def tick(self) -> bool:
        """Logs what has happened; False once the verifier is closed and has nothing to tell."""
        try:
            self.drain()
        except MisuseError:
            return False
        return True


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
