"""A verifier's life: closed, shared, at the end of the interpreter, and over many calls."""

from __future__ import annotations

import ast
import asyncio
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
    from types import FrameType


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


SOURCES = Path(__file__).parent.parent / "src" / "authkit_verifier"
# As it is installed.
PACKAGE = Path(_verifier.__file__).parent
# What holds a pointer, and by which name it is asked for it.
POINTERS = {"pointer", "arguments"}


class NativeCalls(ast.NodeVisitor):
    """Finds calls of the library that do not hold what they use, and results that nobody looks at."""

    def __init__(self) -> None:
        self.found: list[str] = []
        # Names that the enclosing functions bind.
        self._bound: list[set[str]] = []
        self._inside: list[ast.AST] = []

    def visit(self, node: ast.AST) -> None:
        self._inside.append(node)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            self._function(node)
        else:
            super().visit(node)
        self._inside.pop()

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> None:
        parameters = {one.arg for one in ast.walk(node.args) if isinstance(one, ast.arg)}
        assigned = {
            one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)
        }
        self._bound.append(parameters | assigned)
        self.generic_visit(node)
        self._bound.pop()

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if node.attr in POINTERS and isinstance(node.ctx, ast.Load):
            owner, user = node.value, self._inside[-2]
            is_local = isinstance(owner, ast.Name) and any(owner.id in bound for bound in self._bound)
            if isinstance(user, ast.Starred):
                user = self._inside[-3]
            if not is_local:
                self.found.append(f"line {node.lineno}: {ast.unparse(node)} is not of a name of its own")
            elif not isinstance(user, ast.Call) or user.func is node:
                self.found.append(f"line {node.lineno}: {ast.unparse(node)} goes elsewhere than into a call")
        self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        called = node.value.func if isinstance(node.value, ast.Call) else None
        if (
            isinstance(called, ast.Attribute)
            and ast.unparse(called.value) == "_native"
            and not called.attr.endswith("_free")
        ):
            self.found.append(f"line {node.lineno}: the result of {ast.unparse(called)} is ignored")
        self.generic_visit(node)


def unheld(source: str) -> list[str]:
    calls = NativeCalls()
    calls.visit(ast.parse(source))
    return calls.found


@pytest.mark.parametrize("path", sorted(SOURCES.rglob("*.py")), ids=lambda path: path.stem)
def test_every_native_call_holds_its_handle_and_its_result_is_looked_at(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    if path.name == "_handle.py":
        # The handle itself, which frees it.
        source = source.replace("self._free(self.pointer)", "pass")
    if path.name == "_verifier.py":
        # A request keeps its handles beside their pointers.
        for kept in ("verifier", "policy"):
            assert source.count(f"            {kept}.pointer,\n") == 1
            source = source.replace(f"            {kept}.pointer,\n", "")
        assert "self.verifier = verifier" in source
        assert "self._policy = policy" in source
    assert unheld(source) == []


def test_what_does_not_hold_its_handle_is_found() -> None:
    for wrong in (
        "def f(self): return _native.verifier_resource(self._open().pointer)",
        "def f(self): return _native.verifier_resource(self._handle.pointer)",
        "def f(self): return _native.verifier_resource((self._handle or self._open()).pointer)",
        "def f(handle):\n  pointer = handle.pointer\n  return _native.verifier_resource(pointer)",
        "def f(handle): return [handle.pointer]",
        "def f(handle): self.pointers = handle.pointer, 1",
        "def f(): return _native.verifier_recall_request(*Request().arguments)",
        "def f(): return lambda: _native.verifier_resource(self._handle.pointer)",
        "def f(): return _native.verifier_resource(_handles[0].pointer)",
        "def f(): return _native.verifier_resource(GLOBAL.pointer)",
        "def f(policy): _native.policy_set_now(policy.pointer, 1)",
    ):
        assert len(unheld(wrong)) == 1, wrong
    for right in (
        "def f(self):\n  handle = self._open()\n  return _native.verifier_resource(handle.pointer)",
        "def f(handle): return lambda *out: _native.verifier_new(handle.pointer, *out)",
        "def f(request): return how(*request.arguments)",
        "def f(handle): return how(*request.arguments, 1) if (request := handle) else None",
        "def f(pointer): _native.stats_free(pointer)",
    ):
        assert unheld(right) == [], right


def test_close_races_with_every_kind_of_call() -> None:
    program = """
        import asyncio, json, sys, threading, time
        from authkit_verifier import MisuseError, Verifier
        domain, resource, jwks, now, token = sys.argv[1:]
        sys.setswitchinterval(1e-6)
        header = f"Bearer {token}"
        known = "/.well-known/oauth-protected-resource"
        calls = [
            lambda verifier: verifier.verify(token, required_scopes=["openid"]),
            lambda verifier: verifier.try_verify(token, now=int(now)),
            lambda verifier: asyncio.run(verifier.verify_async(token)),
            lambda verifier: verifier.authorize(header, any_scopes=["openid", "email"]),
            lambda verifier: asyncio.run(verifier.authorize_async(header)),
            lambda verifier: verifier.well_known("GET", known),
            lambda verifier: asyncio.run(verifier.well_known_async("GET", known)),
            lambda verifier: verifier.resource,
            lambda verifier: verifier.resource_metadata_url,
            lambda verifier: verifier.describe(),
            lambda verifier: verifier.stats(),
            lambda verifier: verifier.events(),
            lambda verifier: verifier.refresh(),
            lambda verifier: verifier.start_refresh(),
            lambda verifier: verifier.wait_ready(0),
            lambda verifier: verifier.set_jwks(jwks),
            lambda verifier: repr(verifier),
        ]
        held = []

        def use(call):
            while True:
                verifier = held[0]
                if verifier is None:
                    return
                try:
                    call(verifier)
                except MisuseError as error:
                    assert error.reason == "the verifier is closed", error

        for call in calls:
            held[:] = [Verifier(authkit_domain=domain, resource=resource, jwks=jwks, now=int(now))]
            threads = [threading.Thread(target=use, args=(call,)) for _ in range(3)]
            for thread in threads:
                thread.start()
            for _ in range(100):
                before = held[0]
                held[0] = Verifier(authkit_domain=domain, resource=resource, jwks=jwks, now=int(now))
                before.close()
            last, held[0] = held[0], None
            for thread in threads:
                thread.join()
            last.close()
        print(len(calls))
    """
    settings = (ISSUER, RESOURCE, json.dumps(good_jwks()), str(NOW))
    done = run_python(program, *settings, good_token())
    assert_silent_success(done)
    assert done.stdout == "17\n"


class Pointer(int):
    """A pointer that tells whether the handle that had it is gone."""

    freed = False


KNOWN = "/.well-known/oauth-protected-resource"
CALLS: dict[str, Callable[[Verifier], object]] = {
    "verify": lambda verifier: verifier.verify(good_token(), required_scopes=["openid"], now=NOW),
    "try_verify": lambda verifier: verifier.try_verify(good_token()),
    "verify_async": lambda verifier: asyncio.run(verifier.verify_async(good_token())),
    "authorize": lambda verifier: verifier.authorize(f"Bearer {good_token()}", any_scopes=["openid"]),
    "authorize_async": lambda verifier: asyncio.run(verifier.authorize_async(f"Bearer {good_token()}")),
    "well_known": lambda verifier: verifier.well_known("GET", KNOWN),
    "well_known_async": lambda verifier: asyncio.run(verifier.well_known_async("GET", KNOWN)),
    "resource": lambda verifier: verifier.resource,
    "resource_metadata_url": lambda verifier: verifier.resource_metadata_url,
    "describe": lambda verifier: verifier.describe(),
    "stats": lambda verifier: verifier.stats(),
    "events": lambda verifier: verifier.events(),
    "refresh": lambda verifier: verifier.refresh(),
    "start_refresh": lambda verifier: verifier.start_refresh(),
    "wait_ready": lambda verifier: verifier.wait_ready(0),
    "set_jwks": lambda verifier: verifier.set_jwks(good_jwks()),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_verifier_may_be_closed_at_any_step_of_a_call(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Before each operation of the interpreter, where another thread may have its turn.
    owner = good_verifier()
    assert owner._handle is not None
    real = owner._handle.pointer
    assert real is not None
    used = 0

    def watched(function: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object) -> object:
            nonlocal used
            for one in arguments:
                if isinstance(one, Pointer):
                    used += 1
                    assert not one.freed, "a native call uses what was freed"
            return function(*arguments)

        return call

    for function in list(vars(_native)):
        if f"authkit_{function}" in _native.FUNCTIONS:
            monkeypatch.setattr(_native, function, watched(getattr(_native, function)))
    monkeypatch.setattr(_verifier, "_recall", watched(_verifier._recall))

    def free(pointer: int | None) -> None:
        assert isinstance(pointer, Pointer)
        pointer.freed = True

    def run_and_close_at(step: int) -> bool:
        """Whether the call has so many steps."""
        left = step
        verifier = Verifier.__new__(Verifier)
        verifier._hold(_handle.VerifierHandle(Pointer(real), free))

        def trace(frame: FrameType, event: str, _: object) -> Any:
            nonlocal left
            if frame.f_code.co_filename.startswith(str(PACKAGE)):
                frame.f_trace_opcodes = True
                if event == "opcode":
                    left -= 1
                    if left == 0:
                        verifier.close()
            return trace

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            CALLS[name](verifier)
        except MisuseError:
            assert verifier.closed
        finally:
            sys.settrace(before)
        return left <= 0

    # CPython 3.12 tells of the steps of a function only once it has been asked for them.
    run_and_close_at(sys.maxsize)
    step = 1
    while run_and_close_at(step):
        step += 1
    assert step > 10
    assert used > step / 2


def test_no_call_reads_what_an_earlier_one_has_written() -> None:
    # A call that writes nothing, whatever it answers, has no reason, no response and no claims.
    verifier = good_verifier()
    for status in (0, *range(-10, 0), -259, -10_000):
        with pytest.raises(TokenError, match="MALFORMED"):
            verifier.verify("another token")
        assert verifier.verify(good_token(), now=NOW).subject == SUBJECT

        def how(*_: object, status: int = status) -> int:
            return status

        for judge in (
            lambda how=how: verifier._judge_anew(verifier._open(), how, b"x", _verifier._NO_POLICY),
            lambda how=how: verifier._decide(
                how, _verifier._Request(verifier._open(), "Bearer x", None, _verifier._NO_POLICY)
            ),
        ):
            with pytest.raises(AuthKitError) as refused:
                judge()
            assert refused.value.reason == "the library gave no reason"
            assert (refused.value.hint, refused.value.retry_after) == (None, None)
            assert refused.value.http_status >= 400, status


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
