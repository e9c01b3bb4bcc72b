"""FastMCP's own client logs in to an MCP server: `fastmcp_client.py URL TOOL`; prints a tool's answer."""

from __future__ import annotations

import asyncio
import sys

import pytest
from fastmcp import Client

# Of bindings/python/tests/fastmcp, which PYTHONPATH names.
from headless import Browser


async def call(url: str, tool: str) -> str:
    async with Client(url, auth="oauth") as client:
        result = await client.call_tool(tool)
    return str(result.content[0].text)


browser = Browser(pytest.MonkeyPatch())
print(asyncio.run(call(*sys.argv[1:])))
if browser.logins != 1:
    sys.exit(f"{browser.logins} logins")
