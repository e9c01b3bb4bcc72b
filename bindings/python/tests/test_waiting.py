"""Waiting for keys on an event loop: one thread for all, five seconds each, nothing left behind."""

from __future__ import annotations

import asyncio
import logging
import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from authkit_verifier import KeysUnavailableError, MisuseError, TokenError, Verifier, WouldBlockError
from authkit_verifier.events import log_to
from cases import ISSUER, KEY_ID, NEXT_KEY_ID, RESOURCE, SUBJECT, good_jwks, good_token, good_verifier
from jwks_server import PATIENCE, JwksServer

if TYPE_CHECKING:
    from collections.abc import Coroutine

COUNT = 200


def run(main: Coroutine[None, None, None]) -> None:
    asyncio.run(asyncio.wait_for(main, PATIENCE))


def waiting_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "authkit-wait"]


async def until_asked(server: JwksServer) -> None:
    while not server.asked.is_set():
        await asyncio.sleep(0)


def start(verifier: Verifier, count: int = COUNT) -> list[asyncio.Task[str]]:
    async def subject() -> str:
        return (await verifier.verify_async(good_token())).subject

    return [asyncio.ensure_future(subject()) for _ in range(count)]


def test_one_thread_waits_for_all_and_the_executor_is_free(server: JwksServer) -> None:
    async def main() -> None:
        with server.verifier() as verifier:
            with server.hold():
                waiting = start(verifier)
                await until_asked(server)
                assert len(waiting_threads()) == 1
                # More than the executor has threads: with one of them in a wait this would take it out.
                await asyncio.gather(*[asyncio.to_thread(time.sleep, 0) for _ in range(50)])
                assert not any(one.done() for one in waiting)
            assert await asyncio.gather(*waiting) == [SUBJECT] * COUNT
            assert server.gets == 1
            assert verifier._waiting == {}

    run(main())


def test_fetch_timeout_bounds_the_wait_on_an_event_loop(server: JwksServer) -> None:
    async def main() -> None:
        with server.verifier(fetch_timeout=1) as verifier, server.hold():
            began = time.monotonic()
            with pytest.raises(KeysUnavailableError):
                await verifier.verify_async(good_token())
            assert 0.9 < time.monotonic() - began < 2.5

    run(main())


def test_each_verdict_has_a_turn_of_the_loop_to_itself(server: JwksServer) -> None:
    async def main() -> None:
        turns = [0]

        def turn() -> None:
            turns[0] += 1
            loop.call_soon(turn)

        async def taken(verifier: Verifier) -> int:
            await verifier.verify_async(good_token())
            return turns[0]

        loop = asyncio.get_running_loop()
        loop.call_soon(turn)
        with server.verifier() as verifier:
            with server.hold():
                waiting = [asyncio.ensure_future(taken(verifier)) for _ in range(COUNT)]
                await until_asked(server)
            # What a host does after one verdict must not wait for what it does after all the others.
            assert len(set(await asyncio.gather(*waiting))) == COUNT

    run(main())


def test_loops_of_several_threads_wait_for_one_verifier(server: JwksServer) -> None:
    with server.verifier() as verifier, ThreadPoolExecutor(4) as pool:

        async def main() -> None:
            assert await asyncio.gather(*start(verifier, 20)) == [SUBJECT] * 20

        with server.hold():
            loops = [pool.submit(run, main()) for _ in range(4)]
            server.wait_until_asked()
        for loop in loops:
            loop.result(PATIENCE)
        assert server.gets == 1
        assert verifier._waiting == {}


def test_who_waits_has_five_seconds(server: JwksServer) -> None:
    async def main() -> None:
        with server.verifier() as verifier, server.hold():
            began = time.monotonic()
            refusals = await asyncio.gather(*start(verifier, 3), return_exceptions=True)
            assert 4.5 < time.monotonic() - began < 8
            for refusal in refusals:
                assert isinstance(refusal, KeysUnavailableError)
                assert refusal.retry_after is not None
            assert verifier._waiting == {}

    run(main())


def test_keys_that_come_for_one_issuer_wait_for_no_other(server: JwksServer) -> None:
    with JwksServer() as prompt:
        issuers = {"https://hangs.example": server.url, ISSUER: prompt.url}
        verifier = Verifier(**server.settings(issuers=issuers))

        async def main() -> None:
            with verifier, server.hold():
                verifier.start_refresh()
                server.wait_until_asked()
                assert await asyncio.gather(*start(verifier, 20)) == [SUBJECT] * 20
                standings = {one["issuer"]: one["standing"] for one in verifier.stats()["issuers"]}
                assert standings == {"https://hangs.example": "none", ISSUER: "fresh"}

        run(main())


def test_a_rotation_is_followed_within_the_call(server: JwksServer) -> None:
    server.document = good_jwks(NEXT_KEY_ID)

    async def main() -> None:
        with server.verifier() as verifier:
            verifier.refresh()
            with pytest.raises(TokenError, match="UNKNOWN_KEY"):
                await verifier.verify_async(good_token())
            server.document = good_jwks(NEXT_KEY_ID, KEY_ID)
            assert await asyncio.gather(*start(verifier, 20)) == [SUBJECT] * 20

    run(main())


def test_where_no_thread_fetches_one_call_does(server: JwksServer) -> None:
    async def main() -> None:
        with server.verifier(refresh_mode="inline") as verifier:
            with server.hold():
                waiting = start(verifier)
                await until_asked(server)
                await asyncio.sleep(0)
                assert not any(one.done() for one in waiting)
            assert await asyncio.gather(*waiting) == [SUBJECT] * COUNT
            assert server.gets == 1
        server.status = 500
        with server.verifier(refresh_mode="inline") as verifier:
            refusals = await asyncio.gather(*start(verifier, 20), return_exceptions=True)
            assert {type(refusal) for refusal in refusals} == {KeysUnavailableError}

    run(main())


def test_where_the_host_alone_fetches_nobody_waits(server: JwksServer) -> None:
    async def main() -> None:
        with server.verifier(refresh_mode="manual") as verifier:
            with pytest.raises(KeysUnavailableError):
                await verifier.verify_async(good_token())
            assert server.gets == 0
            await asyncio.to_thread(verifier.refresh)
            assert (await verifier.verify_async(good_token())).subject == SUBJECT

    run(main())


def test_cancelled_waits_leave_nothing_behind(server: JwksServer) -> None:
    async def main() -> None:
        with server.verifier() as verifier:
            with server.hold():
                waiting = start(verifier, 20)
                await until_asked(server)
                for one in waiting[:-1]:
                    one.cancel()
                results = await asyncio.gather(*waiting[:-1], return_exceptions=True)
                assert {type(result) for result in results} == {asyncio.CancelledError}
            assert await waiting[-1] == SUBJECT
            assert verifier._waiting == {}

    run(main())


def test_closing_lets_waits_end_and_frees_after_the_last(server: JwksServer) -> None:
    async def main() -> None:
        verifier = server.verifier()
        with server.hold():
            waiting = start(verifier, 20)
            await until_asked(server)
            verifier.close()
        assert await asyncio.gather(*waiting) == [SUBJECT] * 20

    run(main())


def test_a_loop_that_is_closed_under_its_waits_is_forgotten(server: JwksServer) -> None:
    with server.verifier() as verifier:
        with server.hold():
            loop = asyncio.new_event_loop()
            waiting = loop.create_task(verifier.verify_async(good_token()))
            loop.run_until_complete(until_asked(server))
            assert list(verifier._waiting) == [loop]
            waiting.cancel()
            loop.close()
        for thread in waiting_threads():
            thread.join(PATIENCE)
        assert verifier._waiting == {}
        assert verifier.verify(good_token()).subject == SUBJECT


def test_no_thread_to_wait_is_a_refusal_and_no_hang(
    server: JwksServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    async def main() -> None:
        with server.verifier() as verifier, server.hold():
            monkeypatch.setattr(threading.Thread, "start", refuse)
            with pytest.raises(KeysUnavailableError, match="no thread"):
                await verifier.verify_async(good_token())
            monkeypatch.undo()

    run(main())


def test_wait_ready_fetches_what_is_missing(server: JwksServer) -> None:
    with server.verifier() as verifier:
        with server.hold(), pytest.raises(WouldBlockError):
            verifier.wait_ready(0)
        verifier.wait_ready()
        assert verifier.try_verify(good_token()).subject == SUBJECT
        verifier.wait_ready(0)
        assert server.gets == 1


def test_wait_ready_says_why_not(server: JwksServer) -> None:
    server.status = 500
    with server.verifier() as verifier:
        with pytest.raises(KeysUnavailableError, match="500"):
            verifier.wait_ready(0.7)
        # And tries again where a fetch has failed.
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(verifier.wait_ready, PATIENCE)
            server.status = 200
            waiting.result(PATIENCE)


def test_start_refresh_returns_at_once(server: JwksServer) -> None:
    with server.verifier() as verifier:
        with server.hold():
            verifier.start_refresh()
            server.wait_until_asked()
        verifier.wait_ready()
        assert server.gets == 1
    with server.verifier(refresh_mode="manual") as verifier, pytest.raises(Exception, match="MISUSE"):
        verifier.start_refresh()


def test_given_keys_are_ready() -> None:
    with Verifier(authkit_domain=ISSUER, resource=RESOURCE, jwks=good_jwks()) as verifier:
        verifier.wait_ready(0)


ANY_SIZE = (math.inf, 1e300, 1e18, 1e9, 10**400, 2**63, 3600)


@pytest.mark.parametrize("timeout", [*ANY_SIZE, *(-size for size in ANY_SIZE), -1e-300, 5e-324, 0, True])
def test_a_timeout_of_any_size_is_waited_for(timeout: float) -> None:
    good_verifier().wait_ready(timeout)
    asking = Verifier(
        authkit_domain=ISSUER,
        resource=RESOURCE,
        refresh_mode="manual",
    )
    if timeout < 1:
        with pytest.raises((KeysUnavailableError, WouldBlockError)):
            asking.wait_ready(timeout)


def test_who_waits_without_end_waits_for_the_keys(server: JwksServer) -> None:
    verifier = server.verifier()
    with ThreadPoolExecutor(1) as pool, server.hold():
        waiting = pool.submit(verifier.wait_ready, math.inf)
        server.wait_until_asked()
        assert not waiting.done()
    assert waiting.result(PATIENCE) is None


def test_what_is_no_number_of_seconds_is_misuse() -> None:
    with pytest.raises(MisuseError, match="not a number of seconds"):
        good_verifier().wait_ready(math.nan)
    for interval in (math.nan, 0, -1, -math.inf, -1e300):
        with pytest.raises(MisuseError, match="not a number of seconds above 0"):
            log_to(logging.getLogger("never"), good_verifier(), interval=interval)


@pytest.mark.parametrize("interval", ANY_SIZE)
def test_an_interval_of_any_size_is_waited_for(interval: float, monkeypatch: pytest.MonkeyPatch) -> None:
    # A wait that cannot be made ends the thread with an error.
    failed: list[object] = []
    monkeypatch.setattr(threading, "excepthook", failed.append)
    before = set(threading.enumerate())
    with good_verifier() as verifier, log_to(logging.getLogger("long"), verifier, interval=interval):
        (thread,) = set(threading.enumerate()) - before
    thread.join(PATIENCE)  # woken by the end of the log
    assert failed == []
