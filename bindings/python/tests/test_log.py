"""What hosts write into their logs: once, whole, where somebody looks, whatever of logging is set up."""

from __future__ import annotations

import gc
import io
import logging
import os
import sys
import time
import weakref
from typing import TYPE_CHECKING, Any

import pytest

from authkit_verifier import KeysUnavailableError, Verifier, _log
from authkit_verifier._response import LogLine
from authkit_verifier.events import log_to
from cases import ISSUER, RESOURCE, good_jwks, good_token, good_verifier
from jwks_server import JwksServer

if TYPE_CHECKING:
    from collections.abc import Callable

LONG = "https://mcp.example/" + "x" * 200
INFO, WARNING = LogLine("info", "i " + LONG), LogLine("warning", "w " + LONG)


class RichHandler(logging.StreamHandler):  # type: ignore[type-arg]
    """Named as the one that wraps lines."""


@pytest.fixture
def logger() -> logging.Logger:
    """A logger below a parent of its own in a process that has set up no logging."""
    parent = logging.Logger("some_host")
    parent.parent = logging.RootLogger(logging.WARNING)
    logger = logging.Logger("some_host.authkit")
    logger.parent = parent
    return logger


def test_without_any_set_up_each_line_is_written_whole_to_standard_error(
    logger: logging.Logger,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for line in (INFO, WARNING, None):
        _log.write(logger, line)
    assert capsys.readouterr().err.splitlines() == [
        f"INFO some_host.authkit: {INFO.text}",
        f"WARNING some_host.authkit: {WARNING.text}",
    ]


def test_a_handler_of_the_hosts_gets_each_line_alone(
    logger: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    handled = io.StringIO()
    assert logger.parent is not None
    logger.parent.addHandler(logging.StreamHandler(handled))
    logger.parent.setLevel(logging.INFO)
    for line in (INFO, WARNING):
        _log.write(logger, line)
    assert handled.getvalue().splitlines() == [INFO.text, WARNING.text]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("handler", [None, RichHandler])
def test_a_level_that_somebody_set_holds(
    logger: logging.Logger, capsys: pytest.CaptureFixture[str], handler: Callable[..., logging.Handler] | None
) -> None:
    assert logger.parent is not None
    if handler is not None:
        logger.parent.addHandler(handler(io.StringIO()))
    logger.parent.setLevel(logging.WARNING)
    for line in (INFO, WARNING):
        _log.write(logger, line)
    assert capsys.readouterr().err.splitlines() == [f"WARNING some_host.authkit: {WARNING.text}"]
    logger.parent.setLevel(logging.CRITICAL)
    _log.write(logger, WARNING)
    assert capsys.readouterr().err == ""


def test_a_handler_that_wraps_lines_gets_none(
    logger: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    wrapped = io.StringIO()
    assert logger.parent is not None
    logger.parent.addHandler(RichHandler(wrapped))
    logger.parent.propagate = False
    _log.write(logger, WARNING)
    assert wrapped.getvalue() == ""
    assert capsys.readouterr().err == f"WARNING some_host.authkit: {WARNING.text}\n"


def test_a_process_without_standard_error_is_not_harmed(
    logger: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    _log.write(logger, WARNING)


class Records(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.logger = logging.Logger("records")
        self.logger.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())

    def wait_for(self, text: str) -> None:
        deadline = time.monotonic() + 30
        while not any(text in one for one in self.texts):
            assert time.monotonic() < deadline, self.texts
            time.sleep(0.01)


def test_trouble_with_keys_is_written_without_a_request_and_the_start_once() -> None:
    records = Records()
    with JwksServer() as server:
        server.status = 500
        with server.verifier() as verifier:
            for _ in range(3):
                _log.begin(records.logger, verifier)
            records.wait_for(f"{ISSUER}: could not fetch the keys: ")
            server.status = 200
            verifier.refresh()
            records.wait_for(f"{ISSUER}: the keys can be fetched again")
    starts = ["resource indicator", "trusted issuer", "required scopes"]
    assert [text.partition(":")[0] for text in records.texts[:3]] == starts
    assert sum(text.startswith("resource indicator") for text in records.texts) == 1
    assert server.gets >= 2


def test_a_log_keeps_no_verifier_alive() -> None:
    verifier = good_verifier()
    _log.begin(Records().logger, verifier)
    known, pointer = weakref.ref(verifier), weakref.ref(verifier._open())
    del verifier
    deadline = time.monotonic() + 30
    while known() is not None or pointer() is not None:
        gc.collect()
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_forked_worker_writes_too() -> None:
    records = Records()
    with JwksServer() as server, server.verifier() as verifier:
        _log.begin(records.logger, verifier)
        records.wait_for("resource indicator")
        child = os.fork()
        if child == 0:
            status = 1
            try:
                server.status = 500
                records.texts.clear()
                from_child = Verifier(
                    authkit_domain="http://127.0.0.1:1", resource=RESOURCE, allow_insecure_loopback=True
                )
                _log.begin(records.logger, from_child)
                records.wait_for("could not fetch the keys")
                status = 0
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_decision_has_its_line_once_in_ten_seconds_and_names_the_tool() -> None:
    with good_verifier() as verifier:
        header = f"Bearer {good_token()}"
        first = verifier.authorize(header, required_scopes=["nobody:has"], tool="send_mail")
        assert first.log_line is not None
        assert first.log_line.level == "info"
        assert first.log_line.text.startswith("answered 403: SCOPE: ")
        assert "tool send_mail" in first.log_line.text
        for _ in range(100):
            again = verifier.authorize(header, required_scopes=["nobody:has"], tool="send_mail")
            assert again.log_line is None
        other = verifier.authorize(header, required_scopes=["nobody:has"], tool="other")
        assert other.log_line is not None
        assert verifier.authorize(None).log_line is None
        assert verifier.authorize(header).log_line is None


@pytest.mark.parametrize("are_taken", [True, False])
def test_a_log_of_events_alone_tells_of_keys_from_its_start(are_taken: bool) -> None:
    with JwksServer() as server, server.verifier() as verifier:
        server.status = 500
        if are_taken:
            log_to(logging.getLogger("unused"), verifier).close()
        with pytest.raises(KeysUnavailableError):
            verifier.verify(good_token())
        told = [line.text for line in verifier._log_lines() if "could not fetch" in line.text]
        assert len(told) == (0 if are_taken else 1)
        # It stays so when the verifier becomes another.
        verifier._become(server.verifier())
        with pytest.raises(KeysUnavailableError):
            verifier.verify(good_token())
        told = [line.text for line in verifier._log_lines() if "could not fetch" in line.text]
        assert len(told) == (0 if are_taken else 1)


def other_verifier(**settings: Any) -> Verifier:
    return Verifier(
        **{"authkit_domain": ISSUER, "resource": f"{RESOURCE}/other", "jwks": good_jwks()} | settings
    )


def test_a_verifier_that_becomes_another_keeps_its_events_and_no_verdict() -> None:
    with JwksServer() as server, server.verifier() as verifier:
        verifier.refresh()
        token = good_token()
        kept = [verifier.verify(token) for _ in range(4)]
        assert kept[-1] is kept[-2]
        verifier._become(other_verifier())
        assert verifier.resource == f"{RESOURCE}/other"
        assert [event["event"] for event in verifier.events()] == ["fetched"]
        assert verifier.authorize(f"Bearer {token}").status == 401
