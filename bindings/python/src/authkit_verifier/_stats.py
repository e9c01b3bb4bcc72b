"""The shape of `Verifier.stats()`, as the library writes it. Later releases may add members."""

from __future__ import annotations

from typing import Literal, TypedDict


class KeyStats(TypedDict):
    """A key in use."""

    kid: str | None
    alg: str


class DroppedKeyStats(TypedDict):
    """An entry of the key set that is not used: its place in the document from 0, its id, and why."""

    index: int
    kid: str | None
    reason: str


class HeaderStats(TypedDict):
    """Headers of the last answer that bear on freshness, escaped to printable ASCII and cut short."""

    date: str | None
    age: str | None
    cache_control: str | None
    etag: str | None
    expires: str | None


class IssuerStats(TypedDict):
    """One issuer's keys, how fresh they are and how their fetches went. Times are seconds."""

    issuer: str
    # None where the keys were given.
    jwks_url: str | None
    keys: list[KeyStats]
    dropped: list[DroppedKeyStats]
    # stale: past their time to live, used in an outage; expired: past the hard limit, not used.
    standing: Literal["none", "given", "fresh", "refresh_due", "stale", "expired"]
    source: Literal["network", "file", "given"] | None
    age: int | None
    ttl: int | None
    next_refresh: int | None
    # Counts the key sets that differed from the one before.
    generation: int
    fetches: int
    failures: int
    consecutive_failures: int
    last_failure: str | None
    retry_after: int | None
    # Answers that nothing has changed (HTTP 304).
    not_modified: int
    # Tokens with unknown key ids that were refused without asking the issuer again.
    throttled: int
    # Verdicts by stale keys.
    stale_served: int
    # The issuer's clock less this machine's.
    skew: int | None
    headers: HeaderStats | None


class TokenCacheStats(TypedDict):
    """Verified tokens that are kept."""

    entries: int
    # About how much memory they take.
    bytes: int
    # Verdicts `OK` for which no signature was checked.
    hits: int


class Stats(TypedDict):
    """A moment's state of a verifier, and counts since it was made."""

    issuers: list[IssuerStats]
    # Tokens judged, by `OK` or the code of their refusal; outcomes that never came are left out.
    verdicts: dict[str, int]
    token_cache: TokenCacheStats
    events_lost: int
