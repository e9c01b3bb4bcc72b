"""The command that comes with the package: `python -m authkit_verifier` and the script `authkit`."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import authkit_verifier
from authkit_verifier import __main__ as command
from cases import EXPIRES_AT, ISSUER, NOW, RESOURCE, SUBJECT, good_jwks, good_token
from jwks_server import PATIENCE

MODULE = (sys.executable, "-m", "authkit_verifier")
SCRIPT = (str(Path(sys.executable).with_name("authkit")),)


@pytest.fixture
def settings(tmp_path: Path) -> str:
    file = tmp_path / "settings.json"
    file.write_text(json.dumps({"authkit_domain": ISSUER, "resource": RESOURCE, "jwks": good_jwks()}))
    return str(file)


def run(*arguments: str, text: str = "", **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        arguments, input=text, capture_output=True, text=True, timeout=PATIENCE, check=False, **options
    )


@pytest.mark.parametrize("start", [MODULE, SCRIPT], ids=["module", "script"])
def test_input_output_and_exit_status_are_the_commands(start: tuple[str, ...], settings: str) -> None:
    verify = (*start, "verify", "--json", "--config", settings)
    accepted = run(*verify, "--now", str(NOW), text=good_token())
    assert (accepted.returncode, accepted.stderr) == (0, "")
    assert json.loads(accepted.stdout)["claims"]["sub"] == SUBJECT
    rejected = run(*verify, "--now", str(EXPIRES_AT + 100), text=good_token())
    assert rejected.returncode == 1
    assert json.loads(rejected.stdout)["code"] == "EXPIRED"
    unusable = run(*start, "verify", "--no-such-option")
    assert (unusable.returncode, unusable.stdout) == (2, "")
    assert "unexpected argument '--no-such-option'" in unusable.stderr
    assert "Usage: authkit verify" in unusable.stderr


def test_arguments_arrive_as_they_are(tmp_path: Path) -> None:
    token = tmp_path / "a b*'\"é"
    token.write_text(good_token())
    said = run(*MODULE, "inspect", "--json", "--token-file", str(token))
    assert said.returncode == 0
    assert json.loads(said.stdout)["claims"]["sub"] == SUBJECT


def test_one_version() -> None:
    assert run(*MODULE, "--version").stdout == f"authkit {authkit_verifier.__version__}\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_meets_the_command_itself(number: signal.Signals, settings: str) -> None:
    # A shell's background job ignores SIGINT, and so would all that it starts.
    default = partial(signal.signal, number, signal.SIG_DFL)
    with subprocess.Popen(
        [*MODULE, "verify", "--config", settings],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=default,
    ) as process:
        # It waits for its input in the very process that was started, when Python has gone from it.
        began = time.monotonic()
        while Path(f"/proc/{process.pid}/exe").readlink() != command.COMMAND.resolve():
            assert time.monotonic() - began < PATIENCE
            time.sleep(0.01)
        process.send_signal(number)
        _, said = process.communicate(timeout=PATIENCE)
    assert (process.returncode, said) == (-number, b"")


@pytest.mark.parametrize("fault", ["missing", "not executable"])
def test_a_command_that_cannot_be_run_is_named(fault: str, tmp_path: Path) -> None:
    package = tmp_path / "authkit_verifier"
    shutil.copytree(Path(authkit_verifier.__file__).parent, package)
    if fault == "missing":
        (package / "authkit").unlink()
    else:
        (package / "authkit").chmod(0o644)
    done = run(*MODULE, "--version", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (127, "")
    assert done.stderr.startswith(f"authkit_verifier cannot run its command {package / 'authkit'}: ")
    assert "Install a wheel" in done.stderr
