"""What is kept of a token that comes again: found by the library's ticket, good as long as the token is."""

from __future__ import annotations

import gc
import threading
import weakref
from typing import Any

import pytest

from authkit_verifier import Claims, InsufficientScopeError, MisuseError, TokenError, Verifier, _verifier
from cases import EXPIRES_AT, NEXT_KEY_ID, NOW, case, good_jwks, good_token, good_verifier


def kept_claims(verifier: Verifier) -> Claims:
    """Claims that come again: kept from the token's second time on."""
    verifier.verify(good_token())
    claims = verifier.verify(good_token())
    assert verifier.verify(good_token()) is claims
    return claims


def hits(verifier: Verifier) -> int:
    return verifier.stats()["token_cache"]["hits"]


def test_a_token_that_comes_again_is_answered_with_the_same_claims() -> None:
    verifier = good_verifier()
    claims = kept_claims(verifier)
    assert verifier.verify(good_token().encode()) is claims
    assert verifier.try_verify(good_token()) is claims
    assert verifier.authorize(f"Bearer {good_token()}").claims is claims
    assert hits(verifier) == 4
    assert verifier.stats()["verdicts"] == {"OK": 6}
    assert claims == good_verifier().verify(good_token())


def test_a_request_that_comes_again_is_answered_with_the_same_claims() -> None:
    verifier = good_verifier()
    header = f"Bearer {good_token()}"
    decisions = [verifier.authorize(header) for _ in range(4)]
    assert all(decisions)
    assert decisions[3].claims is decisions[2].claims is decisions[1].claims
    assert (decisions[3].status, decisions[3].headers, decisions[3].body) == (200, (), b"")
    assert decisions[0] == decisions[3]
    assert verifier.verify(good_token()) is decisions[1].claims
    refused = verifier.authorize(header, query="access_token=x")
    assert (refused.status, refused.claims) == (400, None)


def test_times_are_judged_each_time() -> None:
    verifier = good_verifier()
    kept_claims(verifier)
    with pytest.raises(TokenError, match="EXPIRED"):
        verifier.verify(good_token(), now=EXPIRES_AT + 61)
    assert verifier.verify(good_token(), now=NOW) == verifier.verify(good_token())


def test_scopes_are_judged_each_time() -> None:
    verifier = good_verifier()
    claims = kept_claims(verifier)
    assert verifier.verify(good_token(), required_scopes=["email"]) is claims
    with pytest.raises(InsufficientScopeError):
        verifier.verify(good_token(), required_scopes=["nobody:has"])
    with pytest.raises(InsufficientScopeError):
        verifier.verify(good_token(), any_scopes=["nobody:has"])
    assert verifier.authorize(f"Bearer {good_token()}", required_scopes=["nobody:has"]).status == 403


def test_other_keys_end_it() -> None:
    verifier = good_verifier()
    claims = kept_claims(verifier)
    verifier.set_jwks(good_jwks(NEXT_KEY_ID))
    with pytest.raises(TokenError, match="UNKNOWN_KEY"):
        verifier.verify(good_token())
    verifier.set_jwks(good_jwks())
    again = verifier.verify(good_token())
    assert again is not claims
    assert again == claims


def test_another_configuration_shares_nothing() -> None:
    kept_claims(good_verifier())
    other = good_verifier(resource="https://other.example/mcp")
    for _ in range(3):
        with pytest.raises(TokenError, match="AUDIENCE"):
            other.verify(good_token())


def test_closing_ends_it() -> None:
    verifier = good_verifier()
    reference = weakref.ref(verifier)
    claims = kept_claims(verifier)
    verifier.close()
    with pytest.raises(MisuseError):
        verifier.verify(good_token())
    del verifier
    gc.collect()
    assert reference() is None
    assert claims["sub"] == claims.subject


def test_nothing_is_kept_where_that_is_off() -> None:
    verifier = good_verifier(token_cache_size=0)
    made = [verifier.verify(good_token()) for _ in range(4)]
    assert len({id(claims) for claims in made}) == 4
    assert verifier.stats()["token_cache"] == {"entries": 0, "bytes": 0, "hits": 0}


def test_what_is_kept_is_bounded_by_the_librarys_slots() -> None:
    verifier = good_verifier(token_cache_size=4)
    kept_claims(verifier)
    for _ in range(20):
        verifier.set_jwks(good_jwks())
        kept_claims(verifier)
    assert len(verifier._open().kept) <= 4


def test_threads_get_their_own_tokens_claims() -> None:
    others = [case("baseline/aud-array-many"), case("baseline/unicode-claims"), case("baseline/exp-float")]
    tokens = {one.token: one.verifier().verify(one.token).json for one in others}
    verifier = others[0].verifier()
    wrong: list[str] = []

    def run(token: str | bytes, expected: str) -> None:
        wrong.extend("wrong" for _ in range(2000) if verifier.verify(token).json != expected)

    threads = [threading.Thread(target=run, args=pair) for pair in tokens.items() for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert hits(verifier) > 2000


def test_where_no_token_comes_again_it_is_not_asked_until_one_does(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    recall = _verifier._recall

    def watched(*arguments: Any) -> int:
        asked.append(1)
        return recall(*arguments)

    monkeypatch.setattr(_verifier, "_recall", watched)
    verifier = good_verifier()
    for number in range(20):
        with pytest.raises(TokenError):
            verifier.verify(f"none-{number}")
    assert len(asked) == _verifier._VAIN
    for _ in range(2):
        verifier.verify(good_token())
    claims = verifier.verify(good_token())
    assert len(asked) == _verifier._VAIN
    assert all(verifier.verify(good_token()) is claims for _ in range(5))
    assert len(asked) == _verifier._VAIN + 5


def test_what_is_recalled_without_being_asked_is_judged_as_well() -> None:
    verifier = good_verifier()
    claims = kept_claims(verifier)
    for number in range(8):
        with pytest.raises(TokenError):
            verifier.verify(f"none-{number}")
    with pytest.raises(TokenError, match="EXPIRED"):
        verifier.verify(good_token(), now=EXPIRES_AT + 61)
    with pytest.raises(InsufficientScopeError):
        verifier.verify(good_token(), required_scopes=["nobody:has"])
    assert verifier.verify(good_token()) is claims


def test_no_more_than_so_many_lengths_are_kept() -> None:
    for number in range(1100):
        assert _verifier._length(b"x" * number).value == number
    assert len(_verifier._LENGTHS) <= _verifier._MANY_LENGTHS
    assert (_verifier._length(None).value, _verifier._length(b"x" * 1099).value) == (0, 1099)
    assert good_verifier().verify(good_token()).subject
