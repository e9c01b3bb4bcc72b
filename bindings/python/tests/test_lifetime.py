"""A verifier's life: closed, shared, at the end of the interpreter, and over many calls."""

from __future__ import annotations

import copy
import gc
import json
import os
import pickle
import subprocess
import sys
import textwrap
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from authkit_verifier import (
    AuthKitError,
    Claims,
    ConfigError,
    MisuseError,
    TokenError,
    Verifier,
    _handle,
    _native,
    _verifier,
)
from cases import ISSUER, NOW, RESOURCE, SUBJECT, good_jwks, good_token, good_verifier
from jwks_server import PATIENCE, JwksServer

if TYPE_CHECKING:
    from collections.abc import Callable


def handle_of(verifier: Verifier) -> weakref.ref[object]:
    assert verifier._handle is not None
    return weakref.ref(verifier._handle)


def test_any_use_after_close_is_an_error() -> None:
    verifier = good_verifier()
    before = verifier.closed
    verifier.close()
    assert (before, verifier.closed) == (False, True)
    uses: list[Callable[[], object]] = [
        lambda: verifier.verify(good_token()),
        lambda: verifier.try_verify(good_token()),
        lambda: verifier.refresh(),
        lambda: verifier.start_refresh(),
        lambda: verifier.wait_ready(0),
        lambda: verifier.stats(),
        lambda: verifier.events(),
        lambda: verifier.set_jwks(good_jwks()),
        lambda: verifier.resource,
    ]
    for use in uses:
        with pytest.raises(MisuseError, match="the verifier is closed"):
            use()
    verifier.close()
    assert repr(verifier) == "<Verifier, closed>"


def test_a_with_block_closes() -> None:
    with good_verifier() as verifier:
        assert verifier.verify(good_token())
    assert verifier.closed
    with pytest.raises(ZeroDivisionError), good_verifier() as verifier:
        raise ZeroDivisionError
    assert verifier.closed


def test_close_frees_at_once_and_so_does_forgetting() -> None:
    verifier = good_verifier()
    handle = handle_of(verifier)
    verifier.close()
    assert handle() is None
    verifier = good_verifier()
    handle = handle_of(verifier)
    del verifier
    assert handle() is None


def test_each_verifier_is_freed_exactly_once() -> None:
    freed: list[int | None] = []
    handle = _handle.Handle(17, freed.append)
    del handle
    gc.collect()
    assert freed == [17]


def test_close_while_another_thread_waits_lets_it_finish(server: JwksServer) -> None:
    verifier = server.verifier()
    handle = handle_of(verifier)
    with ThreadPoolExecutor(1) as pool:
        with server.hold():
            waiting = pool.submit(verifier.verify, good_token())
            server.wait_until_asked()
            verifier.close()
            with pytest.raises(MisuseError):
                verifier.verify(good_token())
            assert handle() is not None
        assert waiting.result(PATIENCE).subject == SUBJECT
    # The last user freed it.
    assert handle() is None


def test_close_races_with_verify() -> None:
    # The handle is freed under the feet of nobody: each call is whole or refused.
    for _ in range(50):
        verifier = good_verifier()
        begun = threading.Barrier(5)

        def run(verifier: Verifier = verifier, begun: threading.Barrier = begun) -> int:
            begun.wait(PATIENCE)
            for done in range(1_000_000):
                try:
                    verifier.verify(good_token())
                except MisuseError:
                    return done
            return -1

        with ThreadPoolExecutor(4) as pool:
            counts = [pool.submit(run) for _ in range(4)]
            begun.wait(PATIENCE)
            verifier.close()
            assert all(count.result(PATIENCE) >= 0 for count in counts)


def test_keys_change_while_others_verify() -> None:
    verifier = good_verifier()
    stop = threading.Event()

    def run() -> int:
        count = 0
        while not stop.is_set() or count == 0:
            assert verifier.verify(good_token()).subject == SUBJECT
            count += 1
        return count

    with ThreadPoolExecutor(3) as pool:
        counts = [pool.submit(run) for _ in range(3)]
        for _ in range(200):
            verifier.set_jwks(good_jwks())
        stop.set()
        assert all(count.result(PATIENCE) > 0 for count in counts)


def test_is_neither_pickled_nor_copied() -> None:
    verifier = good_verifier()
    for way in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="fork"):
            way(verifier)
    assert verifier.verify(good_token())


def test_a_failed_construction_leaves_nothing_behind() -> None:
    verifier = Verifier.__new__(Verifier)
    with pytest.raises(AuthKitError):
        verifier.__init__()  # type: ignore[misc]
    assert verifier.closed
    assert repr(verifier) == "<Verifier, closed>"


def run_python(program: str, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", textwrap.dedent(program), *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def assert_silent_success(done: subprocess.CompletedProcess[str]) -> None:
    assert (done.returncode, done.stderr) == (0, "")


def test_the_interpreter_ends_cleanly_with_a_verifier_alive() -> None:
    program = """
        import json, sys
        from authkit_verifier import Verifier
        domain, resource, jwks, now, token = sys.argv[1:]
        verifier = Verifier(authkit_domain=domain, resource=resource, jwks=jwks, now=int(now))
        claims = verifier.verify(token, required_scopes=["email"])
        cycle = [verifier]; cycle.append(cycle)        # freed by the collector, if at all
        sys.modules["builtins"].keeper = verifier      # outlives every module
    """
    settings = (ISSUER, RESOURCE, json.dumps(good_jwks()), str(NOW))
    assert_silent_success(run_python(program, *settings, good_token()))


def test_the_interpreter_ends_cleanly_while_a_daemon_thread_waits_for_keys(server: JwksServer) -> None:
    program = """
        import json, sys, threading
        from authkit_verifier import Verifier
        verifier = Verifier(**json.loads(sys.argv[1]))
        threading.Thread(target=verifier.verify, args=(sys.argv[2],), daemon=True).start()
        sys.stdin.readline()
    """
    with server.hold():
        with subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(program), json.dumps(server.settings()), good_token()],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as child:
            server.wait_until_asked()
            _, errors = child.communicate("end\n", timeout=PATIENCE)
        assert (child.returncode, errors) == (0, "")


def test_every_handle_is_freed_exactly_once(monkeypatch: pytest.MonkeyPatch) -> None:
    freed: list[tuple[str, int]] = []

    def watch(kind: str) -> None:
        free = getattr(_native, f"{kind}_free")

        def watched(pointer: int | None) -> None:
            if pointer is not None:
                freed.append((kind, pointer))
            free(pointer)

        monkeypatch.setattr(_native, f"{kind}_free", watched)

    for kind in ("config", "policy", "verifier", "response", "error", "stats", "event"):
        watch(kind)

    def kinds() -> list[str]:
        gc.collect()
        seen = [kind for kind, _ in freed]
        freed.clear()
        return seen

    verifier = good_verifier()
    assert kinds() == ["config"]
    verifier.verify(good_token())
    assert kinds() == []
    verifier.verify(good_token(), now=NOW)
    assert kinds() == ["policy"]
    with pytest.raises(TokenError):
        verifier.verify("x")
    assert kinds() == []
    assert verifier.authorize(f"Bearer {good_token()}").allowed
    assert not verifier.authorize("Bearer x").allowed
    assert kinds() == []
    assert verifier.well_known("GET", "/.well-known/oauth-protected-resource") is not None
    assert kinds() == ["response"]
    with pytest.raises(MisuseError):
        verifier.verify(good_token(), required_scopes=["email", "a b"])
    assert kinds() == ["error", "policy"]
    with pytest.raises(ConfigError):
        verifier.set_jwks("{}")
    assert kinds() == ["error"]
    verifier.stats()
    assert kinds() == ["stats"]
    assert ["event"] * len(verifier.events()) == kinds()
    verifier.close()
    assert kinds() == ["verifier"]
    with pytest.raises(ConfigError):
        # Refused as a whole: there was a configuration.
        good_verifier(leeway=301)
    assert kinds() == ["config", "error"]
    with pytest.raises(ConfigError):
        # Refused in part: there was none.
        good_verifier(leeway="x")
    assert kinds() == ["error"]


def test_nothing_but_a_record_accepts() -> None:
    verifier = good_verifier(token_cache_size=0)

    def with_result(result: int) -> Callable[..., int]:
        def judge(*arguments: object) -> int:
            assert _native.verifier_verify_into(*arguments) > 0
            return result

        return judge

    def judge(how: Callable[..., int]) -> Claims:
        return verifier._judge_anew(verifier._open(), how, good_token().encode(), _verifier._NO_POLICY)

    assert judge(with_result(1000))
    for result in (0, -1, -7, -8, -(1 << 8), -((99 << 8) | 3), -(2**31)):
        with pytest.raises(AuthKitError):
            judge(with_result(result))

    def wrote_nothing(*arguments: Any) -> int:
        arguments[-2][:1000] = bytes(1000)
        return 1000

    with pytest.raises(ValueError, match="not found"):
        judge(wrote_nothing)


def resident_kilobytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") // 1024


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_many_calls_leak_nothing() -> None:
    verifier = good_verifier()
    forged = good_token()[:-4] + "AAAA"

    def run(count: int) -> None:
        for index in range(count):
            claims = verifier.verify(good_token(), required_scopes=["email"], now=NOW + index % 7)
            assert claims["sub"]
            with pytest.raises(TokenError):
                verifier.verify(forged)
            if index % 20 == 0:
                good_verifier().close()

    run(2_000)
    gc.collect()
    before = resident_kilobytes()
    run(20_000)
    gc.collect()
    # A claims handle alone is about 2 kB: one leaked per call would be 40 MB.
    assert resident_kilobytes() - before < 8_000


def test_verifies_what_threads_share() -> None:
    verifier = good_verifier()

    def run() -> list[Claims]:
        return [verifier.verify(good_token()) for _ in range(200)]

    with ThreadPoolExecutor(8) as pool:
        results = [pool.submit(run) for _ in range(8)]
        assert {claims for result in results for claims in result.result(PATIENCE)} == {
            verifier.verify(good_token())
        }


def test_the_library_is_the_one_it_says() -> None:
    assert _native.version()
