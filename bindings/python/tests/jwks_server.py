"""A JWKS endpoint on this machine that counts its requests and answers when the test says so."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from authkit_verifier import Verifier
from cases import ISSUER, NOW, RESOURCE, good_jwks

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

# Far beyond what any test takes: ends a test that hangs.
PATIENCE = 30


class JwksServer:
    """Serves `document`. Entering `hold()` makes it keep its answers back until left."""

    def __init__(self) -> None:
        self.document: Any = good_jwks()
        self.status = 200
        self.headers: dict[str, str] = {}
        # Seconds that an answer takes.
        self.delay = 0.0
        self.gets = 0
        # When the last answer was given, by time.monotonic().
        self.answered_at = 0.0
        # Set when a request has arrived, whether or not it was answered.
        self.asked = threading.Event()
        self._may_answer = threading.Event()
        self._may_answer.set()
        self._counted = threading.Condition()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer._answer(self)

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        with self._counted:
            self.gets += 1
            self._counted.notify_all()
        self.asked.set()
        self._may_answer.wait(PATIENCE)
        time.sleep(self.delay)
        body = json.dumps(self.document).encode()
        self.answered_at = time.monotonic()
        try:
            # Without a Date of its own, so that a test may send one.
            request.send_response_only(self.status)
            for name, value in self.headers.items():
                request.send_header(name, value)
            request.send_header("Content-Type", "application/json")
            request.send_header("Content-Length", str(len(body)))
            request.end_headers()
            request.wfile.write(body)
        except OSError:
            """Who asked has given up: a test of time-outs, or a process that has ended."""

    def hold(self) -> _Hold:
        return _Hold(self._may_answer)

    def wait_until_asked(self) -> None:
        assert self.asked.wait(PATIENCE), "nobody asked for the keys"

    def wait_for_gets(self, count: int) -> None:
        with self._counted:
            asked = self._counted.wait_for(lambda: self.gets >= count, PATIENCE)
        assert asked, f"the keys were asked for {self.gets} times, not {count}"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}/oauth2/jwks"

    def settings(self, **settings: Any) -> dict[str, Any]:
        """Settings that accept the good token with the keys served here."""
        ours = {
            "issuers": {ISSUER: self.url},
            "resource": RESOURCE,
            "now": NOW,
            "allow_insecure_loopback": True,
        }
        return ours | settings

    def verifier(self, **settings: Any) -> Verifier:
        return Verifier(**self.settings(**settings))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._may_answer.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class _Hold:
    """While entered, the server keeps its answers back; `release` lets them go before the end."""

    def __init__(self, may_answer: threading.Event) -> None:
        self._may_answer = may_answer

    def release(self) -> None:
        self._may_answer.set()

    def __enter__(self) -> Self:
        self._may_answer.clear()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()
