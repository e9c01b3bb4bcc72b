"""Every full-check vector of the project, through Python: the verdicts are the library's own."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from typing import TYPE_CHECKING

import pytest

from authkit_verifier import AuthKitError, Claims, ConfigError, TokenError
from cases import Case, all_cases, case

if TYPE_CHECKING:
    from collections.abc import Iterable

# Algorithms that the library does not implement; a vector that needs one has nothing to say.
NOT_IMPLEMENTED = {"alg:ES512", "alg:Ed25519"}


def judge(one: Case) -> Claims | AuthKitError:
    """The verdict; a configuration that is refused accepts no token either."""
    try:
        with one.verifier() as verifier:
            return verifier.verify(one.token)
    except AuthKitError as error:
        return error


def _jwt_cases(strength: Iterable[str]) -> list[Case]:
    return [one for one in all_cases() if one.fields["level"] == "jwt" and one.strength in strength]


@pytest.mark.parametrize("one", _jwt_cases(["must"]), ids=lambda one: one.name)
def test_agrees_with_every_must(one: Case) -> None:
    # ES512 is not among this library's algorithms: such a case says nothing about it.
    if unmet := NOT_IMPLEMENTED.intersection(one.needs):
        pytest.skip(f"needs {', '.join(unmet)}")
    verdict = judge(one)
    assert isinstance(verdict, Claims) == one.accepted, (verdict, one.fields["reason"])


@pytest.mark.parametrize("one", _jwt_cases(["should", "may"]), ids=lambda one: one.name)
def test_gives_a_clean_verdict_on_every_should_and_may(one: Case) -> None:
    # Which way these go is argued in the project's documentation; here they must come back in one piece.
    verdict = judge(one)
    if isinstance(verdict, Claims):
        assert verdict.subject
    else:
        assert verdict.code != "INTERNAL"
        assert verdict.reason


@pytest.mark.parametrize(
    "one", [one for one in _jwt_cases(["must", "should", "may"]) if one.accepted], ids=lambda one: one.name
)
def test_hands_out_the_payload_that_was_signed(one: Case) -> None:
    verdict = judge(one)
    if not isinstance(verdict, Claims):
        # Refused for a reason of ours, which the test above looks at: nothing is handed out.
        pytest.skip("not accepted")
    token = one.token if isinstance(one.token, str) else one.token.decode()
    header, payload = (urlsafe_b64decode(part + "==").decode() for part in token.split(".")[:2])
    assert verdict.json == payload
    assert dict(verdict) == verdict.to_dict() == json.loads(payload)
    assert verdict.header == json.loads(header)
    assert verdict.subject == json.loads(payload)["sub"]


# One or more of each family of rules, with the code that tells a reader which rule it was.
SAMPLE = [
    ("serialization/empty-payload", "MALFORMED"),
    ("serialization/four-parts-full", "MALFORMED"),
    ("serialization/bearer-prefix", "MALFORMED"),
    ("serialization/before-dot-nul", "MALFORMED"),
    ("serialization/sig-2pad", "MALFORMED"),
    ("json/two-objects-newline", "MALFORMED"),
    ("json/utf8-ff-fe-iss", "MALFORMED"),
    ("size/bearer-1M", "TOO_LARGE"),
    ("alg/none-NoNe-empty-sig", "ALGORITHM"),
    ("alg/confusion-HS256-spki-pem-crlf", "ALGORITHM"),
    ("alg/not-allowed-PS256", "ALGORITHM"),
    ("header/crit-many", "CRITICAL_HEADER"),
    ("header/typ-dpop+jwt", "TYPE"),
    ("kind/id-token-nonce", "TYPE"),
    ("kind/id-token-for-client-id", "TYPE"),
    ("kind/client-id-audience-nobodys", "CLAIM"),
    ("kind/cnf-jkt", "CLAIM"),
    ("kind/cnf-null", "CLAIM"),
    ("keys/unknown-kid", "UNKNOWN_KEY"),
    ("signature/flip-first-bit", "SIGNATURE"),
    ("signature/truncated-half", "SIGNATURE"),
    ("time/exp-past-1y", "EXPIRED"),
    ("time/leeway-60-exp-edge", "EXPIRED"),
    ("time/leeway-60-nbf-outside", "NOT_YET_VALID"),
    ("time/exp-type-string", "CLAIM"),
    ("iss/v-upper-scheme", "ISSUER"),
    ("aud/missing", "AUDIENCE"),
    ("aud/v-other-resource", "AUDIENCE"),
    ("scope/not-prefix", "SCOPE"),
    ("scope/missing", "SCOPE"),
]


@pytest.mark.parametrize(("name", "code"), SAMPLE)
def test_names_the_rule(name: str, code: str) -> None:
    verdict = judge(case(name))
    assert isinstance(verdict, AuthKitError)
    assert verdict.code == code, verdict


@pytest.mark.parametrize("algorithm", ["RS384", "PS256", "ES256", "ES384", "EdDSA"])
def test_accepts_each_algorithm_that_is_allow_listed(algorithm: str) -> None:
    suffix = "-jwk-without-alg" if algorithm == "RS384" else ""
    one = case(f"baseline/alg-{algorithm}{suffix}")
    verdict = judge(one)
    assert isinstance(verdict, Claims)
    assert verdict.algorithm == algorithm
    with one.verifier() as verifier:
        verifier.verify(one.token)
    settings = one.settings()
    del settings["algorithms"]
    with pytest.raises((TokenError, ConfigError)):
        type(verifier)(**settings).verify(one.token)
