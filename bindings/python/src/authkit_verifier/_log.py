"""What hosts write into their logs: the library's lines, each written where the server's operator looks.

The library decides the level, the sentence and how often. A host begins a verifier's log when it serves its
first connection, and writes the line of each refusal.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import weakref
from typing import TYPE_CHECKING

from ._errors import MisuseError
from ._ticking import Ticking

if TYPE_CHECKING:
    from ._response import Decision, LogLine
    from ._verifier import Verifier

_LEVELS = {"info": logging.INFO, "warning": logging.WARNING}

# How often trouble with keys is looked for, in seconds.
_INTERVAL = 1.0


class _Terminal(logging.StreamHandler):  # type: ignore[type-arg]  # not generic at run time before 3.11
    """Writes one line to standard error, wherever that is by then: tests and servers replace it."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)
        self.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))

    @property
    def stream(self) -> object:
        return sys.stderr


_terminal = _Terminal()


def write(logger: logging.Logger, line: LogLine | None) -> None:
    """Writes a line, if there is one.

    If logging is not set up, the line goes to standard error. Python itself would drop INFO lines then.
    """
    if line is None:
        return
    level = _LEVELS.get(line.level, logging.WARNING)
    if not _is_wrapped_or_lost(logger):
        logger.log(level, "%s", line.text)
    elif level > logger.manager.disable and level >= _wanted(logger) and sys.stderr is not None:
        _terminal.handle(logger.makeRecord(logger.name, level, __file__, 0, "%s", (line.text,), None))


def _is_wrapped_or_lost(logger: logging.Logger) -> bool:
    """Whether no handler would write the line, or only such as break it: Rich wraps lines at 80 columns.

    A line is for a person to copy a URL from, and for programs to search.
    """
    return all(_wraps(handler) for handler in _handlers(logger))


def _wraps(handler: logging.Handler) -> bool:
    # By its name, since Rich need not be installed.
    return any(kind.__name__ == "RichHandler" for kind in type(handler).__mro__)


def _handlers(logger: logging.Logger | None) -> list[logging.Handler]:
    found: list[logging.Handler] = []
    while logger is not None:
        found += logger.handlers
        logger = logger.parent if logger.propagate else None
    return found


def _wanted(logger: logging.Logger) -> int:
    """The lowest level that was set. The root's own WARNING was not set by anyone, so it does not count."""
    while logger.parent is not None:
        if logger.level:
            return logger.level
        logger = logger.parent
    return logger.level if logger.handlers else logging.NOTSET


def write_refusal(logger: logging.Logger, decision: Decision, verifier: Verifier) -> None:
    """Writes why a request was refused, and what else is waiting to be written."""
    write(logger, decision.log_line)
    drain(logger, verifier)


def drain(logger: logging.Logger, verifier: Verifier) -> None:
    """Writes the lines that belong to no request."""
    with contextlib.suppress(MisuseError):
        for line in verifier._log_lines():
            write(logger, line)


# The logs that have begun, by their verifiers.
_begun: weakref.WeakKeyDictionary[Verifier, _Log] = weakref.WeakKeyDictionary()


def begin(logger: logging.Logger, verifier: Verifier) -> None:
    """Begins a verifier's log, once: what is guarded, then what happens to its keys. Has the keys fetched.

    Called with a host's first connection, and not when the host is made: by then the workers are forked, and
    an application that is only imported does nothing.
    """
    if verifier._is_logged:
        return
    verifier._is_logged = True
    log = _Log(logger, verifier)
    if _begun.setdefault(verifier, log) is not log:
        # Another thread's first connection.
        return
    drain(logger, verifier)
    with contextlib.suppress(RuntimeError):
        # Without a thread, what waits is written with the next refusal.
        log.start()
    with contextlib.suppress(MisuseError):
        # If the refresh mode makes no threads, the first token fetches.
        verifier.start_refresh()


class _Log(Ticking):
    """Writes a verifier's lines each second, until the verifier is closed or collected."""

    def __init__(self, logger: logging.Logger, verifier: Verifier) -> None:
        super().__init__("authkit-log", _INTERVAL)
        self._logger = logger
        self._verifier = weakref.ref(verifier)

    def tick(self) -> bool:
        verifier = self._verifier()
        if verifier is None or verifier.closed:
            return False
        drain(self._logger, verifier)
        return True
