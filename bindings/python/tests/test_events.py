"""Stats and events: their shape, what they tell, how they reach logging, and that no token is in them."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from authkit_verifier import (
    AuthKitError,
    DroppedKeyStats,
    HeaderStats,
    IssuerStats,
    KeyStats,
    KeysUnavailableError,
    Stats,
    TokenError,
    events,
)
from authkit_verifier.events import EventLog, log_to
from cases import CLIENT_ID, ISSUER, KEY_ID, NEXT_KEY_ID, REPOSITORY, SUBJECT, good_jwks, good_token, naming
from jwks_server import PATIENCE, JwksServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from authkit_verifier import Verifier


class Records(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []
        self.logger = logging.Logger("test")
        self.logger.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    def texts(self) -> list[str]:
        return [record.getMessage() for record in self.records]


def _code(verifier: Verifier, token: str) -> str:
    with pytest.raises(AuthKitError) as caught:
        verifier.verify(token)
    return caught.value.code


def eventful(server: JwksServer, verifier: Verifier) -> None:
    """Goes through a fetch with a bad key, a rotation, a flood of unknown key ids, and an outage."""
    bad: dict[str, Any] = {"kty": "oct", "kid": "bad", "k": "AA"}
    server.headers = {"Date": "Thu, 01 Jan 2015 00:00:00 GMT"}
    server.document = {"keys": [*good_jwks(KEY_ID)["keys"], bad]}
    assert verifier.verify(good_token()).subject == SUBJECT
    server.document = good_jwks(NEXT_KEY_ID)
    verifier.refresh()
    codes = {_code(verifier, naming(f"random-{number}")) for number in range(4)}
    assert codes == {"UNKNOWN_KEY", "KEY_UNCONFIRMED"}
    server.status = 500
    with pytest.raises(KeysUnavailableError):
        verifier.refresh()


def test_events_tell_what_happened_and_each_is_given_once(server: JwksServer) -> None:
    with server.verifier() as verifier:
        eventful(server, verifier)
        seen = verifier.events()
        names = [event["event"] for event in seen]
        assert {"fetched", "failed", "rotated", "key_dropped", "throttled", "skew_seen"} <= set(names)
        assert [event["sequence"] for event in seen] == list(range(1, len(seen) + 1))
        for event in seen:
            assert event["issuer"] == ISSUER
            if event["event"] == "key_dropped":
                assert (event["index"], event["kid"]) == (1, "bad")
            if event["event"] == "failed":
                assert "500" in event["reason"]
        assert verifier.events() == []


def test_each_event_has_the_members_of_its_type(server: JwksServer) -> None:
    kinds = {
        "fetched": events.Fetched,
        "failed": events.Failed,
        "rotated": events.Rotated,
        "key_dropped": events.KeyDropped,
        "throttled": events.Throttled,
        "skew_seen": events.SkewSeen,
    }
    with server.verifier() as verifier:
        eventful(server, verifier)
        for event in verifier.events():
            kind = kinds[event["event"]]
            assert set(event) == set(kind.__annotations__) | set(events._Happening.__annotations__)


def test_every_kind_of_the_library_has_a_type() -> None:
    header = (REPOSITORY / "include" / "authkit.h").read_text(encoding="utf-8")
    table = header[header.index(" * What happened:") : header.index("authkit_event_name(const")]
    names = {line.split()[2].rstrip(":") for line in table.splitlines() if line.startswith(" * - ")}
    assert len(names) >= 9
    typed = " ".join(str(kind.__annotations__["event"]) for kind in events.Event.__args__)
    for name in names:
        assert f"'{name}'" in typed or f'"{name}"' in typed


def test_stats_have_the_members_of_their_types(server: JwksServer) -> None:
    with server.verifier() as verifier:
        cold = verifier.stats()
        assert (cold["issuers"][0]["standing"], cold["issuers"][0]["fetches"]) == ("none", 0)
        server.document["keys"].append({"kty": "oct", "kid": "bad", "k": "AA"})
        verifier.verify(good_token())
        with pytest.raises(TokenError):
            verifier.verify("x")
        stats = verifier.stats()
        issuer = stats["issuers"][0]
        assert set(stats) == set(Stats.__annotations__)
        assert set(issuer) == set(IssuerStats.__annotations__)
        assert issuer["headers"] is not None
        assert set(issuer["headers"]) == set(HeaderStats.__annotations__)
        assert set(issuer["keys"][0]) == set(KeyStats.__annotations__)
        assert set(issuer["dropped"][0]) == set(DroppedKeyStats.__annotations__)
        assert stats["verdicts"] == {"OK": 1, "MALFORMED": 1}
        assert (issuer["issuer"], issuer["jwks_url"], issuer["source"]) == (ISSUER, server.url, "network")
        assert (issuer["standing"], issuer["fetches"], issuer["generation"]) == ("fresh", 1, 1)


def test_drained_events_are_logged_with_their_levels(server: JwksServer) -> None:
    records = Records()
    with server.verifier() as verifier:
        log = log_to(records.logger, verifier)
        eventful(server, verifier)
        assert records.records == []
        count = log.drain()
        assert count == len(records.records) > 0
        levels = {record.__dict__["authkit_event"]["event"]: record.levelname for record in records.records}
        assert levels == {
            "fetched": "INFO",
            "rotated": "INFO",
            "failed": "WARNING",
            "key_dropped": "WARNING",
            "throttled": "WARNING",
            "skew_seen": "WARNING",
        }
        assert all(text.startswith(f"{ISSUER}: ") for text in records.texts())
        assert log.drain() == 0


def test_a_level_that_is_not_known_here_is_a_warning() -> None:
    class Later:
        def events(self) -> list[Any]:
            return [{"event": "later", "level": "error", "message": f"{ISSUER}: later"}]

    records = Records()
    log = EventLog(records.logger, Later())  # type: ignore[arg-type]
    records.records.clear()
    assert log.drain() == 1
    assert [(record.levelname, record.getMessage()) for record in records.records] == [
        ("WARNING", f"{ISSUER}: later")
    ]


def test_no_token_and_no_claim_is_in_any_of_it(server: JwksServer) -> None:
    records = Records()
    with server.verifier() as verifier, log_to(records.logger, verifier):
        eventful(server, verifier)
        told = [json.dumps(verifier.stats())]
    for record in records.records:
        told += [record.getMessage(), json.dumps(record.__dict__["authkit_event"])]
    assert len(told) > 5
    for text in told:
        for secret in (SUBJECT, CLIENT_ID, *good_token().split(".")):
            assert secret not in text


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def log_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "authkit-events"]


def test_a_thread_drains_by_itself_until_it_is_closed(server: JwksServer) -> None:
    records = Records()
    with server.verifier() as verifier, log_to(records.logger, verifier, interval=0.01) as log:
        verifier.refresh()
        wait_for(lambda: len(records.records) >= 1)
        [thread] = log_threads()
        log.close()
        thread.join(PATIENCE)
        count = len(records.records)
        verifier.refresh()
        log.close()
        assert len(records.records) == count


def test_a_thread_ends_with_its_verifier(server: JwksServer) -> None:
    verifier = server.verifier()
    log = log_to(Records().logger, verifier, interval=0.01)
    [thread] = log_threads()
    verifier.close()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    log.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_the_child_of_a_fork_logs_its_own_events(server: JwksServer) -> None:
    records = Records()
    with server.verifier() as verifier, log_to(records.logger, verifier, interval=0.01):
        verifier.refresh()
        wait_for(lambda: len(records.records) > 0)
        for _ in range(20):
            child = os.fork()
            if child == 0:
                status = 1
                try:
                    count = len(records.records)
                    verifier.refresh()
                    wait_for(lambda count=count: len(records.records) > count)  # type: ignore[misc]
                    status = 0
                finally:
                    os._exit(status)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
