"""`authkit doctor` at the example server of the official SDK: it meets every MUST and SHOULD."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING

from authorization_server import PATIENCE, AuthorizationServer
from cases import REPOSITORY
from served_app import ServedApp

if TYPE_CHECKING:
    from pathlib import Path

# Read now: no test sees our settings in its environment.
CLI = os.environ.get("AUTHKIT_CLI", str(REPOSITORY / "target" / "release" / "authkit"))

# Of our own authorization server: no client ID metadata documents, and no word on how long keys keep.
OF_THE_ISSUER = {"as.cimd": "warn", "jwks.cache": "note"}


def missed(issuer: AuthorizationServer, server: ServedApp, scope: str) -> dict[str, str]:
    """Every check that is neither met nor skipped, with its finding."""
    settings = ["--authkit-domain", issuer.issuer, "--base-url", server.url, "--required-scopes", "mcp:read"]
    done = subprocess.run(
        [CLI, "doctor", "--json", "--allow-insecure-loopback", "--token-file", "-", *settings],
        input=issuer.mint(aud=f"{server.url}/mcp", scope=scope),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    checks = json.loads(done.stdout)["checks"]
    return {check["id"]: check["finding"] for check in checks if check["finding"] not in ("pass", "skip")}


def test_the_doctor_finds_nothing_wrong(issuer: AuthorizationServer, tmp_path: Path) -> None:
    settings = {
        "AUTHKIT_DOMAIN": issuer.issuer,
        "AUTHKIT_REQUIRED_SCOPES": "mcp:read",
        "AUTHKIT_ALLOW_INSECURE_LOOPBACK": "true",
    }
    with ServedApp("mcp_server:app", tmp_path / "log", **settings) as server:
        server.wait_until_ready()
        assert missed(issuer, server, "mcp:read") == OF_THE_ISSUER
        assert missed(issuer, server, "openid") == OF_THE_ISSUER | {"token.verdict": "fail"}
