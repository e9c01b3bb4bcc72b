"""The example program of examples/python, as a user runs it: token on stdin, settings in the environment."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest

from cases import EXPIRES_AT, ISSUER, NOW, REPOSITORY, RESOURCE, SUBJECT, good_jwks, good_token
from jwks_server import JwksServer

EXAMPLE = REPOSITORY / "examples" / "python" / "verify.py"
SETTINGS = {
    "AUTHKIT_DOMAIN": ISSUER,
    "AUTHKIT_RESOURCE": RESOURCE,
    "AUTHKIT_JWKS": json.dumps(good_jwks()),
    "AUTHKIT_NOW": str(NOW),
}


def run(token: str, settings: dict[str, str]) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, str(EXAMPLE)],
        input=token,
        capture_output=True,
        text=True,
        env=dict(os.environ) | settings,
        check=False,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_accepted(end: str) -> None:
    assert run(good_token() + end, SETTINGS) == (0, f"accepted: {SUBJECT}\n")


def test_refused() -> None:
    settings = SETTINGS | {"AUTHKIT_NOW": str(EXPIRES_AT + 100)}
    status, output = run(good_token(), settings)
    assert (status, output.splitlines()[0]) == (1, "EXPIRED, HTTP 401: the token expired 100 s ago")
    assert re.search(r"\nhint: .*unset AUTHKIT_NOW|\nhint: .*unset now", output)
    status, output = run(good_token(), SETTINGS | {"AUTHKIT_REQUIRED_SCOPES": "admin"})
    assert status == 1
    assert re.fullmatch(r"SCOPE, HTTP 403: .*admin.*\nhint: .*admin.*\n", output)
    status, output = run("", SETTINGS)
    assert status == 1
    assert output.startswith("MALFORMED, HTTP 401: ")


def test_not_configured() -> None:
    status, output = run(good_token(), {})
    assert status == 2
    assert re.fullmatch(r"CONFIG, HTTP 500: AUTHKIT_DOMAIN .*\nhint: .*AUTHKIT_DOMAIN.*\n", output)


def test_no_keys(server: JwksServer) -> None:
    server.status = 500
    settings = {
        "AUTHKIT_ISSUERS": json.dumps({ISSUER: server.url}),
        "AUTHKIT_RESOURCE": RESOURCE,
        "AUTHKIT_ALLOW_INSECURE_LOOPBACK": "true",
        "AUTHKIT_NOW": str(NOW),
    }
    status, output = run(good_token(), settings)
    assert status == 3
    assert output.startswith("KEYS_UNAVAILABLE, HTTP 503: ")


def test_the_quoted_part_fits_the_readme() -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    marks = [lines.index("    # [readme]"), lines.index("    # [/readme]")]
    assert marks[1] - marks[0] - 1 <= 10
