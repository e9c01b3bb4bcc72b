"""A browser that nobody looks at: logs in where FastMCP's client opens a page."""

from __future__ import annotations

import threading
import time
import urllib.error
import urllib.request
import webbrowser
from http.cookiejar import CookieJar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest


class Browser:
    """Takes the place of the machine's browser; counts the logins."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.logins = 0
        monkeypatch.setattr(webbrowser, "open", self.open)

    def open(self, url: str, *_: Any, **__: Any) -> bool:
        self.logins += 1
        # The client waits for the redirect on its own loop.
        threading.Thread(target=self._visit, args=[url], daemon=True).start()
        return True

    def _visit(self, url: str) -> None:
        """Follows the redirects, through login and consent, back to the client."""
        cookies = urllib.request.HTTPCookieProcessor(CookieJar())
        browser = urllib.request.build_opener(cookies)
        end = time.monotonic() + 30
        while True:
            try:
                with browser.open(url, timeout=30) as page:
                    page.read()
                return
            except urllib.error.URLError as error:
                # The client has the page opened, and only then listens for what comes of it.
                if not isinstance(error.reason, ConnectionRefusedError) or time.monotonic() > end:
                    raise
                time.sleep(0.05)
