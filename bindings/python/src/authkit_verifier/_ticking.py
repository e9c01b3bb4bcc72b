"""Work that a daemon thread does again and again, also in the child of a fork, where threads are missing."""

from __future__ import annotations

import os
import threading
import weakref


class Ticking:
    """Calls `tick` after each interval, until it says False or `stop` is called."""

    def __init__(self, name: str, interval: float) -> None:
        self._name = name
        # A longer interval would end the thread with an error.
        self._interval = float(min(interval, threading.TIMEOUT_MAX))
        self._ended = threading.Event()

    def tick(self) -> bool:
        """Does the work once; False ends it."""
        raise NotImplementedError

    def start(self) -> None:
        """Begins, on a thread of its own.

        Raises:
            RuntimeError: No thread can be had, as in a subinterpreter without daemons.
        """
        # New in a forked child: a thread that the child lacks may hold the parent's lock.
        self._ended = threading.Event()
        threading.Thread(target=self._run, args=(self._ended,), name=self._name, daemon=True).start()
        _running.add(self)

    def stop(self) -> bool:
        """Ends it; whether it had not ended before."""
        went_on = not self._ended.is_set()
        self._ended.set()
        return went_on

    def _run(self, ended: threading.Event) -> None:
        while not ended.wait(self._interval):
            if not self.tick():
                return


# Those with a thread, which keeps them; in a forked child that thread is missing.
_running: weakref.WeakSet[Ticking] = weakref.WeakSet()


def _start_in_child() -> None:
    for ticking in list(_running):
        if not ticking._ended.is_set():
            ticking.start()


if hasattr(os, "register_at_fork"):
    # After the hook of logging, which makes its locks anew: those who tick import it before this.
    os.register_at_fork(after_in_child=_start_in_child)
