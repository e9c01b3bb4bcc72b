"""Verifications that wait for keys on an event loop: one thread waits for all, and they are tried again.

A thread for each would fill the loop's executor, which the host needs for files and names, for as long as the
issuer takes. So the calls of one loop share one thread of their own, which lives no longer than a second at
a time. No lock is involved that a fork could leave held: a list belongs to its loop's thread.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from . import _native
from ._errors import WouldBlockError, keys_unavailable, too_late

if TYPE_CHECKING:
    from ._handle import Handle

# A call is tried again after this time, even if no fetch has ended, in seconds. By then stale keys are used.
STEP = 1.0
# By then a thread that waits for all has had them tried for the last time, in seconds.
GRACE = 0.1


class Judge(Protocol):
    """One question that can be asked any number of times, as `verify` or as `try_verify` do."""

    def __call__(self, how: Callable[..., int]) -> Any: ...


class _Call:
    """A verification that waits, and where its verdict is awaited."""

    __slots__ = ("deadline", "future", "judge", "last")

    def __init__(
        self, judge: Judge, last: WouldBlockError, loop: asyncio.AbstractEventLoop, patience: float
    ) -> None:
        self.judge = judge
        # Without the traceback, which would keep frames alive in a cycle.
        self.last = last.with_traceback(None)
        self.future: asyncio.Future[Any] = loop.create_future()
        self.deadline = time.monotonic() + patience


class Waiting:
    """The calls that wait for one verifier's keys on one event loop. Used on that loop alone."""

    def __init__(self, handle: Handle, loop: asyncio.AbstractEventLoop, done: Callable[[], object]) -> None:
        self._handle = handle
        self._loop = loop
        # Called when nobody waits any more.
        self._done = done
        self._calls: list[_Call] = []
        # A thread waits, or the calls are being tried again.
        self._busy = False
        self._thread: threading.Thread | None = None

    async def verdict(self, judge: Judge, seen: int, at_once: WouldBlockError) -> Any:
        """The verdict that could not be given at once, when so many fetches had ended."""
        handle = self._handle
        patience = _native.verifier_fetch_timeout(handle.pointer)
        call = _Call(judge, at_once, self._loop, patience)
        self._calls.append(call)
        if not self._busy:
            self._wait(seen)
        # If the thread is with another call for longer than that.
        overdue = self._loop.call_later(patience + GRACE, self._try, call)
        try:
            # A cancelled call stays on the list until the next turn.
            return await call.future
        finally:
            overdue.cancel()

    def _wait(self, seen: int) -> None:
        """Has a thread wait for a fetch to end after so many."""
        self._busy = True
        step = min(STEP, min(call.deadline for call in self._calls) - time.monotonic())
        arguments = (self._calls[0], seen, 1 + int(1000 * max(step, 0)))
        try:
            self._thread = _thread(self._wait_on_thread, arguments)
            self._thread.start()
        except RuntimeError as error:
            self._thread = None
            self._refuse_all(f"no thread can be had to wait for the issuer's keys: {error}")

    def _wait_on_thread(self, first: _Call, seen: int, milliseconds: int) -> None:
        report: Callable[[], None] = self._try_again
        if first.last.code == "FETCH_NEEDED":
            # No fetch is under way (the refresh mode inline): a call that can wait must start it.
            report = self._led(first)
        else:
            handle = self._handle
            # Whether a fetch has ended or not, the calls are tried again.
            _ = _native.verifier_wait(handle.pointer, seen, milliseconds)
        try:
            self._loop.call_soon_threadsafe(self._report, report)
        except RuntimeError:
            # The loop was closed under its calls; nobody is left to tell.
            self._done()

    def _report(self, report: Callable[[], None]) -> None:
        """Takes up what the thread said as its last act, once it is gone: a subinterpreter may end next."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        report()

    def _led(self, call: _Call) -> Callable[[], None]:
        """Makes a call on this thread, for the loop to settle it and to try the others again."""
        try:
            claims = call.judge(_native.verifier_verify_into)
        except Exception as error:
            refusal = error
            return lambda: self._settle(lambda: _refuse(call, refusal))
        return lambda: self._settle(lambda: _accept(call, claims))

    def _settle(self, settle: Callable[[], None]) -> None:
        settle()
        self._try_again()

    def _try_again(self) -> None:
        """Tries every call once more, in turns; those that still cannot be answered wait on."""
        handle = self._handle
        seen = _native.verifier_fetches_ended(handle.pointer)
        calls, self._calls = self._calls, []
        self._try_in_turns(deque(calls), seen)

    def _try_in_turns(self, calls: deque[_Call], seen: int) -> None:
        """Tries one call in each turn of the loop: what the host makes of a verdict comes before the next."""
        if calls:
            self._try(calls.popleft())
            self._loop.call_soon(self._try_in_turns, calls, seen)
        elif self._calls:
            # Among them may be calls that came meanwhile, of which `seen` is true as well: too early a look
            # at them costs nothing.
            self._wait(seen)
        else:
            self._busy = False
            self._done()

    def _try(self, call: _Call) -> None:
        if call.future.done():
            return
        try:
            claims = call.judge(_native.verifier_try_verify_into)
        except WouldBlockError as error:
            if time.monotonic() < call.deadline:
                call.last = error.with_traceback(None)
                self._calls.append(call)
            else:
                _refuse(call, too_late(error))
        except Exception as error:
            _refuse(call, error)
        else:
            _accept(call, claims)

    def _refuse_all(self, reason: str) -> None:
        calls, self._calls = self._calls, []
        self._busy = False
        self._done()
        for call in calls:
            _refuse(call, keys_unavailable(reason))


def _thread(target: Callable[..., None], arguments: tuple[Any, ...]) -> threading.Thread:
    make = partial(threading.Thread, target=target, args=arguments, name="authkit-wait")
    try:
        # A daemon: the process may end while it waits.
        return make(daemon=True)
    except RuntimeError:
        # An isolated subinterpreter has none, and waits for this thread at its end, for one step.
        return make(daemon=False)


def _accept(call: _Call, claims: Any) -> None:
    # Who awaited it may have been cancelled.
    if not call.future.done():
        call.future.set_result(claims)


def _refuse(call: _Call, error: Exception) -> None:
    if not call.future.done():
        # Without its traceback, which would tell of this file alone and keep the call alive in a cycle.
        call.future.set_exception(error.with_traceback(None))
