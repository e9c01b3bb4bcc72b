"""What importing the package brings: no more than a verdict takes, and every name of it when asked for."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import authkit_verifier
from cases import ISSUER, NOW, RESOURCE, SUBJECT, good_jwks, good_token

VERDICT = """
import sys
before = set(sys.modules)
import authkit_verifier
domain, resource, jwks, now, token = sys.argv[1:]
verifier = authkit_verifier.Verifier(authkit_domain=domain, resource=resource, jwks=jwks, now=int(now))
print(verifier.verify(token).subject)
print(*(set(sys.modules) - before))
"""


def test_a_verdict_does_without_what_takes_long_to_import() -> None:
    done = subprocess.run(
        [sys.executable, "-c", VERDICT, ISSUER, RESOURCE, json.dumps(good_jwks()), str(NOW), good_token()],
        capture_output=True,
        text=True,
        check=True,
    )
    subject, imported = done.stdout.splitlines()
    assert subject == SUBJECT
    assert "authkit_verifier._verifier" in imported.split()
    slow = {"asyncio", "collections", "dataclasses", "enum", "json", "logging", "pathlib", "re", "typing"}
    assert not slow & set(imported.split())


def test_every_name_is_there_when_asked_for() -> None:
    for name in authkit_verifier.__all__:
        assert getattr(authkit_verifier, name).__name__ == name


def test_a_name_that_is_not_there_is_said_so() -> None:
    with pytest.raises(AttributeError, match=r"module 'authkit_verifier' has no attribute 'Verifyer'"):
        _ = authkit_verifier.Verifyer
