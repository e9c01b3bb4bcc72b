"""Subinterpreters, which share the native library: two at once, then one, and what goes on after them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from cases import SUBJECT
from jwks_server import PATIENCE, JwksServer

# What is run in one process and in subinterpreters of it, so that all of them use one loaded library.
VERIFY = """
import sys
sys.path[:0] = {path}
from cases import good_token, good_verifier
print(good_verifier().verify(good_token()).subject, flush=True)
"""

# No keys at first, so that a thread waits for them.
AWAIT = """
import asyncio, sys
sys.path[:0] = {path}
from cases import ISSUER, NOW, RESOURCE, good_token
from authkit_verifier import Verifier

async def main():
    settings = dict(issuers={{ISSUER: {url!r}}}, resource=RESOURCE, now=NOW, allow_insecure_loopback=True)
    with Verifier(**settings) as verifier:
        print((await verifier.verify_async(good_token())).subject, flush=True)

asyncio.run(main())
"""

# The public module, concurrent.interpreters, is in 3.14 alone; this one has other names in each version.
HOST = """
import sys
isolated, program = sys.argv[1] == "isolated", sys.argv[2]
if sys.version_info >= (3, 13):
    import _interpreters
    create = lambda: _interpreters.create("isolated" if isolated else "legacy")
    run = _interpreters.exec
else:
    import _xxsubinterpreters as _interpreters
    create = lambda: _interpreters.create(isolated=isolated)
    run = _interpreters.run_string

def check(interpreter):
    failure = run(interpreter, program)
    if failure is not None:
        raise SystemExit(failure.formatted)

first, second = create(), create()
for interpreter in (first, second, first):
    check(interpreter)
_interpreters.destroy(first)
check(second)
_interpreters.destroy(second)
exec(program)
third = create()
check(third)
_interpreters.destroy(third)
"""


before_3_12 = pytest.mark.skipif(
    sys.version_info < (3, 12),
    reason="subinterpreters share asyncio's tasks, which break with the first",
)


@pytest.mark.parametrize(
    "program",
    [pytest.param(VERIFY, id="verify"), pytest.param(AWAIT, id="verify_async", marks=before_3_12)],
)
@pytest.mark.parametrize("kind", ["isolated", "legacy"])
def test_several_interpreters_verify_and_so_do_those_that_are_left(
    server: JwksServer, kind: str, program: str
) -> None:
    program = program.format(path=[str(Path(__file__).parent), *sys.path], url=server.url)
    done = subprocess.run(
        [sys.executable, "-c", HOST, kind, program],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    if kind == "isolated" and sys.version_info[:2] == (3, 12):
        # With a lock of its own, a subinterpreter of 3.12 refuses ctypes, and says so.
        assert "module _ctypes does not support loading in subinterpreters" in done.stderr
        assert done.stdout == ""
    else:
        assert done.stderr == ""
        assert done.returncode == 0
        assert done.stdout.split() == [SUBJECT] * 6
