"""Keys over HTTP from a real server on this machine: fetched once, rotated, missed, in nobody's way."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from authkit_verifier import AuthKitError, KeysUnavailableError, TokenError, WouldBlockError
from cases import KEY_ID, NEXT_KEY_ID, SUBJECT, good_jwks, good_token
from jwks_server import PATIENCE, JwksServer


def test_makes_no_request_before_the_first_token_and_one_for_many(server: JwksServer) -> None:
    with server.verifier() as verifier:
        assert server.gets == 0
        for _ in range(5):
            assert verifier.verify(good_token()).key_id == KEY_ID
        assert server.gets == 1


def test_refresh_warms_up(server: JwksServer) -> None:
    with server.verifier() as verifier:
        verifier.refresh()
        assert server.gets == 1
        assert verifier.try_verify(good_token()).subject == SUBJECT
        assert server.gets == 1


def test_a_bad_token_costs_no_request(server: JwksServer) -> None:
    with server.verifier() as verifier:
        with pytest.raises(TokenError):
            verifier.verify(good_token(), now=0)
        assert server.gets == 0


def test_try_verify_does_not_wait_and_starts_the_fetch(server: JwksServer) -> None:
    with server.verifier() as verifier:
        with server.hold():
            with pytest.raises(WouldBlockError) as caught:
                verifier.try_verify(good_token())
            assert caught.value.code == "WOULD_BLOCK"
            # The fetch goes on without us.
            server.wait_until_asked()
        # Joins the fetch under way, or finds it done.
        assert verifier.verify(good_token()).subject == SUBJECT
        assert server.gets == 1


def test_many_cold_threads_make_one_request_and_the_lock_is_free_meanwhile(server: JwksServer) -> None:
    # Held in the interpreter's lock, the first call would keep the server's own thread from answering, and
    # the others from starting.
    count = 32
    started = threading.Semaphore(0)
    with server.verifier() as verifier, ThreadPoolExecutor(count) as pool:

        def verify() -> str:
            started.release()
            return verifier.verify(good_token()).subject

        with server.hold():
            results = [pool.submit(verify) for _ in range(count)]
            server.wait_until_asked()
            for _ in range(count):
                assert started.acquire(timeout=PATIENCE)
            assert not any(result.done() for result in results)
        assert [result.result(PATIENCE) for result in results] == [SUBJECT] * count
        assert server.gets == 1


def test_rotation_is_followed_within_the_call(server: JwksServer) -> None:
    server.document = good_jwks(NEXT_KEY_ID)
    with server.verifier() as verifier:
        verifier.refresh()
        with pytest.raises(TokenError) as caught:
            verifier.verify(good_token())
        assert caught.value.code == "UNKNOWN_KEY"
        assert server.gets == 2
        server.document = good_jwks(NEXT_KEY_ID, KEY_ID)
        assert verifier.verify(good_token()).key_id == KEY_ID
        assert server.gets == 3


def test_an_outage_is_503_with_a_time_to_come_back(server: JwksServer) -> None:
    server.status = 500
    with server.verifier() as verifier:
        with pytest.raises(KeysUnavailableError) as caught:
            verifier.verify(good_token())
        error = caught.value
        assert (error.code, error.http_status, error.error) == ("KEYS_UNAVAILABLE", 503, None)
        assert error.retry_after is not None
        assert 1 <= error.retry_after <= 60
        assert "500" in error.reason
        with pytest.raises(KeysUnavailableError):
            verifier.refresh()
        server.status = 200
        verifier.refresh()
        assert verifier.verify(good_token()).subject == SUBJECT


def test_retry_after_is_the_servers(server: JwksServer) -> None:
    server.status, server.headers = 503, {"Retry-After": "42"}
    with server.verifier() as verifier:
        with pytest.raises(KeysUnavailableError) as caught:
            verifier.verify(good_token())
        assert caught.value.retry_after == 42
        with pytest.raises(KeysUnavailableError):
            verifier.try_verify(good_token())
        assert server.gets == 1


def test_keys_fetched_before_an_outage_stay(server: JwksServer) -> None:
    with server.verifier() as verifier:
        verifier.refresh()
        server.status = 500
        with pytest.raises(KeysUnavailableError):
            verifier.refresh()
        assert verifier.verify(good_token()).subject == SUBJECT


def test_given_keys_end_the_fetching(server: JwksServer) -> None:
    with server.verifier() as verifier:
        verifier.set_jwks(good_jwks())
        assert verifier.verify(good_token()).subject == SUBJECT
        assert server.gets == 0


def test_the_event_loop_runs_while_keys_are_fetched(server: JwksServer) -> None:
    async def main() -> None:
        with server.verifier() as verifier, server.hold() as held:
            waiting = [asyncio.ensure_future(verifier.verify_async(good_token())) for _ in range(20)]
            # The loop turns: it takes callbacks while the keys are not there, until the request is seen.
            while not server.asked.is_set():
                await asyncio.sleep(0)
            for _ in range(100):
                await asyncio.sleep(0)
            assert not any(one.done() for one in waiting)
            held.release()
            claims = await asyncio.gather(*waiting)
            assert {one.subject for one in claims} == {SUBJECT}
            assert server.gets == 1

    asyncio.run(asyncio.wait_for(main(), PATIENCE))


def test_a_warm_verify_async_never_leaves_the_loop(
    server: JwksServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        with server.verifier() as verifier:
            await verifier.verify_async(good_token())
            monkeypatch.setattr(threading, "Thread", None)
            claims = await verifier.verify_async(good_token(), required_scopes=iter(["email"]))
            assert claims.subject == SUBJECT
            with pytest.raises(TokenError):
                await verifier.verify_async(good_token(), now=0)

    asyncio.run(main())


@pytest.mark.parametrize(
    ("demands", "code", "fetches"),
    [
        ({"now": 2**40}, "EXPIRED", 0),
        # An iterator can be read once, and the library is asked twice.
        ({"required_scopes": iter(["admin"])}, "SCOPE", 1),
        ({"any_scopes": iter(["admin"])}, "SCOPE", 1),
    ],
)
def test_verify_async_carries_the_calls_demands_to_who_waits(
    server: JwksServer, demands: dict[str, Any], code: str, fetches: int
) -> None:
    async def main() -> None:
        with server.verifier() as verifier, pytest.raises(AuthKitError, match=code):
            await verifier.verify_async(good_token(), **demands)

    asyncio.run(main())
    assert server.gets == fetches


def test_an_outage_reaches_who_awaits(server: JwksServer) -> None:
    server.status = 500

    async def main() -> None:
        with server.verifier() as verifier, pytest.raises(KeysUnavailableError) as caught:
            await verifier.verify_async(good_token())
        assert caught.value.retry_after is not None
        # Told in a thread, that it could not be told at once is no part of the story.
        assert caught.value.__context__ is None

    asyncio.run(main())


def test_a_cancelled_wait_leaves_the_verifier_usable(server: JwksServer) -> None:
    async def main() -> None:
        with server.verifier() as verifier:
            with server.hold():
                waiting = asyncio.ensure_future(verifier.verify_async(good_token()))
                while not server.asked.is_set():
                    await asyncio.sleep(0)
                waiting.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await waiting
            assert (await verifier.verify_async(good_token())).subject == SUBJECT
            assert server.gets == 1

    asyncio.run(main())
