"""Reads pyright's report on the package's public types; fails where one of our own is not known."""

from __future__ import annotations

import json
import sys

# Made of a framework's classes, of which this environment has none; mypy checks them where there are some.
FRAMEWORKS = ("asgi", "fastapi", "fastmcp", "mcp")

symbols = json.load(sys.stdin)["typeCompleteness"]["symbols"]
own = [one for one in symbols if one["name"].partition(".")[2].partition(".")[0] not in FRAMEWORKS]
unknown = [one["name"] for one in own if not one["isTypeKnown"] or one["isTypeAmbiguous"]]
if unknown or len(own) < 100:
    sys.exit(f"of {len(own)} public symbols these are not of a known type: {', '.join(unknown)}")
