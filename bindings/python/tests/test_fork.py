"""fork(): the child of a process that was verifying, fetching and waiting verifies, and never hangs."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from cases import KEY_ID, NEXT_KEY_ID, SUBJECT, good_jwks, good_token, good_verifier
from jwks_server import PATIENCE, JwksServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from authkit_verifier import Verifier

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")


def forked(work: Callable[[], bool]) -> int:
    """The process id of a child that does the work and exits with 0 if it succeeded."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            # A child that hangs, be it in native code, dies of the alarm: nothing handles that signal.
            signal.alarm(PATIENCE)
            status = 0 if work() else 2
        finally:
            # Not sys.exit(): the child must not run pytest's ending.
            os._exit(status)
    return child


def assert_succeeds(child: int) -> None:
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def in_child(work: Callable[[], bool]) -> None:
    assert_succeeds(forked(work))


def verifies(verifier: Verifier) -> bool:
    return verifier.verify(good_token()).subject == SUBJECT


@contextlib.contextmanager
def busy(count: int, work: Callable[[], object]) -> Iterator[None]:
    """While entered, so many threads do the work over and over; that they could is asserted at the end."""
    stop = threading.Event()
    # Everybody is at work before the first fork.
    begun = threading.Barrier(count + 1)

    def run() -> None:
        work()
        begun.wait(PATIENCE)
        while not stop.is_set():
            work()

    with ThreadPoolExecutor(count) as pool:
        running = [pool.submit(run) for _ in range(count)]
        try:
            begun.wait(PATIENCE)
            yield
        finally:
            stop.set()
        for one in running:
            one.result(PATIENCE)


def test_verifies_in_the_child_with_the_parents_keys(server: JwksServer) -> None:
    with server.verifier() as verifier:
        verifier.refresh()
        in_child(lambda: verifies(verifier))
        assert server.gets == 1
        assert verifies(verifier)


def test_a_child_fetches_for_itself(server: JwksServer) -> None:
    with server.verifier() as verifier:
        in_child(lambda: verifies(verifier))
        assert server.gets == 1
        assert verifies(verifier)
        assert server.gets == 2


def test_a_child_may_close_without_harm_to_the_parent() -> None:
    verifier = good_verifier()

    def close() -> bool:
        verifier.close()
        return verifier.closed

    in_child(close)
    assert verifies(verifier)


def test_a_child_of_a_child_verifies(server: JwksServer) -> None:
    with server.verifier() as verifier:

        def work() -> bool:
            in_child(lambda: verifies(verifier))
            return verifies(verifier)

        in_child(work)
        # Each for itself: neither had the other's keys.
        assert server.gets == 2


@pytest.mark.parametrize("attempt", range(50))
def test_a_fork_while_threads_wait_for_a_fetch(server: JwksServer, attempt: int) -> None:
    # Who waits at the fork: the thread that fetches, those that wait for it, and none but the background's.
    waiters = attempt % 4
    with server.verifier() as verifier, ThreadPoolExecutor(4) as pool:
        with server.hold():
            if waiters == 0:
                with contextlib.suppress(Exception):
                    verifier.try_verify(good_token())
            waiting = [pool.submit(verifier.verify, good_token()) for _ in range(waiters)]
            server.wait_until_asked()
            child = forked(lambda: verifies(verifier))
            # Answered only when the child has asked too: it does not wait for a thread that it has not got.
            server.wait_for_gets(2)
        assert_succeeds(child)
        for one in waiting:
            assert one.result(PATIENCE).subject == SUBJECT
        assert verifies(verifier)
        assert server.gets == 2


def test_forks_at_every_point_of_a_fetch(server: JwksServer) -> None:
    with ThreadPoolExecutor(2) as pool:
        for attempt in range(150):
            with server.verifier() as verifier:
                begun = threading.Event()

                def verify(verifier: Verifier = verifier, begun: threading.Event = begun) -> bool:
                    begun.set()
                    return verifies(verifier)

                waiting = [pool.submit(verify) for _ in range(2)]
                assert begun.wait(PATIENCE)
                # From its first step until after its end, which comes within a few milliseconds.
                threading.Event().wait(attempt * 0.00005)
                in_child(lambda verifier=verifier: verifies(verifier))  # type: ignore[misc]
                assert all(one.result(PATIENCE) for one in waiting)


def test_hundreds_of_forks_under_verifications_and_refreshes(server: JwksServer) -> None:
    with server.verifier() as verifier:
        verifier.refresh()

        def child() -> bool:
            # With the keys that it has, and then with its own: from the parent it got none of the locks.
            before = verifies(verifier)
            verifier.refresh()
            return before and verifies(verifier)

        with busy(1, verifier.refresh), busy(3, lambda: verifies(verifier)):
            for _ in range(200):
                in_child(child)


def test_forks_under_a_search_for_an_unknown_key(server: JwksServer) -> None:
    for _ in range(50):
        server.document = good_jwks(NEXT_KEY_ID)
        with server.verifier() as verifier, ThreadPoolExecutor(1) as pool:
            verifier.refresh()
            server.asked.clear()
            with server.hold():
                searching = pool.submit(verifier.verify, good_token())
                server.wait_until_asked()
                server.document = good_jwks(NEXT_KEY_ID, KEY_ID)
                asked = server.gets
                child = forked(lambda verifier=verifier: verifies(verifier))  # type: ignore[misc]
                server.wait_for_gets(asked + 1)
            assert_succeeds(child)
            assert searching.result(PATIENCE).key_id == KEY_ID


def test_forks_while_an_event_loop_waits(server: JwksServer) -> None:
    async def subject(verifier: Verifier) -> str:
        return (await verifier.verify_async(good_token())).subject

    async def main() -> None:
        for _ in range(20):
            server.asked.clear()
            with server.verifier() as verifier:
                with server.hold():
                    asked = server.gets
                    waiting = [asyncio.ensure_future(subject(verifier)) for _ in range(20)]
                    while not server.asked.is_set():
                        await asyncio.sleep(0)
                    # The child has a loop of its own, and none of the threads that wait for the parent's.
                    child = forked(lambda verifier=verifier: asyncio.run(subject(verifier)) == SUBJECT)  # type: ignore[misc]
                    await asyncio.to_thread(server.wait_for_gets, asked + 2)
                assert await asyncio.gather(*waiting) == [SUBJECT] * 20
                await asyncio.to_thread(assert_succeeds, child)

    asyncio.run(asyncio.wait_for(main(), PATIENCE))
