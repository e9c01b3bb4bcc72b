"""With nothing configured, a server's own output says why a request was refused, and what to change."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from causes import Asked, check_all
from served_app import ServedApp

if TYPE_CHECKING:
    from pathlib import Path

    from authorization_server import AuthorizationServer


class Plain(ServedApp):
    """As anybody starts it, with no option that is about logging."""

    def _command(self) -> list[str]:
        if self._application.startswith("flask"):
            return [
                "-m",
                "gunicorn",
                f"--bind=fd://{self._listening.fileno()}",
                "--workers=1",
                self._application,
            ]
        return ["-m", "uvicorn", self._application, f"--fd={self._listening.fileno()}"]


@pytest.mark.parametrize("application", ["fastapi_server:app", "flask_server:app"])
def test_every_usual_cause_has_its_line(
    issuer: AuthorizationServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, application: str
) -> None:
    for name in [name for name in os.environ if name.startswith(("AUTHKIT_", "FASTMCP_"))]:
        monkeypatch.delenv(name)
    assert sys.executable
    log = tmp_path / "log"
    served = Plain(application, log)

    def serve(settings: dict[str, str], _: Asked) -> ServedApp:
        again = Plain.__new__(Plain)
        again.__dict__.update(
            served.__dict__ | {"_settings": settings, "_listening": served._listening.dup()}
        )
        return again

    try:
        check_all(issuer, log, serve, served.url)
    finally:
        served._listening.close()
