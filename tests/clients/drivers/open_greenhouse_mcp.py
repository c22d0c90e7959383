"""Calls tools of `open-greenhouse-mcp` through its own server of tools, in its own environment.

Reads one call a line, `["tool", {arguments}]`, and writes one answer a line. The address is all that it changes.
"""

import asyncio
import json
import os
import sys
from typing import Any

import greenhouse_mcp.client as package
from greenhouse_mcp.server import mcp


def point_to(address: str) -> None:
    """Set the addresses of the package: it has no setting for them."""
    assert package.HARVEST_BASE.startswith("https://harvest.greenhouse.io/v"), package.HARVEST_BASE
    package.HARVEST_BASE = address + package.HARVEST_BASE.removeprefix("https://harvest.greenhouse.io")
    if hasattr(package, "TOKEN_URL"):
        assert package.TOKEN_URL == "https://auth.greenhouse.io/token"
        package.TOKEN_URL = address + "/token"


async def call(tool: str, arguments: dict[str, Any]) -> Any:
    """Call a tool as a client of the protocol does, and return its result."""
    _, structured = await mcp.call_tool(tool, arguments)
    return structured["result"]


async def main() -> None:
    """Answer calls until the input ends."""
    for line in sys.stdin:
        tool, arguments = json.loads(line)
        try:
            answer = {"result": await call(tool, arguments)}
        except Exception as error:
            answer = {"raised": f"{type(error).__name__}: {error}"}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


point_to(os.environ["ROWEN_ADDRESS"])
asyncio.run(main())
